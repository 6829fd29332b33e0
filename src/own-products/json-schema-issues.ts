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
  /** The name of the field that is missing, for a rule that requires one. */
  readonly missing: string | undefined;
  /** The schema that has the keyword. */
  readonly schema: Schema;
  /** Whether it is about an element that `contains` tries. */
  readonly isTried: boolean;
  readonly path: Path;
  readonly value: unknown;
}

/** A body of a megabyte may cause half a million, of which fifty are shown. */
const MAX_ERRORS = 2000;

function findErrors(set: SchemaSet, data: unknown): readonly SchemaError[] {
  let location = "#";
  const errors = validateAll(set, data).slice(0, MAX_ERRORS);
  return errors.map(({ keyword, keywordLocation, instanceLocation, error }) => {
    // The library gives no location of a `false`, which follows the error of the rule that it belongs to.
    location = keyword === "false" ? location.replace(/(?:\/false)?$/, "/false") : keywordLocation;
    const [, missing] = /(?:required property|does not have) "(.*)"\.$/s.exec(error) ?? [];
    const path = pointerKeys(instanceLocation, data);
    return { keyword, location, missing, ...schemaAt(set, location), path, value: valueAt(data, path) };
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
  const missing = new Set<string>();
  const add = (path: Path, issue: Issue): number => issues.push({ ...issue, path: path.slice(depth) });
  for (let i = 0; i < errors.length; i++) {
    const error = errors[i];
    if (error === undefined || error.isTried) continue;
    const { keyword, path, schema } = error;
    if (keyword === "anyOf" || keyword === "oneOf" || keyword === "propertyNames") {
      const inner = errorsWithin(error, errors, i + 1);
      i += inner.length;
      if (keyword !== "propertyNames") add(path, unionIssue(error, inner, lookup));
      else add(inner[0]?.path ?? path, expectedIssue("no field with such a name"));
    }
    if (error.missing !== undefined) {
      // Several fields may require the same one.
      const at = [...path, error.missing];
      const place = JSON.stringify([error.location, at]);
      if (!missing.has(place)) add(at, expectedIssue(fieldText(schema.properties?.[error.missing], lookup)));
      missing.add(place);
    }
    const issue = ruleIssue(error);
    if (issue !== undefined) add(path, issue);
  }
  // Otherwise a body with an error that is not known here would be valid.
  if (issues.length === 0 && errors.length > 0) add([], expectedIssue("what its schema allows"));
  return issues;
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
    groups.set(index, [...(groups.get(index) ?? []), error]);
  }
  const alternatives = [...groups.values()].map((errors) => toIssues(errors, lookup, path.length));
  // Fewer than there are: several others match.
  const isAmbiguous = keyword === "oneOf" && alternatives.length < (schema.oneOf?.length ?? 0);
  const issues = (isAmbiguous ? [] : alternatives) as z.core.$ZodIssueInvalidUnion["errors"];
  return { code: "invalid_union", errors: issues, message: "Invalid input", input: undefined };
}

/** Undefined for a rule whose own errors follow. */
function ruleIssue({ keyword, schema, path, value }: SchemaError): Issue | undefined {
  const rule: unknown = schema[keyword];
  if (keyword === "format" && rule !== "regex")
    return { code: "invalid_format", format: String(rule), input: String(value) };
  if (keyword === "type") return expectedIssue(typeText(schema.type, value));
  if (keyword === "false") return expectedIssue(typeof path.at(-1) === "number" ? "no such element" : "no such field");
  const expected = TEXTS[keyword]?.(rule, schema);
  return expected === undefined ? undefined : expectedIssue(expected);
}

/** The expected value, by rule. */
const TEXTS: Readonly<Record<string, (rule: unknown, schema: Schema) => string>> = {
  const: (rule) => JSON.stringify(rule),
  enum: (rule) => valuesText(rule as readonly unknown[]),
  minLength: (rule) => `at least ${counted(Number(rule), "character")}`,
  maxLength: (rule) => `at most ${counted(Number(rule), "character")}`,
  minItems: (rule) => `at least ${counted(Number(rule), "element")}`,
  maxItems: (rule) => `at most ${counted(Number(rule), "element")}`,
  minProperties: (rule) => `at least ${counted(Number(rule), "field")}`,
  maxProperties: (rule) => `at most ${counted(Number(rule), "field")}`,
  // In draft 4, a boolean beside a limit makes it exclusive; since then, an exclusive limit is a rule of its own.
  minimum: (rule, { exclusiveMinimum }) => `${exclusiveMinimum === true ? "more than" : "at least"} ${Number(rule)}`,
  maximum: (rule, { exclusiveMaximum }) => `${exclusiveMaximum === true ? "less than" : "at most"} ${Number(rule)}`,
  exclusiveMinimum: (rule) => `more than ${Number(rule)}`,
  exclusiveMaximum: (rule) => `less than ${Number(rule)}`,
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
function expectedIssue(message: string): Issue {
  return { code: "custom", message, input: undefined };
}

function valuesText(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(" or ");
}

/** `number or null`. An integer is called a number, unless the value is one that is not whole. */
function typeText(type: Schema["type"], value: unknown): string {
  const whole = typeof value === "number" ? "a whole number" : "number";
  const types = [type].flat();
  return types.map((each) => (each === "integer" ? whole : each)).join(" or ");
}

/** The expected value of a missing field. */
function fieldText(schema: unknown, lookup: Lookup): string {
  const { type, const: value, enum: values, $ref, __absolute_ref__ }: Schema = Object(schema);
  if ($ref !== undefined && type === undefined) return fieldText(lookup[__absolute_ref__ ?? ""], lookup);
  if (value !== undefined || values !== undefined) return valuesText(values ?? [value]);
  return type === undefined ? "a value" : typeText(type, undefined);
}
