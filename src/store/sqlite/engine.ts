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
  readonly id: EngineId;
  open(path: string, options?: { readonly readOnly?: boolean }): NativeDatabase;
}

export type EngineId = "better-sqlite3" | "node:sqlite";

/** Node has SQLite from 22.13 on. Before that users install better-sqlite3, version 12: 13 crashes on Node 20. */
const LOADERS: Readonly<Record<EngineId, () => Promise<SqliteEngine>>> = {
  "node:sqlite": async () => {
    const { DatabaseSync } = await import("node:sqlite");
    // Defensive: no SQL of a foreign log writes to the schema. Node before 24.12 ignores it; better-sqlite3 always is.
    const open: SqliteEngine["open"] = (path, { readOnly = false } = {}) =>
      new DatabaseSync(path, { readOnly, defensive: true });
    return { id: "node:sqlite", open };
  },
  "better-sqlite3": async () => {
    const { default: Database } = await import("better-sqlite3");
    // The binary is loaded by the first database, not by the import.
    new Database(":memory:").close();
    return {
      id: "better-sqlite3",
      open: (path, { readOnly = false } = {}) => new Database(path, { readonly: readOnly }),
    };
  },
};

export const engineIds: readonly EngineId[] = ["node:sqlite", "better-sqlite3"];

/** Loads the first engine that is available. Throws a UserError with the code `log-unavailable` when there is none. */
export async function loadEngine(ids: readonly EngineId[] = engineIds): Promise<SqliteEngine> {
  let message = "the event log needs Node 22.13 or later, or the package better-sqlite3";
  let hint = "npm install --save-dev better-sqlite3@12";
  for (const id of ids) {
    try {
      return await LOADERS[id]();
    } catch (error) {
      if (id !== "better-sqlite3" || isMissing(error)) continue;
      // Installed without its binary, or with one for another Node version.
      message += `, which cannot be loaded (${errorText(error).split("\n", 1)[0]})`;
      hint = "npm rebuild better-sqlite3";
    }
  }
  throw new UserError("usage", message, hint, "log-unavailable");
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(ERR_)?MODULE_NOT_FOUND$/.test(String(error.code));
}
