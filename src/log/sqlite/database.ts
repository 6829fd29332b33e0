import { chmodSync, closeSync, existsSync, openSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../../util/errors.ts";
import { AtomicFile, makeFolder } from "../../util/files.ts";
import { rejectLinks } from "../../util/links.ts";
import { logFormat, rejectOtherFormat, stepsFrom } from "../format.ts";
import type { NativeDatabase, SqliteEngine } from "./engine.ts";
import { faultKind, logError, rejectIrregular } from "./fault.ts";
import { logSchema } from "./schema.ts";

interface DatabaseOptions {
  readonly engine: SqliteEngine;
  readonly path: string;
  /** False for commands that only read: a missing file, or one of an earlier format, is then a UserError. */
  readonly create: boolean;
  /** The size to which the log is pruned; also limits its journal. */
  readonly maxBytes: number | undefined;
}

/** How long a call waits for another process's lock. Half of what Zoho's senders allow, so that they get an answer. */
export const BUSY_MS = 5000;
const PAGE_BYTES = 8192;
const PROJECT_FOLDER = ".zoho-hooks";
const IGNORE_FILE = ".gitignore";

/** Opens the file with durable commits, and creates its tables. With `create` it may be of an earlier format. */
export async function openDatabase(options: DatabaseOptions): Promise<NativeDatabase> {
  const { engine, path } = options;
  let database: NativeDatabase | undefined;
  try {
    if (!existsSync(path)) createFile(path, options.create);
    await rejectForeign(options);
    for (const suffix of ["", "-wal", "-shm"]) restrict(path + suffix);
    if (options.create) ignoreInGit(dirname(path));
    database = engine.open(path);
    const opened = database;
    await retryWhileLocked(() => configure(opened, options));
    await retryWhileLocked(() => createTables(opened, path));
    return opened;
  } catch (error) {
    database?.close();
    throw logError(error, path);
  }
}

function configure(database: NativeDatabase, options: DatabaseOptions): void {
  // Page size and vacuum mode apply only while the file is empty. In WAL mode FULL syncs the journal at every commit, until
  // group-commit.ts takes over: https://www.sqlite.org/pragma.html#pragma_synchronous
  database.exec(`
    PRAGMA busy_timeout = 0;
    PRAGMA trusted_schema = OFF;
    PRAGMA page_size = ${PAGE_BYTES};
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = ${journalPages(options.maxBytes)};
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -4000;
  `);
}

/** An eighth of a small log: users see the journal as part of it. */
function journalPages(maxBytes = Number.POSITIVE_INFINITY): number {
  return Math.max(32, Math.min(1000, Math.floor(maxBytes / 8 / PAGE_BYTES)));
}

/** SQLite gives its journal and shared memory the mode of the file, so that is set before it opens the file. */
function createFile(path: string, create: boolean): void {
  if (!create) {
    throw new UserError(
      "usage",
      `there is no event log at ${path}`,
      "`zoho-hooks listen` creates one; ZOHO_HOOKS_STORE names another",
      "log-missing",
    );
  }
  const folder = dirname(path);
  // Deliveries are private: the folder is for its owner only, and ignored by Git.
  if (makeFolder(folder, 0o700)) writeGitignore(folder);
  try {
    // Only a new file is opened: closing it would release the locks of other connections in this process.
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!existsSync(path)) throw error;
  }
}

/** Leaves any other file untouched, its mode and journal included: a path is easily mistyped. */
export async function rejectForeign(
  { engine, path, create }: Pick<DatabaseOptions, "engine" | "path" | "create">,
  busyMs = BUSY_MS,
): Promise<void> {
  rejectIrregular(path);
  if (create && statSync(path).size === 0) return;
  await waitForContent(path, Math.min(busyMs, 1000));
  // Read-only: otherwise SQLite would finish the journal of a foreign database.
  const database = engine.open(path, { readOnly: true });
  try {
    database.exec("PRAGMA busy_timeout = 0");
    await retryWhileLocked(() => {
      const format = readFormat(database, path);
      if (format !== undefined && !(create && stepsFrom(format).length > 0)) rejectOther(format, path);
    }, busyMs);
  } finally {
    database.close();
  }
}

/** A log that another process is creating is empty for a moment. */
async function waitForContent(path: string, atMostMs: number): Promise<void> {
  for (const until = performance.now() + atMostMs; statSync(path).size === 0; ) {
    if (performance.now() >= until) {
      throw new UserError(
        "usage",
        `the event log ${path} is empty`,
        "`zoho-hooks listen` writes to it; ZOHO_HOOKS_STORE names another",
        "log-missing",
      );
    }
    await delay(20);
  }
}

/** The project's folder may exist before its log, and without this file, as in a clone. */
function ignoreInGit(folder: string): void {
  if (basename(folder) !== PROJECT_FOLDER) return;
  rejectLinkedIgnore(folder);
  const file = join(folder, IGNORE_FILE);
  // A full disk may have left it empty.
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) writeGitignore(folder);
}

/** Throws a usage error where the file that makes Git ignore a log in this folder is a link. */
export function rejectLinkedIgnore(folder: string): void {
  if (basename(folder) === PROJECT_FOLDER) rejectLinks(folder, join(folder, IGNORE_FILE));
}

/** Does not ignore the project's fixtures, which are shared. */
function writeGitignore(folder: string): void {
  const file = new AtomicFile(join(folder, IGNORE_FILE), { mode: 0o644, keepMode: false });
  try {
    file.write("/*\n!/fixtures/\n");
    file.commit();
  } catch (error) {
    file.discard();
    throw error;
  }
}

function restrict(path: string): void {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o077) === 0) return;
  try {
    chmodSync(path, 0o600);
  } catch {
    // Another owner, or a file system without modes.
  }
}

const RETRY_EVERY_MS = 15;

/**
 * Repeats synchronous work while another process has locked the file. SQLite's busy handler would block the event loop,
 * and a receiver must go on answering. After `busyMs` the lock's error is thrown.
 */
export async function retryWhileLocked<T>(work: () => T, busyMs = BUSY_MS): Promise<T> {
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

/** Marks a SQLite file as an event log: "ZHks". */
const APPLICATION_ID = 0x5a486b73;

/** Creates the tables in an empty file. Safe when several processes do it at once. */
function createTables(database: NativeDatabase, path: string): void {
  if (readFormat(database, path) !== undefined) return;
  inTransaction(database, () => {
    if (readFormat(database, path) !== undefined) return;
    database.exec(logSchema());
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${logFormat()}`);
  });
}

/** Takes the steps from an earlier format, all or none. Only for the owner of the lock. */
export function takeSteps(database: NativeDatabase, path: string): void {
  inTransaction(database, () => {
    const steps = stepsFrom(readFormat(database, path) ?? logFormat());
    if (steps.length === 0) return;
    for (const { sqlite } of steps) database.exec(sqlite);
    database.exec(`PRAGMA user_version = ${logFormat()}`);
  });
}

function inTransaction(database: NativeDatabase, work: () => void): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    work();
    database.exec("COMMIT");
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // SQLite has already rolled back.
    }
    throw error;
  }
}

/** False for an empty file. Throws a UserError for a log of another format and for any other database. */
export function isLog(database: NativeDatabase, path: string): boolean {
  const format = readFormat(database, path);
  if (format === undefined) return false;
  rejectOther(format, path);
  return true;
}

function rejectOther(format: number, path: string): void {
  const newLog = `move ${path}, ${path}-wal and ${path}-shm away together, and the next run starts a new log`;
  rejectOtherFormat(format, path, newLog);
}

/** The format of a log; undefined for an empty file. Throws a UserError for any other database. */
export function readFormat(database: NativeDatabase, path: string): number | undefined {
  // Before the format, which another process may commit together with the tables at this moment.
  const tables = Number(database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.count ?? 0);
  const format = pragma(database, "user_version");
  const application = pragma(database, "application_id");
  if (application !== APPLICATION_ID && (application !== 0 || format !== 0 || tables !== 0)) {
    throw new UserError(
      "usage",
      `${path} is the database of another program, not an event log`,
      "name another file with ZOHO_HOOKS_STORE",
      "log-foreign",
    );
  }
  return format === 0 && tables === 0 ? undefined : format;
}

export function pragma(database: NativeDatabase, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}
