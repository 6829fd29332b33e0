import type { Delivery } from "../core/delivery.ts";
import { usageError } from "../core/errors.ts";
import { readPayload } from "../core/payload.ts";

/** `data.Email=jane@example.com`: a place in the payload and the text of the value that must stand there. */
export interface WhereClause {
  readonly path: readonly string[];
  readonly value: string;
}

/** Reads `path=value`. The path has dots and, for elements of a list, `[0]` or `.0`; without an index any element fits. */
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

/** Whether the payload of a delivery has such a value at such a place. Ids are compared digit by digit. */
export function matchesWhere(delivery: Delivery, clauses: readonly WhereClause[]): boolean {
  if (clauses.length === 0) return true;
  const read = readPayload(delivery);
  return read.ok && clauses.every(({ path, value }) => holds(read.payload.data, path, value));
}

function holds(data: unknown, path: readonly string[], value: string): boolean {
  const [key, ...rest] = path;
  if (Array.isArray(data)) {
    if (key !== undefined && /^\d+$/.test(key) && holds(data[Number(key)], rest, value)) return true;
    return data.some((element) => holds(element, path, value));
  }
  if (key === undefined) return sameScalar(data, value);
  if (typeof data !== "object" || data === null || !Object.hasOwn(data, key)) return false;
  return holds(Reflect.get(data, key), rest, value);
}

function sameScalar(data: unknown, value: string): boolean {
  if (typeof data === "object" && data !== null) return false;
  if (String(data) === value) return true;
  // `1250.00` in the body is the number 1250; a text is never equal to anything but itself.
  return typeof data === "number" && value.trim() !== "" && Number(value) === data;
}

/**
 * Bytes that a body must hold if it is to match: of each inner list one. They are the runs in the value that no JSON or
 * form encoder escapes. A number may also stand with an exponent (Java writes one from 10^7 on), and its zeros may be
 * missing. Empty when nothing can be said beforehand.
 */
export function prefilterForms({ value }: WhereClause): readonly (readonly Buffer[])[] {
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
