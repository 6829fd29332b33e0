import { z } from "zod";
import { valueAt } from "../body/payload.ts";
import { errorText } from "../util/errors.ts";
import { isLongNumber } from "../util/json.ts";

/** One way in which a payload is not what its event's schema says. */
export interface SchemaIssue {
  /** Keys and indexes from the top: `["data", "ids", 0]`. */
  readonly path: readonly (string | number)[];
  /** The path for people: `data.ids[0]`. Empty for the payload itself. */
  readonly at: string;
  readonly expected: string;
  readonly received: string;
}

export interface SchemaResult {
  readonly ok: boolean;
  readonly issues: readonly SchemaIssue[];
}

/**
 * Says that schemas will be used a few times only in this process: then walking one is sooner done than compiling it into
 * code, which zod does on first use.
 */
export function disableSchemaJit(): void {
  z.config({ jitless: true });
}

export function checkSchema(schema: z.ZodType, data: unknown): SchemaResult {
  let result: ReturnType<typeof schema.safeParse>;
  try {
    result = schema.safeParse(data);
  } catch (error) {
    // One of the user's own runs what they have written, on what anybody can send.
    const issue = toIssue([], `what its schema allows, but the schema failed: ${errorText(error)}`, data);
    return { ok: false, issues: [issue] };
  }
  if (result.success) return { ok: true, issues: [] };
  const issues: SchemaIssue[] = [];
  let left = 0;
  for (const found of result.error.issues) {
    if (issues.length >= MOST_ISSUES) left++;
    else {
      // One of zod's may be very many of ours.
      for (const issue of issuesOf(found, data)) {
        if (issues.length < MOST_ISSUES) issues.push(issue);
        else left++;
      }
    }
  }
  if (left > 0) issues.push(toIssue([], `what the schema says in ${left} more places`, data));
  return { ok: issues.length === 0, issues };
}

/** Every one is kept and shown: a body may hold half a million of them. */
const MOST_ISSUES = 50;

/** One issue of zod's as it is told: none where only our reading of a long number is at fault, several of a union. */
function issuesOf(issue: z.core.$ZodIssue, data: unknown): readonly SchemaIssue[] {
  const path = keysOf(issue.path);
  const value = valueAt(data, path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => toIssue([...path, key], "no such field", data));
  }
  if (issue.code === "invalid_type" && NUMBERS.has(issue.expected) && isLongNumber(value)) return [];
  if (issue.code === "invalid_union" && issue.message === UNTOLD) return unionIssues(issue, path, data);
  return [toIssue(path, expectedText(issue), data)];
}

/** What zod says of a union that has no words of its own. */
const UNTOLD = "Invalid input";

/** What each alternative wants; where some of them fit the value itself, what the nearest of these finds within it. */
function unionIssues(
  issue: z.core.$ZodIssueInvalidUnion,
  path: readonly (string | number)[],
  data: unknown,
): readonly SchemaIssue[] {
  const alternatives = issue.errors.map((errors) =>
    errors.flatMap((each) => issuesOf({ ...each, path: [...issue.path, ...each.path] }, data)),
  );
  const deeper = alternatives.filter((issues) => issues.every((each) => each.path.length > path.length));
  const [nearest] = deeper.toSorted((a, b) => a.length - b.length);
  if (nearest !== undefined) return nearest;
  const expected = [...new Set(alternatives.flat().map((each) => each.expected))];
  return [toIssue(path, expected.length === 0 ? "one alternative only" : expected.join(" or "), data)];
}

const NUMBERS: ReadonlySet<string> = new Set(["number", "int", "bigint"]);

function keysOf(path: readonly PropertyKey[]): readonly (string | number)[] {
  return path.map((key) => (typeof key === "symbol" ? String(key) : key));
}

function toIssue(path: readonly (string | number)[], expected: string, data: unknown): SchemaIssue {
  return { path, at: pathText(path), expected, received: receivedText(valueAt(data, path)) };
}

function expectedText(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return EXPECTED[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") return issue.values.map((value) => JSON.stringify(value)).join(" or ");
  if (issue.code === "invalid_format" && issue.format !== "regex") return `text in the form ${issue.format}`;
  if (issue.code === "too_small") return `at least ${issue.minimum} (${issue.origin})`;
  if (issue.code === "too_big") return `at most ${issue.maximum} (${issue.origin})`;
  return issue.message;
}

/** Zod's words that are not those of a payload. */
const EXPECTED: Readonly<Record<string, string>> = { nonoptional: "a value", never: "nothing", int: "a whole number" };

/** What came: its type, with the value where that is short and cannot be anyone's secret (never a text). */
function receivedText(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object") return "an object";
  if (typeof value === "string") return value === "" ? "an empty string" : "a string";
  return `${typeof value} ${String(value)}`;
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

/** What a value may be, whichever of several alternatives it takes: a union's objects are one, with the fields of all. */
export interface Shape {
  /** True when anything will do; the rest then says nothing. */
  readonly any: boolean;
  /** Types of which every value will do. */
  readonly types: ReadonlySet<TypeWord>;
  /** Single values that will do beside them. */
  readonly literals: readonly LiteralValue[];
  /** Of an object. */
  readonly fields: ReadonlyMap<string, Field>;
  /** What other fields of an object may be; undefined where it may have none. */
  readonly rest: Shape | undefined;
  /** Of an array; undefined where nothing is known of its elements. */
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

/** What an event's schema lets come in. Custom checks, which no such description holds, count as "anything". */
export function schemaShape(schema: z.ZodType): Shape {
  return fromJsonSchema(z.toJSONSchema(schema, { io: "input", unrepresentable: "any", cycles: "ref" }));
}

export function typeWord(value: unknown): TypeWord {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean" ? type : "object";
}

/** Either of two. */
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

type JsonSchema = z.core.JSONSchema.JSONSchema;

function fromJsonSchema(schema: JsonSchema | boolean): Shape {
  if (typeof schema === "boolean" || schema.$ref !== undefined) return anyShape;
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return join(alternatives.map(fromJsonSchema));
  // Both at once: nothing here needs more of an intersection than the fields of all its parts.
  if (schema.allOf !== undefined) return join(schema.allOf.map(fromJsonSchema));
  if (schema.const !== undefined) return { ...anyShape, any: false, literals: [schema.const] };
  if (schema.enum !== undefined) return { ...anyShape, any: false, literals: schema.enum };
  if (schema.type === undefined) return anyShape;
  const words = [schema.type].flat().map((word): TypeWord => (word === "integer" ? "number" : word));
  const { additionalProperties: rest } = schema;
  const required = schema.required ?? [];
  return {
    any: false,
    types: new Set(words),
    literals: [],
    fields: new Map(
      Object.entries(schema.properties ?? {}).map(([name, part]): [string, Field] => [
        name,
        { shape: fromJsonSchema(part), optional: !required.includes(name) },
      ]),
    ),
    rest: !words.includes("object") || rest === false ? undefined : fromJsonSchema(rest ?? true),
    element: elementOf(schema),
  };
}

function elementOf({ items, prefixItems = [] }: JsonSchema): Shape | undefined {
  const parts = [...prefixItems, ...(items === undefined ? [] : [items].flat())].filter((part) => part !== false);
  return parts.length === 0 ? undefined : join(parts.map(fromJsonSchema));
}

function join(shapes: readonly Shape[]): Shape {
  const [first, ...others] = shapes;
  return first === undefined ? anyShape : others.reduce(joinShapes, first);
}
