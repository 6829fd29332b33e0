import { chmodSync, closeSync, existsSync, openSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../util/errors.ts";
import { makeFolder } from "../util/files.ts";
import type { NativeDatabase, SqliteEngine } from "./engine.ts";
import { faultKind, logError, logFault } from "./fault.ts";
import { schema, webhookLogsView } from "./schema.ts";

interface DatabaseOptions {
  readonly engine: SqliteEngine;
  readonly path: string;
  /** False for commands that only look: a missing file is then a UserError, not a new log. */
  readonly create: boolean;
  /** How long to wait for another process's lock. */
  readonly busyMs: number;
  /** The file is never let grow past this; undefined for no limit. */
  readonly hardLimitBytes: number | undefined;
  /** What the log is to be kept down to, and its journal with it; undefined for no limit. */
  readonly maxBytes: number | undefined;
}

const PAGE_BYTES = 8192;
const PROJECT_FOLDER = ".zoho-hooks";

/** Opens the file with the settings that make a commit survive a loss of power, and with its tables up to date. */
export async function openDatabase(options: DatabaseOptions): Promise<NativeDatabase> {
  const { engine, path, busyMs } = options;
  let database: NativeDatabase | undefined;
  try {
    if (!existsSync(path)) makeFile(path, options.create);
    await refuseForeign(options);
    for (const suffix of ["", "-wal", "-shm"]) restrict(path + suffix);
    if (options.create) ignoreInGit(dirname(path));
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
    PRAGMA wal_autocheckpoint = ${journalPages(options.maxBytes)};
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -4000;
  `);
  if (options.hardLimitBytes !== undefined) {
    database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.hardLimitBytes / PAGE_BYTES))}`);
  }
}

/** An eighth of what the log may take, where that is little: the journal counts to a user who looks at the folder. */
function journalPages(maxBytes = Number.POSITIVE_INFINITY): number {
  return Math.max(32, Math.min(1000, Math.floor(maxBytes / 8 / PAGE_BYTES)));
}

/** SQLite gives its journal and shared memory the mode of the file itself, so that is set before it opens it. */
function makeFile(path: string, create: boolean): void {
  if (!create) {
    throw new UserError(
      "usage",
      `there is no event log at ${path}`,
      "`zoho-hooks listen` creates one; use another with --store",
      "log-missing",
    );
  }
  const folder = dirname(path);
  // A folder of ours holds secrets of others, so it is private and keeps itself out of Git.
  if (makeFolder(folder, 0o700)) writeIgnored(folder);
  try {
    // Only a new file is opened here: closing a descriptor would drop the locks of a connection to the same file.
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!existsSync(path)) throw error;
  }
}

/** What is no log is left as it is, its mode and its journal, too: a path is soon mistyped. */
async function refuseForeign({ engine, path, create, busyMs }: DatabaseOptions): Promise<void> {
  if (!statSync(path).isFile()) throw logFault("unreachable", path, "it is not a regular file");
  if (create && statSync(path).size === 0) return;
  await waitForContent(path, Math.min(busyMs, 1000));
  // For reading only: the other way SQLite would bring an unfinished journal to its end, whosever it is.
  const database = engine.open(path, { readOnly: true });
  try {
    database.exec("PRAGMA busy_timeout = 0");
    await retryWhileLocked(() => formatVersion(database, path), busyMs);
  } finally {
    database.close();
  }
}

/** A log that another process is just making is empty for a moment. */
async function waitForContent(path: string, atMostMs: number): Promise<void> {
  for (const until = performance.now() + atMostMs; statSync(path).size === 0; ) {
    if (performance.now() >= until) {
      throw new UserError(
        "usage",
        `the event log ${path} is empty`,
        "`zoho-hooks listen` writes to it; use another with --store",
        "log-missing",
      );
    }
    await delay(20);
  }
}

/** A project's folder may be there before its log, without the file that keeps it out of Git: a clone has none. */
function ignoreInGit(folder: string): void {
  if (basename(folder) === PROJECT_FOLDER && !existsSync(join(folder, ".gitignore"))) writeIgnored(folder);
}

/** The project's own samples are for all who work on it. */
function writeIgnored(folder: string): void {
  try {
    writeFileSync(join(folder, ".gitignore"), "/*\n!/fixtures/\n", { flag: "wx" });
  } catch (error) {
    if (!existsSync(join(folder, ".gitignore"))) throw error;
  }
}

function restrict(path: string): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o077) === 0) return;
  try {
    chmodSync(path, 0o600);
  } catch {
    // The file belongs to someone else, or the file system knows no modes: its owner decides who may read it.
  }
}

const RETRY_EVERY_MS = 15;

/**
 * Repeats synchronous work while another process holds the file, without blocking this one as SQLite's own busy
 * handler does: a receiver must go on answering. After `busyMs` the lock's error is thrown.
 */
export async function retryWhileLocked<T>(work: () => T, busyMs: number): Promise<T> {
  const deadline = performance.now() + busyMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (faultKind(error) !== "locked" || performance.now() >= deadline) throw error;
    }
    await delay(RETRY_EVERY_MS);
  }
}

/** Marks a SQLite file as ours, so that another program's database is never taken for a log: "ZHks". */
const APPLICATION_ID = 0x5a486b73;

/** Claims stood in the log once, each with its end. */
const WITHOUT_CLAIMS = "DROP INDEX IF EXISTS forwards_leased; UPDATE forwards SET state = 0 WHERE state = 1";

/** What has no answer yet is found by an index of its own. */
const FINDS_UNANSWERED = "CREATE INDEX IF NOT EXISTS deliveries_unanswered ON deliveries (n) WHERE status IS NULL";

/**
 * Each brings the tables from the version of its index to the next one: a new one goes to the end. The view is made anew
 * after all of them, so that an empty one does where it hides more than before, or tells more.
 */
const MIGRATIONS: readonly string[] = [schema, "", "", "", "", "", WITHOUT_CLAIMS, FINDS_UNANSWERED];

/** Makes the tables or brings them up to date. Safe when several processes do it at once. */
export function migrate(database: NativeDatabase, path: string): void {
  if (formatVersion(database, path) === MIGRATIONS.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const step of MIGRATIONS.slice(formatVersion(database, path))) database.exec(step);
    database.exec(webhookLogsView());
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`);
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // SQLite has already rolled back; the first error is the one that counts.
    }
    throw error;
  }
}

/** The version of a log; 0 for an empty file. Throws a UserError for a database that is no log. */
function formatVersion(database: NativeDatabase, path: string): number {
  const current = pragma(database, "user_version");
  const application = pragma(database, "application_id");
  const tables = Number(database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.count ?? 0);
  if (application !== APPLICATION_ID && (application !== 0 || current !== 0 || tables !== 0)) {
    throw new UserError(
      "usage",
      `${path} is the database of another program, not an event log`,
      "use another file with --store",
      "log-foreign",
    );
  }
  if (current > MIGRATIONS.length) {
    throw new UserError(
      "usage",
      `the event log ${path} was written by a newer version of zoho-hooks (format ${current}, this one knows ${MIGRATIONS.length})`,
      "update zoho-hooks, or use another log with --store",
      "log-too-new",
    );
  }
  return current;
}

function pragma(database: NativeDatabase, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}
