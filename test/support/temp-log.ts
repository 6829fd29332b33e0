import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { openPostgresLog } from "../../src/log/postgres/log.ts";
import type { SqlRow } from "../../src/log/rows.ts";
import { loadEngine } from "../../src/log/sqlite/engine.ts";
import { type OpenLogOptions, openLog } from "../../src/log/sqlite/log.ts";
import { lacks } from "./needs.ts";
import { runSql, sharedAddress } from "./postgres.ts";

export type LogEngine = "sqlite" | "postgresql";

/** The engines that there are here: every test of the log runs on each. SQLite is that of this Node, or better-sqlite3. */
export const engines: readonly LogEngine[] = ["sqlite", ...(lacks("postgresql") ? [] : (["postgresql"] as const))];

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "zoho-hooks-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** A log in a folder of its own, or at a path; closed and removed after the test. In PostgreSQL a path is the name of a schema. */
export async function tempLog(engine: LogEngine, options: Partial<OpenLogOptions> = {}): Promise<Log> {
  const log = await openTestLog(engine, options);
  onTestFinished(() => log.close());
  return log;
}

/** The same, for a caller that closes it. */
export async function openTestLog(engine: LogEngine, options: Partial<OpenLogOptions>): Promise<Log> {
  const path = options.path ?? join(tempFolder(), ".zoho-hooks", "events.db");
  const given = { now: () => new Date(), ...options };
  if (engine === "sqlite") return openLog({ ...given, path });
  return openPostgresLog({ ...given, address: await sharedAddress(path) });
}

/** Runs SQL beside the log at a path. */
export async function runSqlIn(engine: LogEngine, path: string, sql: string): Promise<readonly SqlRow[]> {
  if (engine === "postgresql") return (await runSql(await sharedAddress(path), sql)) as readonly SqlRow[];
  const database = (await loadEngine()).open(path);
  try {
    if (/^SELECT/.test(sql)) return database.prepare(sql).all();
    database.exec(sql);
    return [];
  } finally {
    database.close();
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
