import { type OutputUnit, type Schema, type SchemaDraft, validate } from "@cfworker/json-schema";
import type { z } from "zod";
import { valueAt } from "../delivery/payload.ts";
import { isLongNumber } from "../util/json.ts";
import { oneLine } from "../util/text.ts";

/** A JSON Schema with all that it refers to. */
export interface SchemaSet {
  readonly root: Schema | boolean;
  readonly draft: SchemaDraft;
  /** Schemas by absolute URI. */
  readonly lookup: Record<string, Schema | boolean>;
}

type Issue = z.core.$ZodRawIssue;
type Path = readonly (string | number)[];

/** Finds the mismatches between data and a JSON Schema, in the words of the library, as zod's issues. */
export function findIssues(set: SchemaSet, data: unknown): readonly Issue[] {
  const errors = findErrors(set, data);
  // A number of more than 15 digits was read as a string.
  const long = errors
    .filter(({ keyword, error }) => keyword === "type" && /Expected .*"(?:integer|number)"/.test(error))
    .map(({ instanceLocation }) => pointerKeys(instanceLocation, data))
    .filter((path) => isLongNumber(valueAt(data, path)));
  if (long.length === 0) return toIssues(errors, data);
  const copy = { data: structuredClone(data) };
  for (const path of long) {
    const value = Number(valueAt(data, path));
    const parent = valueAt(copy, ["data", ...path.slice(0, -1)]);
    if (path.length === 0) copy.data = value;
    else Reflect.set(Object(parent), path.at(-1) ?? "", value);
  }
  return toIssues(findErrors(set, copy.data), copy.data);
}

/** A body of a megabyte may cause half a million, of which fifty are shown. */
const MAX_ERRORS = 2000;

function findErrors(set: SchemaSet, data: unknown): readonly OutputUnit[] {
  return validateAll(set, data).slice(0, MAX_ERRORS);
}

function validateAll({ root, draft, lookup }: SchemaSet, data: unknown) {
  try {
    return validate(data, root, draft, lookup, false).errors;
  } catch (error) {
    // The library passes errors as arguments, of which the stack holds a hundred thousand.
    if (error instanceof RangeError) return validate(data, root, draft, lookup, true).errors;
    throw error;
  }
}

/** Rules whose error says only that a part has errors, which follow. */
const LEADING = new Set(
  ["$ref", "$recursiveRef", "allOf", "if", "properties", "patternProperties", "additionalProperties"].concat(
    ["unevaluatedProperties", "dependentSchemas", "dependencies", "items", "prefixItems", "additionalItems"],
    ["unevaluatedItems"],
  ),
);
/** Rules whose error says it all: those that follow are of what was tried. */
const TRYING = new Set(["anyOf", "oneOf", "propertyNames", "contains"]);

/** The keys of a JSON pointer (`#/data/ids/0`): numbers where the data has arrays. */
export function pointerKeys(pointer: string, data: unknown): Path {
  const [, ...tokens] = pointer.split("/");
  let value = data;
  return tokens.map((token) => {
    const name = decodeURIComponent(token).replaceAll("~1", "/").replaceAll("~0", "~");
    const key = Array.isArray(value) ? Number(name) : name;
    value = valueAt(value, [key]);
    return key;
  });
}

function toIssues(errors: readonly OutputUnit[], data: unknown): readonly Issue[] {
  const issues: Issue[] = [];
  for (let i = 0; i < errors.length; i++) {
    const { keyword, keywordLocation, instanceLocation, error } = errors[i] as OutputUnit;
    // A list of names in `dependencies` leads to no other error.
    if (LEADING.has(keyword) && !error.includes("does not have")) continue;
    if (TRYING.has(keyword)) {
      // The location of "false" is that of the value.
      const isTried = (each: OutputUnit | undefined): boolean =>
        each?.keyword === "false" || each?.keywordLocation.startsWith(`${keywordLocation}/`) === true;
      while (isTried(errors[i + 1])) i++;
    }
    issues.push({
      code: "custom",
      path: [...pointerKeys(instanceLocation, data)],
      message: `what its schema allows (${sentence(error)})`,
      input: undefined,
    });
  }
  return issues;
}

/** May name a key of the body, or a list of allowed values. */
const MAX_SENTENCE_LENGTH = 200;

/** The library's message on one line, without its period and the number that it may begin with, which may be secret. */
function sentence(error: string): string {
  const text = oneLine(error.replace(/^-?\d\S* is/, "Value is").replace(/\.$/, ""));
  return text.length > MAX_SENTENCE_LENGTH ? `${text.slice(0, MAX_SENTENCE_LENGTH)}…` : text;
}
