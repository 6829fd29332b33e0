import { existsSync, realpathSync } from "node:fs";
import { errorText } from "../util/errors.ts";
import { type EngineId, loadEngine, type NativeDatabase, type SqliteEngine } from "./engine.ts";
import { faultKind, logError } from "./fault.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Hold, Holder } from "./log.ts";
import { maybeText, numberOf } from "./read.ts";

interface LogFile {
  readonly path: string;
  readonly engine: SqliteEngine;
  readonly database: NativeDatabase;
}

/**
 * One receiver at a time holds a log. The hold is a lock of the operating system on a file beside it, which ends with
 * the process even on `kill -9` and never outlives it, as a process id in a file would. Who holds it stands in the log.
 */
export async function lockLog(log: LogFile, commits: GroupCommit, holder: Holder): Promise<Hold> {
  const lock = takeLock(log.engine, lockPath(log));
  if (lock === undefined) return { held: false, by: readHolder(log.database) };
  const insert = log.database.prepare("INSERT OR REPLACE INTO holder (only, pid, url, since) VALUES (1, ?, ?, ?)");
  const update = log.database.prepare("UPDATE holder SET url = ?");
  const remove = log.database.prepare("DELETE FROM holder");
  try {
    await commits.write(() => insert.run(holder.pid, holder.url ?? null, holder.since.getTime()));
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
 * Who holds the log at this moment. What stands in it of a holder that was killed counts for nothing: only the lock does,
 * which is tried and given back at once.
 */
function currentLockOwner(log: LogFile): Holder | undefined {
  if (!existsSync(lockPath(log))) return undefined;
  const lock = takeLock(log.engine, lockPath(log));
  lock?.close();
  return lock === undefined ? readHolder(log.database) : undefined;
}

/** Whether a process holds the log at this path now; of a path without a log nobody does. */
export function isLocked(engine: SqliteEngine, path: string): boolean {
  const lock = takeLock(engine, lockPath({ path }), 0);
  lock?.close();
  return lock === undefined;
}

function lockPath({ path }: Pick<LogFile, "path">): string {
  return `${path}-lock`;
}

/** A reserved lock keeps others from taking it and lets them see that it is taken. Undefined when it is. */
function takeLock(engine: SqliteEngine, path: string, waitMs = 200): NativeDatabase | undefined {
  let lock: NativeDatabase | undefined;
  try {
    lock = engine.open(path);
    lock.exec(`PRAGMA busy_timeout = ${waitMs}; BEGIN IMMEDIATE`);
    return lock;
  } catch (error) {
    lock?.close();
    if (faultKind(error) === "locked") return undefined;
    throw logError(error instanceof Error ? error : new Error(errorText(error)), path);
  }
}

function readHolder(database: NativeDatabase): Holder | undefined {
  const row = database.prepare("SELECT pid, url, since FROM holder").get();
  if (row === undefined) return undefined;
  return { pid: numberOf(row, "pid"), url: maybeText(row, "url"), since: new Date(numberOf(row, "since")) };
}

/**
 * Who holds a log that is there, for one who only wants to know: it is neither brought up to date nor waited for. Undefined
 * when nobody does; rejects with a UserError when it cannot be read.
 */
export async function peekLockOwner(link: string, engines?: readonly EngineId[]): Promise<Holder | undefined> {
  const engine = await loadEngine(engines);
  let database: NativeDatabase | undefined;
  try {
    const path = realpathSync(link);
    database = engine.open(path, { readOnly: true });
    database.exec("PRAGMA busy_timeout = 100");
    return currentLockOwner({ path, engine, database });
  } catch (error) {
    throw logError(error, link);
  } finally {
    database?.close();
  }
}
