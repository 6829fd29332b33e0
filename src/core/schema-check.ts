import { z } from "zod";
import { errorText } from "./errors.ts";
import { isLongNumber } from "./json-text.ts";

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
export function expectFewChecks(): void {
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

export function valueAt(data: unknown, path: readonly (string | number)[]): unknown {
  let value = data;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
