import { closeSync, existsSync, openSync, realpathSync, statSync } from "node:fs";
import { errorText, UserError } from "../../util/errors.ts";
import { earlierInUse, stepsFrom } from "../format.ts";
import type { Duty, HeldLock, LockOwner, LogLock } from "../log.ts";
import { dateOf, maybeText, numberOf } from "../rows.ts";
import { isLog, readFormat, retryWhileLocked, takeSteps } from "./database.ts";
import { loadEngine, type NativeDatabase, type SqliteEngine } from "./engine.ts";
import { faultKind, logError, rejectIrregular } from "./fault.ts";
import type { GroupCommit } from "./group-commit.ts";

interface LogFile {
  readonly path: string;
  readonly engine: SqliteEngine;
  readonly database: NativeDatabase;
}

/**
 * Locks a log for one receiver. The lock is the operating system's, on a file beside the log: unlike a process id in a
 * file it ends with the process, even on `kill -9`. The log itself says who the owner is.
 */
export async function lockLog(
  log: LogFile,
  commits: GroupCommit,
  owner: LockOwner,
): Promise<Omit<HeldLock, "endUnanswered"> | Exclude<LogLock, HeldLock>> {
  const lock = acquire(log.engine, lockPath(log.path));
  if (lock === undefined) return { held: false, by: readOwner(log) };
  const insert = log.database.prepare("INSERT INTO holder (only, pid, url, since) VALUES (1, ?, ?, ?)");
  const update = log.database.prepare("UPDATE holder SET url = ?");
  const remove = log.database.prepare("DELETE FROM holder");
  try {
    await commits.write(() => {
      // Before this process had the lock, a later version may have upgraded the log.
      isLog(log.database, log.path);
      // A log that came with a clone may have rows that violate the CHECK, and they would be read first.
      remove.run();
      insert.run(owner.pid, owner.url ?? null, owner.since.getTime());
    });
  } catch (error) {
    lock.close();
    throw error;
  }
  let released = false;
  return {
    held: true,
    async setUrl(url) {
      await commits.write(() => update.run(url));
    },
    async release() {
      if (released) return;
      released = true;
      try {
        await commits.write(() => remove.run());
      } finally {
        lock.close();
      }
    },
  };
}

/**
 * Upgrades a log of an earlier format. It takes the lock for that: a receiver of the earlier version would go on writing in its
 * own format. Rejects with a UserError where one has it.
 */
export async function upgradeLog(log: LogFile): Promise<void> {
  const { path, engine, database } = log;
  const format = await retryWhileLocked(() => readFormat(database, path));
  if (format === undefined || stepsFrom(format).length === 0) return;
  const lock = acquire(engine, lockPath(path));
  if (lock === undefined) {
    const owner = readOwner(log);
    const text = owner && `process ${owner.pid}${owner.url === undefined ? "" : ` on ${owner.url}`}`;
    throw earlierInUse(format, path, [text ?? "another process"]);
  }
  try {
    await retryWhileLocked(() => takeSteps(database, path));
  } finally {
    lock.close();
  }
}

/**
 * The owner of the lock of an existing log, which is not waited for; undefined when it is not locked. Rejects with a
 * UserError when the log cannot be read.
 */
export async function peekLockOwner(link: string): Promise<LockOwner | undefined> {
  const engine = await loadEngine();
  let database: NativeDatabase | undefined;
  try {
    const path = realpathSync(link);
    rejectIrregular(path);
    database = engine.open(path, { readOnly: true });
    database.exec("PRAGMA busy_timeout = 100");
    // The log may still name an owner that was killed: only the lock counts.
    if (!isStillLocked(engine, path) || !isLog(database, path)) return undefined;
    return readOwner({ path, database });
  } catch (error) {
    throw logError(error, link);
  } finally {
    database?.close();
  }
}

export const UNSHARED_DUTY: Duty = { signal: new AbortController().signal, release: async () => {} };

/** A lock of the operating system, as that of the receiver: it ends with the process. */
export async function takeDuty(
  { path, engine }: Pick<LogFile, "path" | "engine">,
  name: string,
): Promise<Duty | undefined> {
  const lock = acquire(engine, `${path}-${name}-lock`, 0);
  return lock && { ...UNSHARED_DUTY, release: async () => void lock.close() };
}

/** Whether a process has locked the log at this path, which may be gone since. Creates no lock. */
export function isStillLocked(engine: SqliteEngine, path: string): boolean {
  return existsSync(lockPath(path)) && isLocked(engine, path, 200);
}

/** Whether a process has locked the log at this path. */
export function isLocked(engine: SqliteEngine, path: string, waitMs = 0): boolean {
  const lock = acquire(engine, lockPath(path), waitMs);
  lock?.close();
  return lock === undefined;
}

function lockPath(path: string): string {
  return `${path}-lock`;
}

/** A RESERVED lock excludes others and lets them see that it is there. Undefined when another process has it. */
function acquire(engine: SqliteEngine, path: string, waitMs = 200): NativeDatabase | undefined {
  let lock: NativeDatabase | undefined;
  try {
    createLockFile(path);
    rejectOtherFile(path);
    lock = engine.open(path);
    lock.exec(`PRAGMA busy_timeout = ${waitMs}; BEGIN IMMEDIATE`);
    return lock;
  } catch (error) {
    lock?.close();
    if (faultKind(error) === "locked") return undefined;
    throw logError(error instanceof Error ? error : new Error(errorText(error)), path);
  }
}

/** Nothing is ever written to the file of a lock. SQLite would finish the journal of another one, which may name files to delete. */
function rejectOtherFile(path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  throw new UserError(
    "usage",
    `${path} is not the lock of an event log: it is not empty`,
    "move it away, or use another log with ZOHO_HOOKS_STORE",
    "log-foreign",
  );
}

/** SQLite would create it readable for others. */
function createLockFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch {
    // It exists, or opening it as a database reports why it cannot be created.
  }
}

function readOwner({ path, database }: Pick<LogFile, "path" | "database">): LockOwner | undefined {
  try {
    const row = database.prepare("SELECT pid, url, since FROM holder").get();
    if (row === undefined) return undefined;
    return { pid: numberOf(row, "pid"), url: maybeText(row, "url"), since: dateOf(row, "since") };
  } catch (error) {
    throw logError(error, path);
  }
}
