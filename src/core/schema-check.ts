import { z } from "zod";

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
  const result = schema.safeParse(data);
  if (result.success) return { ok: true, issues: [] };
  return { ok: false, issues: result.error.issues.map((issue) => toIssue(issue, data)) };
}

function toIssue(issue: z.core.$ZodIssue, data: unknown): SchemaIssue {
  const path = issue.path.map((key) => (typeof key === "symbol" ? String(key) : key));
  return { path, at: pathText(path), expected: expectedText(issue), received: receivedText(valueAt(data, path)) };
}

function expectedText(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return issue.expected;
  if (issue.code === "invalid_value") return issue.values.map((value) => JSON.stringify(value)).join(" or ");
  if (issue.code === "invalid_format" && issue.format !== "regex") return `text in the form ${issue.format}`;
  if (issue.code === "too_small") return `at least ${issue.minimum} (${issue.origin})`;
  return issue.message;
}

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
