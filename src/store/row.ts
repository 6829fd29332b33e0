import type { SqlRow, SqlValue } from "./engine.ts";

/** Columns as what they are; a wrong kind is a damaged row or a bug of ours, and is said by name. */
export function numberOf(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw wrongKind(column, value, "a number");
  return value;
}

export function textOf(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw wrongKind(column, value, "text");
  return value;
}

/** node:sqlite gives a plain Uint8Array; the bytes are shared, not copied. */
export function bytesOf(row: SqlRow, column: string): Buffer {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw wrongKind(column, value, "bytes");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

export function maybeNumber(row: SqlRow, column: string): number | undefined {
  return row[column] === null ? undefined : numberOf(row, column);
}

export function maybeText(row: SqlRow, column: string): string | undefined {
  return row[column] === null ? undefined : textOf(row, column);
}

/** A JSON column that we wrote ourselves; null stands for an empty list. */
export function listOf<T>(row: SqlRow, column: string): readonly T[] {
  const text = maybeText(row, column);
  if (text === undefined) return [];
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw wrongKind(column, text, "a JSON list");
  return value;
}

/** An empty list is stored as null: most deliveries have no issues, and it saves writing and reading JSON. */
export function listText(list: readonly unknown[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}

function wrongKind(column: string, value: SqlValue | undefined, wanted: string): Error {
  return new Error(`the column ${column} of the event log should hold ${wanted} and holds ${typeof value}`);
}
