import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../core/errors.ts";
import { retryWhileLocked } from "./busy.ts";
import type { NativeDatabase, SqliteEngine } from "./engine.ts";
import { logError } from "./fault.ts";
import { migrate } from "./migrations.ts";

export interface DatabaseOptions {
  readonly engine: SqliteEngine;
  readonly path: string;
  /** False for commands that only look: a missing file is then a UserError, not a new log. */
  readonly create: boolean;
  /** How long to wait for another process's lock. */
  readonly busyMs: number;
  /** The file is never let grow past this; undefined for no limit. */
  readonly hardLimitBytes: number | undefined;
}

const PAGE_BYTES = 8192;

/** Opens the file with the settings that make a commit survive a loss of power, and with its tables up to date. */
export async function openDatabase(options: DatabaseOptions): Promise<NativeDatabase> {
  const { engine, path, busyMs } = options;
  let database: NativeDatabase | undefined;
  try {
    prepareFile(path, options.create);
    database = engine.open(path);
    const opened = database;
    await retryWhileLocked(() => configure(opened, options), busyMs);
    await retryWhileLocked(() => migrate(opened, path), busyMs);
    return opened;
  } catch (error) {
    database?.close();
    throw logError(error, path);
  }
}

function configure(database: NativeDatabase, options: DatabaseOptions): void {
  // Page size and vacuum mode count only while the file is empty. In WAL mode FULL syncs the journal at every commit,
  // until ./wal-sync.ts takes that over: https://www.sqlite.org/pragma.html#pragma_synchronous
  database.exec(`
    PRAGMA busy_timeout = 0;
    PRAGMA page_size = ${PAGE_BYTES};
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 1000;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -4000;
  `);
  if (options.hardLimitBytes !== undefined) {
    database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.hardLimitBytes / PAGE_BYTES))}`);
  }
}

/** SQLite gives its journal and shared memory the mode of the file itself, so that is set before it opens it. */
function prepareFile(path: string, create: boolean): void {
  if (!existsSync(path)) {
    if (!create) {
      throw new UserError(
        "usage",
        `there is no event log at ${path}`,
        "`zoho-hooks listen` makes one; name another with --store",
        "log-missing",
      );
    }
    makeFolder(dirname(path));
    try {
      // Only a new file is opened here: closing a descriptor would drop the locks of a connection to the same file.
      closeSync(openSync(path, "wx", 0o600));
    } catch (error) {
      if (!existsSync(path)) throw error;
    }
  }
  if ((statSync(path).mode & 0o077) !== 0) restrict(path);
}

/** A folder of ours holds secrets of others, so it is private and keeps itself out of Git, but for the project's samples. */
function makeFolder(folder: string): void {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (made !== undefined) writeFileSync(join(folder, ".gitignore"), "/*\n!/fixtures/\n", { flag: "wx" });
}

function restrict(path: string): void {
  try {
    chmodSync(path, 0o600);
  } catch {
    // The file belongs to someone else, or the file system knows no modes: its owner decides who may read it.
  }
}
