import { errorText, UserError } from "../../util/errors.ts";
import type { SqlRow, SqlValue } from "../rows.ts";

export interface NativeStatement {
  run(...values: SqlValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  get(...values: SqlValue[]): SqlRow | undefined;
  all(...values: SqlValue[]): SqlRow[];
}

/** The common part of both bindings. Every call is synchronous. */
export interface NativeDatabase {
  prepare(sql: string): NativeStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

export interface SqliteEngine {
  readonly id: "better-sqlite3" | "node:sqlite";
  open(path: string, options?: { readonly readOnly?: boolean }): NativeDatabase;
}

/**
 * Loads the SQLite of Node, which has it from 22.13 on, or else better-sqlite3, version 12: 13 crashes on Node 20. Throws a
 * UserError with the code `log-unavailable` when there is neither.
 */
export async function loadEngine(): Promise<SqliteEngine> {
  try {
    return await loadNodeSqlite();
  } catch {
    return loadBetterSqlite();
  }
}

async function loadNodeSqlite(): Promise<SqliteEngine> {
  const { DatabaseSync } = await import("node:sqlite");
  // Defensive: no SQL of a foreign log writes to the schema. Node before 24.12 ignores it; better-sqlite3 always is.
  const open: SqliteEngine["open"] = (path, { readOnly = false } = {}) =>
    new DatabaseSync(path, { readOnly, defensive: true });
  return { id: "node:sqlite", open };
}

async function loadBetterSqlite(): Promise<SqliteEngine> {
  try {
    const { default: Database } = await import("better-sqlite3");
    // The binary is loaded by the first database, not by the import.
    new Database(":memory:").close();
    return {
      id: "better-sqlite3",
      open: (path, { readOnly = false } = {}) => new Database(path, { readonly: readOnly }),
    };
  } catch (error) {
    const needed = "the event log needs Node 22.13 or later, or the package better-sqlite3";
    // Otherwise it was installed without its binary, or with one for another Node version.
    const [message, hint] = isMissing(error)
      ? [needed, "npm install --save-dev better-sqlite3@12"]
      : [`${needed}, which cannot be loaded (${errorText(error).split("\n", 1)[0]})`, "npm rebuild better-sqlite3"];
    throw new UserError("usage", message, hint, "log-unavailable");
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(ERR_)?MODULE_NOT_FOUND$/.test(String(error.code));
}
