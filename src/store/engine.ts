import { errorText, UserError } from "../core/errors.ts";

export type SqlValue = null | number | string | Uint8Array;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface NativeStatement {
  run(...values: SqlValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  get(...values: SqlValue[]): SqlRow | undefined;
  all(...values: SqlValue[]): SqlRow[];
}

/** What both bindings have in common, which is all that the log needs. Every call is synchronous. */
export interface NativeDatabase {
  prepare(sql: string): NativeStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

/** A way to run SQLite inside this process. */
export interface SqliteEngine {
  readonly id: EngineId;
  open(path: string, options?: { readonly readOnly?: boolean }): NativeDatabase;
}

export type EngineId = "better-sqlite3" | "node:sqlite";

/**
 * better-sqlite3 comes first: it runs on every supported Node, while node:sqlite is missing from Node 20 and experimental
 * on Node 22. The two are equally fast. Where its binary could not be installed or belongs to another Node, the built-in
 * one takes over.
 */
const LOADERS: Readonly<Record<EngineId, () => Promise<SqliteEngine>>> = {
  "better-sqlite3": async () => {
    const { default: Database } = await import("better-sqlite3");
    // The binary is loaded by the first database, not by the import.
    new Database(":memory:").close();
    return {
      id: "better-sqlite3",
      open: (path, { readOnly = false } = {}) => new Database(path, { readonly: readOnly }),
    };
  },
  "node:sqlite": async () => {
    const { DatabaseSync } = await import("node:sqlite");
    return { id: "node:sqlite", open: (path, { readOnly = false } = {}) => new DatabaseSync(path, { readOnly }) };
  },
};

export const engineIds: readonly EngineId[] = ["better-sqlite3", "node:sqlite"];

/** The first engine that this installation has. Throws a UserError with the code `log-unavailable` when there is none. */
export async function loadEngine(ids: readonly EngineId[] = engineIds): Promise<SqliteEngine> {
  const reasons: string[] = [];
  let remedy = "npm install better-sqlite3";
  for (const id of ids) {
    try {
      return await LOADERS[id]();
    } catch (error) {
      // It is there, and npm would call it up to date: what it lacks is its binary, for which its install script has to run.
      if (id === "better-sqlite3" && !isMissing(error)) remedy = "npm rebuild better-sqlite3";
      reasons.push(`${id}: ${errorText(error).replace(/\s+/g, " ").slice(0, 300)}`);
    }
  }
  throw new UserError(
    "usage",
    `the event log needs SQLite, and this installation has none (${reasons.join("; ")})`,
    `use Node 22.13 or later, which has it built in, or run \`${remedy}\`; or do without a log: --no-store`,
    "log-unavailable",
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(ERR_)?MODULE_NOT_FOUND$/.test(String(error.code));
}
