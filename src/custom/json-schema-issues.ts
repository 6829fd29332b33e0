import { type Schema, type SchemaDraft, validate } from "@cfworker/json-schema";
import type { z } from "zod";
import { valueAt } from "../delivery/payload.ts";
import { isLongNumber } from "../util/json.ts";
import { counted } from "../util/units.ts";

/** A JSON Schema with all that it refers to. */
export interface SchemaSet {
  readonly root: Schema | boolean;
  readonly draft: SchemaDraft;
  /** Schemas by absolute URI. */
  readonly lookup: Record<string, Schema | boolean>;
}

type Issue = z.core.$ZodRawIssue;
type Path = readonly (string | number)[];

/** The mismatches between data and a JSON Schema, as the issues that zod has for them, so that they read the same. */
export function findIssues(set: SchemaSet, data: unknown): readonly Issue[] {
  const errors = findErrors(set, data);
  // A number of more than 15 digits was read as a string.
  const long = errors.filter(
    ({ keyword, schema, value }) => keyword === "type" && isLongNumber(value) && takesNumber(schema),
  );
  if (long.length === 0) return toIssues(errors, set.lookup);
  const copy = { data: structuredClone(data) };
  for (const { path, value } of long) {
    const parent = valueAt(copy, ["data", ...path.slice(0, -1)]);
    if (path.length === 0) copy.data = Number(value);
    else Reflect.set(Object(parent), path.at(-1) ?? "", Number(value));
  }
  return toIssues(findErrors(set, copy.data), set.lookup);
}

function takesNumber({ type }: Schema): boolean {
  return [type].flat().some((each) => each === "integer" || each === "number");
}

/** An error of the library, with what its locations refer to. */
interface SchemaError {
  readonly keyword: string;
  readonly location: string;
  /** The schema that has the keyword. */
  readonly schema: Schema;
  /** Whether it is about an element that `contains` tries. */
  readonly isTried: boolean;
  readonly instanceLocation: string;
  readonly path: Path;
  readonly value: unknown;
}

/** A body of a megabyte may cause half a million, of which fifty are shown. */
const MAX_ERRORS = 2000;

function findErrors(set: SchemaSet, data: unknown): readonly SchemaError[] {
  let location = "#";
  const errors = validateAll(set, data).slice(0, MAX_ERRORS);
  return errors.map(({ keyword, keywordLocation, instanceLocation }) => {
    // The library gives no location of a `false`, which follows the error of the rule that it belongs to.
    location = keyword === "false" ? location.replace(/(?:\/false)?$/, "/false") : keywordLocation;
    const path = pointerKeys(instanceLocation, data);
    return { keyword, location, ...schemaAt(set, location), instanceLocation, path, value: valueAt(data, path) };
  });
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

/** Keywords with schemas by name. */
const MAPS = new Set(["properties", "patternProperties", "dependentSchemas", "dependencies"]);

/** Follows a location such as `#/properties/a/$ref/type` to the schema that has the last keyword. */
function schemaAt({ root, lookup }: SchemaSet, location: string): Pick<SchemaError, "schema" | "isTried"> {
  const tokens = pointerTokens(location);
  let schema: Schema = Object(root);
  let isTried = false;
  for (let i = 0; i < tokens.length - 1; i++) {
    const token = tokens[i] ?? "";
    if (token === "contains") isTried = true;
    if (token === "$ref") schema = Object(lookup[schema.__absolute_ref__ ?? ""]);
    // The library names it twice.
    else if (token === "$recursiveRef") schema = Object(lookup[schema.__absolute_recursive_ref__ ?? ""] ?? schema);
    else {
      const next = Object(schema[token]);
      schema = MAPS.has(token) || Array.isArray(next) ? Object(next[tokens[++i] ?? ""]) : next;
    }
  }
  return { schema, isTried };
}

/** The keys of a JSON pointer (`#/data/ids/0`): numbers where the data has arrays. */
export function pointerKeys(pointer: string, data: unknown): Path {
  let value = data;
  return pointerTokens(pointer).map((token) => {
    const key = Array.isArray(value) ? Number(token) : token;
    value = valueAt(value, [key]);
    return key;
  });
}

function pointerTokens(pointer: string): readonly string[] {
  const [, ...tokens] = pointer.split("/");
  return tokens.map((token) => decodeURIComponent(token).replaceAll("~1", "/").replaceAll("~0", "~"));
}

type Lookup = SchemaSet["lookup"];

/** `depth`: how many keys lead to the alternatives that the errors are of. */
function toIssues(errors: readonly SchemaError[], lookup: Lookup, depth = 0): Issue[] {
  const issues: Issue[] = [];
  const add = (path: Path, issue: Issue): number => issues.push({ ...issue, path: path.slice(depth) });
  for (let i = 0; i < errors.length; i++) {
    const error = errors[i];
    if (error === undefined || error.isTried || isRepeated(error, errors[i - 1])) continue;
    const { keyword, path, schema } = error;
    if (keyword === "anyOf" || keyword === "oneOf" || keyword === "propertyNames") {
      const inner = errorsWithin(error, errors, i + 1);
      i += inner.length;
      if (keyword !== "propertyNames") add(path, unionIssue(error, inner, lookup));
      else add(inner[0]?.path ?? path, typeIssue("no field with such a name"));
    }
    for (const name of missingNames(error))
      add([...path, name], typeIssue(expectedText(schema.properties?.[name], lookup)));
    const issue = ownIssue(error);
    if (issue !== undefined) add(path, issue);
  }
  // Otherwise a body with an error that is not known here would be valid.
  if (issues.length === 0 && errors.length > 0) add([], typeIssue("what its schema allows"));
  return issues;
}

/** The library has one error for each missing name, without the name. */
function isRepeated(error: SchemaError, before: SchemaError | undefined): boolean {
  return (
    ["required", "dependentRequired", "dependencies"].includes(error.keyword) &&
    error.location === before?.location &&
    error.instanceLocation === before.instanceLocation
  );
}

function missingNames({ keyword, schema, value }: SchemaError): readonly string[] {
  const rule: unknown = schema[keyword];
  const isMissing = (name: string): boolean => !Object.hasOwn(Object(value), name);
  if (keyword === "required" && Array.isArray(rule)) return rule.filter(isMissing);
  if (keyword !== "dependentRequired" && keyword !== "dependencies") return [];
  const lists = Object.entries(Object(rule)).map(([name, list]) =>
    isMissing(name) || !Array.isArray(list) ? [] : list,
  );
  return [...new Set(lists.flat())].filter(isMissing);
}

/** The errors that follow an error and belong to it. */
function errorsWithin(
  { location }: SchemaError,
  errors: readonly SchemaError[],
  start: number,
): readonly SchemaError[] {
  let end = start;
  while (errors[end]?.location.startsWith(`${location}/`)) end++;
  return errors.slice(start, end);
}

function unionIssue(
  { keyword, location, schema, path }: SchemaError,
  inner: readonly SchemaError[],
  lookup: Lookup,
): Issue {
  const groups = new Map<string, SchemaError[]>();
  for (const error of inner) {
    const [index = ""] = error.location.slice(location.length + 1).split("/", 1);
    const group = groups.get(index);
    if (group === undefined) groups.set(index, [error]);
    else group.push(error);
  }
  const alternatives = [...groups.values()].map((errors) => toIssues(errors, lookup, path.length));
  // Fewer than there are: several others match.
  const isAmbiguous = keyword === "oneOf" && alternatives.length < (schema.oneOf?.length ?? 0);
  const issues = (isAmbiguous ? [] : alternatives) as z.core.$ZodIssueInvalidUnion["errors"];
  return { code: "invalid_union", errors: issues, message: "Invalid input", input: undefined };
}

/** Undefined for a rule whose own errors follow. */
function ownIssue({ keyword, schema, path, value }: SchemaError): Issue | undefined {
  const rule: unknown = schema[keyword];
  if (keyword === "type") return typeIssue(typeText(schema.type, value));
  if (keyword === "false") return typeIssue(typeof path.at(-1) === "number" ? "no such element" : "no such field");
  if (keyword === "const") return { code: "invalid_value", values: [schema.const], input: value };
  if (keyword === "enum") return { code: "invalid_value", values: schema.enum ?? [], input: value };
  if (keyword === "format" && rule !== "regex")
    return { code: "invalid_format", format: String(rule), input: String(value) };
  const limit = LIMITS[keyword];
  if (limit !== undefined) {
    const [code, origin, exclusive] = limit;
    const inclusive = exclusive === undefined || (exclusive !== keyword && schema[exclusive] !== true);
    return { code, origin, minimum: Number(rule), maximum: Number(rule), inclusive, input: value };
  }
  const expected = TEXTS[keyword]?.(rule);
  return expected === undefined ? undefined : { code: "custom", message: expected, input: value };
}

/** `exclusive`: the keyword that makes the limit exclusive. It is a boolean in draft 4, and a limit of its own since. */
type Limit = readonly [code: "too_small" | "too_big", origin: string, exclusive?: string];
const LIMITS: Readonly<Record<string, Limit>> = {
  minLength: ["too_small", "string"],
  maxLength: ["too_big", "string"],
  minItems: ["too_small", "array"],
  maxItems: ["too_big", "array"],
  minProperties: ["too_small", "object"],
  maxProperties: ["too_big", "object"],
  minimum: ["too_small", "number", "exclusiveMinimum"],
  maximum: ["too_big", "number", "exclusiveMaximum"],
  exclusiveMinimum: ["too_small", "number", "exclusiveMinimum"],
  exclusiveMaximum: ["too_big", "number", "exclusiveMaximum"],
};

const TEXTS: Readonly<Record<string, (rule: unknown) => string>> = {
  multipleOf: (rule) => `a multiple of ${rule}`,
  format: () => "a regular expression",
  pattern: (rule) => `text that matches ${rule}`,
  not: () => 'a value that "not" does not match',
  uniqueItems: () => "elements that all differ",
  contains: () => 'an element that matches "contains"',
  minContains: (rule) => `at least ${counted(Number(rule), "element")} matching "contains"`,
  maxContains: (rule) => `at most ${counted(Number(rule), "element")} matching "contains"`,
};

/** Zod's issue that shows no more of a value than its type. */
function typeIssue(expected: string): Issue {
  return { code: "invalid_type", expected: expected as "string", input: undefined };
}

/** `number or null`. An integer is called a number, unless the value is one that is not whole. */
function typeText(type: Schema["type"], value: unknown): string {
  const whole = typeof value === "number" ? "a whole number" : "number";
  return [type]
    .flat()
    .map((each) => (each === "integer" ? whole : each))
    .join(" or ");
}

/** What a missing field should be. */
function expectedText(schema: unknown, lookup: Lookup): string {
  const { type, const: value, enum: values, $ref, __absolute_ref__ }: Schema = Object(schema);
  if ($ref !== undefined && type === undefined) return expectedText(lookup[__absolute_ref__ ?? ""], lookup);
  if (value !== undefined || values !== undefined)
    return (values ?? [value]).map((each) => JSON.stringify(each)).join(" or ");
  return type === undefined ? "a value" : typeText(type, undefined);
}
