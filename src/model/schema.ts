import { z } from "zod";
import { isSecretIn, maskText } from "../delivery/mask.ts";
import { memberCount, valueAt } from "../delivery/payload.ts";
import { errorText } from "../util/errors.ts";
import { isLongNumber } from "../util/json.ts";
import { oneLine } from "../util/text.ts";
import { counted } from "../util/units.ts";

/** One mismatch between a payload and its event's schema. */
export interface SchemaIssue {
  /** Keys and indexes from the top: `["data", "ids", 0]`. */
  readonly path: readonly (string | number)[];
  /** The path for people: `data.ids[0]`. Empty for the payload itself. */
  readonly at: string;
  readonly expected: string;
  /** The start of a text, masked; under a secret name, and for an object or array, only the type. */
  readonly received: string;
}

export interface SchemaResult {
  readonly ok: boolean;
  readonly issues: readonly SchemaIssue[];
}

/** For a process that checks a few payloads: compiling a schema takes longer than interpreting it a few times. */
export function disableSchemaJit(): void {
  z.config({ jitless: true });
}

/** Runs a check, and may stop it with an error. */
type RunCheck = <Result>(check: () => Result) => Result;
const customSchemas = new WeakMap<z.ZodType, RunCheck>();

/** Marks a schema as the user's own, whose patterns and code may take forever: `run` limits each check with it. */
export function customSchema(schema: z.ZodType, run: RunCheck): z.ZodType {
  customSchemas.set(schema, run);
  return schema;
}

export function isCustomSchema(schema: z.ZodType): boolean {
  return customSchemas.has(schema);
}

/** `secretNames`: beside the names that are always secret, those of fields whose values are not shown. */
export function checkSchema(schema: z.ZodType, data: unknown, secretNames: readonly string[] = []): SchemaResult {
  const run: RunCheck = customSchemas.get(schema) ?? ((check) => check());
  let result: ReturnType<typeof schema.safeParse>;
  try {
    result = run(() => schema.safeParse(withoutUnknown(schema, data)));
  } catch (error) {
    // A user's own schema runs the user's code, or took too long.
    const received = `an error of the schema: ${errorText(error)}`;
    return { ok: false, issues: [{ path: [], at: "", expected: "a value that its schema can check", received }] };
  }
  if (result.success) return { ok: true, issues: [] };
  const isSecret = isSecretIn(secretNames);
  const issues: SchemaIssue[] = [];
  let left = 0;
  for (const found of result.error.issues) {
    if (issues.length >= MAX_ISSUES) left++;
    else {
      // One of zod's issues may become very many.
      for (const issue of issuesOf(found, data, isSecret)) {
        if (issues.length < MAX_ISSUES) issues.push(issue);
        else left++;
      }
    }
  }
  if (left > 0) issues.push(toIssue([], `other values in ${left} more places`, data, isSecret));
  return { ok: issues.length === 0, issues };
}

/**
 * zod copies each member that a loose schema does not know, which takes most of a second for a megabyte of them. A check in
 * a product's schema reads only members that the schema knows; those of users may read any.
 */
function withoutUnknown(schema: z.ZodType, data: unknown): unknown {
  const isLoose = schema instanceof z.ZodObject && schema.def.catchall instanceof z.ZodUnknown;
  if (!isLoose || (isCustomSchema(schema) && schema.def.checks?.length)) return data;
  if (Array.isArray(data) || memberCount(data) <= 1_000) return data;
  const known = Object.keys(schema.shape).filter((name) => Object.hasOwn(Object(data), name));
  return Object.fromEntries(known.map((name) => [name, valueAt(data, [name])]));
}

/** `data is missing (an object)`, `event: expected "Ticket.Create", got "ticket.create"` */
export function describeIssue(issue: Omit<SchemaIssue, "path">): string {
  return issue.received === NOTHING ? issueWithoutValue(issue) : `${issueWithoutValue(issue)}, got ${issue.received}`;
}

/** Describes an issue without the value of the body. */
export function issueWithoutValue({ at, expected, received }: Omit<SchemaIssue, "path">): string {
  const place = at === "" ? "the body" : at;
  const wanted = expected.split(" or ").map(withArticle).join(" or ");
  return received === NOTHING ? `${place} is missing (${wanted})` : `${place}: expected ${wanted}`;
}

function withArticle(type: string): string {
  if (/^(?:object|array)$/.test(type)) return `an ${type}`;
  return /^(?:string|number|boolean)$/.test(type) ? `a ${type}` : type;
}

/** All issues are stored and shown, and a body may cause half a million. */
const MAX_ISSUES = 50;

type IsSecret = (name: string) => boolean;

/** None where a number is only too long for JavaScript, several for a union. */
function issuesOf(issue: z.core.$ZodIssue, data: unknown, isSecret: IsSecret): readonly SchemaIssue[] {
  const path = issue.path.map((key) => (typeof key === "symbol" ? String(key) : key));
  const value = valueAt(data, path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => toIssue([...path, key], "no such field", data, isSecret));
  }
  if (issue.code === "invalid_union" && issue.message === DEFAULT_UNION_MESSAGE)
    return unionIssues(issue, path, data, isSecret);
  if (issue.code === "invalid_type" && NUMBERS.has(issue.expected) && isLongNumber(value)) return [];
  return [toIssue(path, expectedText(issue), data, isSecret)];
}

/** Zod's message for a union without a custom one. */
const DEFAULT_UNION_MESSAGE = "Invalid input";
const NUMBERS: ReadonlySet<string> = new Set(["number", "int", "bigint"]);

/** The alternatives; where some of them fit the value itself, the issues within it of the nearest one. */
function unionIssues(
  issue: z.core.$ZodIssueInvalidUnion,
  path: readonly (string | number)[],
  data: unknown,
  isSecret: IsSecret,
): readonly SchemaIssue[] {
  const alternatives = issue.errors.map((errors) =>
    errors.flatMap((each) => issuesOf({ ...each, path: [...issue.path, ...each.path] }, data, isSecret)),
  );
  const deeper = alternatives.filter((issues) => issues.every((each) => each.path.length > path.length));
  const [nearest] = deeper.toSorted((a, b) => a.length - b.length);
  if (nearest !== undefined) return nearest;
  const expected = [...new Set(alternatives.flat().map((each) => each.expected))];
  return [
    toIssue(path, expected.length === 0 ? "exactly one of the alternatives" : expected.join(" or "), data, isSecret),
  ];
}

/** The issue of the value at a path of the data. */
export function toIssue(
  path: readonly (string | number)[],
  expected: string,
  data: unknown,
  isSecret: IsSecret,
): SchemaIssue {
  const hidden = path.some((key) => isSecret(String(key)));
  // These name values.
  const shown = hidden && /["(]/.test(expected) ? "another value" : expected;
  return { path, at: pathText(path), expected: shown, received: receivedText(valueAt(data, path), hidden) };
}

function expectedText(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return TYPES[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") return issue.values.map((value) => JSON.stringify(value)).join(" or ");
  if (issue.code === "invalid_format" && issue.format !== "regex")
    return FORMATS[issue.format] ?? `text in the format ${issue.format}`;
  if (issue.code === "too_small")
    return `${issue.inclusive === false ? "more than" : "at least"} ${sizeText(issue.minimum, issue.origin)}`;
  if (issue.code === "too_big")
    return `${issue.inclusive === false ? "less than" : "at most"} ${sizeText(issue.maximum, issue.origin)}`;
  return issue.message;
}

/** For types of zod that JSON does not have. */
const TYPES: Readonly<Record<string, string>> = {
  nonoptional: "a value",
  never: "nothing",
  int: "a whole number",
  record: "object",
  tuple: "array",
};
const UNITS: Readonly<Record<string, string>> = { string: "character", array: "element", object: "field" };
/** Descriptions of text formats, by their names in zod. */
const FORMATS: Readonly<Record<string, string>> = {
  datetime: "a date-time such as 2025-01-15T10:30:00Z",
  date: "a date such as 2025-01-15",
  email: "an email address",
  url: "a URL",
};
const NOTHING = "nothing";

function sizeText(size: number | bigint, origin: string): string {
  const unit = UNITS[origin];
  return unit === undefined ? String(size) : counted(Number(size), unit);
}

/** The value of a text, number or boolean unless it is `hidden`, else the type. */
function receivedText(value: unknown, hidden: boolean): string {
  if (value === undefined) return NOTHING;
  if (value === null) return "null";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object") return "an object";
  if (value === "") return "an empty string";
  if (hidden) return `a ${typeof value}`;
  return typeof value === "string" ? shortText(value) : `${typeof value} ${String(value)}`;
}

const MAX_SHOWN_LENGTH = 60;

function shortText(value: string): string {
  const text = oneLine(maskText(value.slice(0, 4 * MAX_SHOWN_LENGTH)));
  return JSON.stringify(text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}…` : text);
}

export function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    if (!/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(key)) return `${text}[${JSON.stringify(key)}]`;
    return text === "" ? key : `${text}.${key}`;
  }, "");
}

export type TypeWord = "object" | "array" | "string" | "number" | "boolean" | "null";
type LiteralValue = string | number | boolean | null;

/** The values that a schema allows. The objects of a union are merged into one, with the fields of all. */
export interface Shape {
  /** True for any value; the other members are then unused. */
  readonly any: boolean;
  /** Types of which every value is allowed. */
  readonly types: ReadonlySet<TypeWord>;
  /** Further single values. */
  readonly literals: readonly LiteralValue[];
  readonly fields: ReadonlyMap<string, Field>;
  /** The shape of other fields; undefined where there may be none. */
  readonly rest: Shape | undefined;
  /** The shape of array elements; undefined where it is unknown. */
  readonly element: Shape | undefined;
}

export interface Field {
  readonly shape: Shape;
  readonly optional: boolean;
}

export const anyShape: Shape = {
  any: true,
  types: new Set(),
  literals: [],
  fields: new Map(),
  rest: undefined,
  element: undefined,
};

/** Custom checks count as "anything": JSON Schema cannot express them. */
export function schemaShape(schema: z.ZodType): Shape {
  const external = externalSchemas.get(schema);
  if (external !== undefined) return fromJsonSchema(external.json, external.target);
  return fromJsonSchema(z.toJSONSchema(schema, { io: "input", unrepresentable: "any", cycles: "ref" }));
}

export type JsonSchema = z.core.JSONSchema.JSONSchema;
/** The schema that a `$ref` refers to; undefined where it is not known. */
type Target = (schema: JsonSchema) => JsonSchema | boolean | undefined;

/** A JSON Schema that is validated by something other than zod. */
export interface ExternalSchema {
  readonly json: JsonSchema | boolean;
  readonly target: Target;
  readonly check: (data: unknown) => readonly z.core.$ZodRawIssue[];
}

const externalSchemas = new WeakMap<z.ZodType, ExternalSchema>();

/** The zod schema that reports what `check` finds, and has the shape of the JSON Schema. */
export function externalSchema(external: ExternalSchema): z.ZodType {
  const schema = z.unknown().check(({ value, issues }) => {
    for (const issue of external.check(value)) issues.push(issue);
  });
  externalSchemas.set(schema, external);
  return schema;
}

export function typeWord(value: unknown): TypeWord {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean" ? type : "object";
}

function joinShapes(a: Shape, b: Shape): Shape {
  if (a.any || b.any) return anyShape;
  const onlyA = a.types.has("object") && !b.types.has("object");
  const onlyB = b.types.has("object") && !a.types.has("object");
  const names = new Set([...a.fields.keys(), ...b.fields.keys()]);
  const fields = [...names].map((name): [string, Field] => {
    const left = a.fields.get(name);
    const right = b.fields.get(name);
    const shape = left === undefined || right === undefined ? undefined : joinShapes(left.shape, right.shape);
    const leftOptional = left === undefined ? !onlyB : left.optional;
    const rightOptional = right === undefined ? !onlyA : right.optional;
    return [name, { shape: shape ?? left?.shape ?? right?.shape ?? anyShape, optional: leftOptional || rightOptional }];
  });
  return {
    any: false,
    types: new Set([...a.types, ...b.types]),
    literals: [...new Set([...a.literals, ...b.literals])],
    fields: new Map(fields),
    rest: joinOptional(a.rest, b.rest),
    element: joinOptional(a.element, b.element),
  };
}

function joinOptional(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  return a === undefined || b === undefined ? (a ?? b) : joinShapes(a, b);
}

/** Forty references that each refer to the next one twice are more parts than fit into any memory. */
const MAX_PARTS = 50_000;

/** `open`: the references that led here. `left`: how many more parts are read. */
function fromJsonSchema(
  schema: JsonSchema | boolean,
  target?: Target,
  open: readonly unknown[] = [],
  left = { parts: MAX_PARTS },
): Shape {
  if (typeof schema === "boolean" || left.parts-- <= 0) return anyShape;
  if (schema.$ref !== undefined) {
    const referred = target?.(schema);
    return referred === undefined || open.includes(referred)
      ? anyShape
      : fromJsonSchema(referred, target, [...open, referred], left);
  }
  const convert = (part: JsonSchema | boolean): Shape => fromJsonSchema(part, target, open, left);
  const { anyOf, oneOf, allOf = [], ...own } = schema;
  const alternatives = anyOf ?? oneOf;
  const parts = [...allOf.map(convert), ...(alternatives === undefined ? [] : [join(alternatives.map(convert))])];
  // Of an intersection only the fields of all its parts are needed.
  return join([...parts, ownShape(own, convert)].filter(({ any }) => !any));
}

function ownShape(schema: JsonSchema, convert: (part: JsonSchema | boolean) => Shape): Shape {
  const values = schema.const === undefined ? schema.enum : [schema.const];
  if (values !== undefined)
    return values.some((value) => typeof value === "object" && value !== null)
      ? anyShape
      : { ...anyShape, any: false, literals: values };
  const { type = impliedType(schema), additionalProperties: rest, required = [] } = schema;
  if (type === undefined) return anyShape;
  const words = [type].flat().map((word): TypeWord => (word === "integer" ? "number" : word));
  return {
    any: false,
    types: new Set(words),
    literals: [],
    fields: new Map(
      Object.entries(schema.properties ?? {}).map(([name, part]): [string, Field] => [
        name,
        { shape: convert(part), optional: !required.includes(name) },
      ]),
    ),
    rest: !words.includes("object") || rest === false ? undefined : convert(rest ?? true),
    element: elementOf(schema, convert),
  };
}

/** Many schemas leave the type out where they describe fields or elements. */
function impliedType({ properties, items, prefixItems }: JsonSchema): "object" | "array" | undefined {
  if (properties !== undefined) return "object";
  return items === undefined && prefixItems === undefined ? undefined : "array";
}

function elementOf(
  { items, prefixItems = [] }: JsonSchema,
  convert: (part: JsonSchema | boolean) => Shape,
): Shape | undefined {
  const parts = [...prefixItems, ...(items === undefined ? [] : [items].flat())].filter((part) => part !== false);
  return parts.length === 0 ? undefined : join(parts.map(convert));
}

function join(shapes: readonly Shape[]): Shape {
  const [first, ...others] = shapes;
  return first === undefined ? anyShape : others.reduce(joinShapes, first);
}
