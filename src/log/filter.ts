import type { Delivery } from "../delivery/delivery.ts";
import { readPayload } from "../delivery/payload.ts";
import { usageError } from "../util/errors.ts";
import type { DeliveryKind, LogFilter, WhereClause } from "./log.ts";
import type { SqlValue } from "./rows.ts";
import { FAILED_NUMBERS } from "./states.ts";

/** Part of a SQL WHERE over `deliveries`. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

export interface EventKind {
  readonly product: string;
  readonly event: string;
}

/** SQL that the engines write in different ways. */
export interface Dialect {
  /** Before a column of text, so that no index of it is used: reading by number, page by page, returns the first rows sooner. */
  readonly unindexed: string;
  bytesOf(column: string): string;
}

/** Conditions that read no bodies, without that of `only`. `kinds` are the events that the filter's patterns match. */
export function recordConditions(
  filter: LogFilter,
  kinds: readonly EventKind[] | undefined,
  { unindexed }: Dialect,
): readonly Condition[] {
  const conditions: Condition[] = [];
  const add = (sql: string, ...values: SqlValue[]): void => {
    conditions.push({ sql, values });
  };
  // The unary plus does for numbers what `unindexed` does.
  if (filter.product !== undefined) add(`${unindexed}product = ?`, filter.product.toLowerCase());
  const [kind, ...others] = kinds ?? [];
  if (kinds !== undefined && kind === undefined) add("FALSE");
  if (kind !== undefined && others.length === 0) add("product = ? AND event = ?", kind.product, kind.event);
  else if (kinds !== undefined && kind !== undefined) {
    const marks = kinds.map(() => "(?, ?)").join(", ");
    add(
      `(${unindexed}product, ${unindexed}event) IN (VALUES ${marks})`,
      ...kinds.flatMap(({ product, event }) => [product, event]),
    );
  }
  if (filter.since !== undefined) add("+received_at >= ?", filter.since.getTime());
  if (filter.until !== undefined) add("+received_at < ?", filter.until.getTime());
  if (filter.after !== undefined) add("n > ?", filter.after);
  if (filter.before !== undefined) add("n < ?", filter.before);
  return conditions;
}

/** Bounded by numbers, or each page of a long list would look up the failures of the whole log. */
export function onlyCondition(only: readonly DeliveryKind[], low: number, high: number): Condition {
  const conditions = only.map((kind) => kindCondition(kind, low, high));
  const values = conditions.flatMap((each) => each.values);
  return { sql: `(${conditions.map(({ sql }) => sql).join(" OR ")})`, values };
}

/** Written so that the partial indexes apply. */
function kindCondition(kind: DeliveryKind, low: number, high: number): Condition {
  switch (kind) {
    case "failed":
      return { sql: `n IN (${FAILED_NUMBERS})`, values: [low, high, low, high, low, high] };
    case "rejected":
      return { sql: "status >= 300 AND accepted = 0", values: [] };
    case "invalid":
      return { sql: "invalid = 1", values: [] };
    case "duplicate":
      return { sql: "duplicate_of IS NOT NULL", values: [] };
    default: {
      const { minStatus, maxStatus } = kind;
      const isRefusal = minStatus >= 300 ? "status >= 300 AND " : "";
      return { sql: `${isRefusal}+status BETWEEN ? AND ?`, values: [minStatus, maxStatus] };
    }
  }
}

/** Conditions that read bodies. Those of `where` are only a prefilter for `matchesWhere`. */
export function contentConditions(filter: LogFilter, { bytesOf }: Dialect): readonly Condition[] {
  const needed = (filter.where ?? []).flatMap(prefilterForms);
  if (filter.search !== undefined) needed.push(...searchForms(filter.search));
  return needed.map((forms) => {
    const inBody = anyContains("body", forms);
    const inUrl = anyContains(bytesOf("url"), forms);
    return { sql: `(${inBody.sql} OR ${inUrl.sql})`, values: [...inBody.values, ...inUrl.values] };
  });
}

/** Parses `path=value`. The path has dots and, for list elements, `[0]` or `.0`; without an index any element matches. */
export function parseWhere(text: string): WhereClause {
  const equals = text.indexOf("=");
  const path = (equals === -1 ? text : text.slice(0, equals))
    .trim()
    .split(/[.[\]]+/)
    .filter((key) => key !== "");
  if (equals === -1 || path.length === 0) {
    throw usageError(
      `${JSON.stringify(text)} is not a condition: it needs a path, an equals sign and a value`,
      "such as --where 'data.Email=jane@example.com'",
    );
  }
  return { path, value: text.slice(equals + 1) };
}

/** Whether the payload has such values at such paths. Ids are compared digit by digit. */
export function matchesWhere(delivery: Delivery, clauses: readonly WhereClause[]): boolean {
  const read = readPayload(delivery);
  return read.ok && clauses.every(({ path, value }) => hasValue(read.payload.data, path, value));
}

function hasValue(data: unknown, path: readonly string[], value: string): boolean {
  const [key, ...rest] = path;
  if (Array.isArray(data)) {
    if (key !== undefined && /^\d+$/.test(key) && hasValue(data[Number(key)], rest, value)) return true;
    return data.some((element) => hasValue(element, path, value));
  }
  if (key === undefined) return sameScalar(data, value);
  if (typeof data !== "object" || data === null || !Object.hasOwn(data, key)) return false;
  return hasValue(Reflect.get(data, key), rest, value);
}

function sameScalar(data: unknown, value: string): boolean {
  if (typeof data === "object" && data !== null) return false;
  if (String(data) === value) return true;
  // `1250.00` in the body is the number 1250; a text equals only itself.
  return typeof data === "number" && value.trim() !== "" && Number(value) === data;
}

/**
 * Bytes that a matching body must contain: one of each inner list. They are the parts of the value that no JSON or form
 * encoder escapes. A number may also have an exponent (Java writes one from 10^7 on), and its zeros may be missing. Empty
 * when there are none.
 */
function prefilterForms({ value }: WhereClause): readonly (readonly Buffer[])[] {
  const bytes = (form: string): Buffer => Buffer.from(form, "latin1");
  if (value.trim() === "" || !Number.isFinite(Number(value))) {
    const runs = value.match(/[A-Za-z0-9._-]{3,}/g) ?? [];
    return runs.map((run) => [bytes(run)]);
  }
  const digits = value.replace(/^[-+\s]*0*|\.0*\s*$/g, "");
  if (!/^\d{3,}$/.test(digits)) return [];
  const exponent = digits.length - 1;
  return [[digits, `e${exponent}`, `E${exponent}`, `e+${exponent}`, `E+${exponent}`].map(bytes)];
}

/**
 * The encodings of a text in a body: plain, with JSON escapes, percent-encoded as in a form. Where there are several, the first
 * part that no encoder escapes is looked for before: of an address that is the name, which few bodies have.
 */
function searchForms(text: string): readonly (readonly Buffer[])[] {
  const quoted = JSON.stringify(text).slice(1, -1);
  const ascii = quoted.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const upper = ascii.replace(/\\u[0-9a-f]{4}/g, (unit) => `\\u${unit.slice(2).toUpperCase()}`);
  const slashes = quoted.replaceAll("/", "\\/");
  const percent = percentEncoded(text);
  const forms = [text, quoted, ascii, upper, slashes, ...percent];
  const different = [...new Set(forms)].filter((form) => form !== "").map((form) => Buffer.from(form, "utf8"));
  const part = different.length > 1 ? /[A-Za-z0-9._-]{3,}/.exec(text)?.[0] : undefined;
  return [...(part === undefined ? [] : [[Buffer.from(part)]]), different];
}

function percentEncoded(text: string): readonly string[] {
  try {
    const encoded = encodeURIComponent(text);
    const form = new URLSearchParams({ "": text }).toString().slice(1);
    return [encoded, form, encoded.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())];
  } catch {
    // A lone surrogate cannot be encoded, so no body contains it.
    return [];
  }
}

/** Whether a column contains one of the forms. Compares bytes, since text would end at a zero byte. */
function anyContains(column: string, forms: readonly Buffer[]): Condition {
  if (forms.length === 0) return { sql: "TRUE", values: [] };
  return { sql: `(${forms.map(() => `instr(${column}, ?) > 0`).join(" OR ")})`, values: forms };
}
