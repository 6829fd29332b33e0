import { readlinkSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { openDatabase, retryWhileLocked } from "./database.ts";
import { type EngineId, loadEngine, type NativeDatabase } from "./engine.ts";
import { type FileGuard, logError, openFileGuard } from "./fault.ts";
import { GroupCommit, openWalSync } from "./group-commit.ts";
import { lockLog } from "./lock.ts";
import type { Appended, Log } from "./log.ts";
import { appender, entryValues, queue } from "./queue.ts";
import { attemptReader, entries, entryReader, records, type Source } from "./read.ts";
import { prune } from "./retention.ts";
import { readStats } from "./stats.ts";

export interface OpenLogOptions {
  readonly path: string;
  now(): Date;
  /** Unless it is false a missing log is made, with its folder. */
  readonly create?: boolean;
  /** How long deliveries are kept; for ever unless it is given. */
  readonly keepMs?: number | undefined;
  /** What `prune` brings the log's size down to. */
  readonly maxBytes?: number | undefined;
  /** A size that the file never passes: what would is refused as if the disk were full. */
  readonly hardLimitBytes?: number | undefined;
  /** How long a call waits for a lock of another process. Half of what Zoho's senders allow, so that there is an answer. */
  readonly busyMs?: number;
  /** The engines to try, in order; all unless it is given. */
  readonly engines?: readonly EngineId[];
}

/** What a loss of power takes back of these leads to a delivery being made once more, and to no other harm. */
const AT_LEAST_ONCE = { durable: false };

/** Opens or makes the log in a SQLite file. Rejects with a UserError when the file, the disk or SQLite refuse. */
export async function openLog(options: OpenLogOptions): Promise<Log> {
  const { now, keepMs, maxBytes, hardLimitBytes, create = true, busyMs = 5000 } = options;
  const path = realPath(options.path);
  const engine = await loadEngine(options.engines);
  const database = await openDatabase({ engine, path, create, busyMs, hardLimitBytes, maxBytes });
  const guard = guardOf(database, path);
  const commits = new GroupCommit(database, {
    path,
    busyMs,
    guard,
    wal: openWalSync(database, path),
  });
  const append = appender(database);
  const waitingQueue = queue(database, append);
  const reader = entryReader(database);
  const attempts = attemptReader(database);
  const read = async <T>(work: () => T): Promise<T> => {
    try {
      guard.check();
      return await retryWhileLocked(work, busyMs);
    } catch (error) {
      throw logError(error, path);
    }
  };
  const source: Source = { database, reader, read };

  return {
    path,
    append(entry) {
      const values = entryValues(entry);
      return commits.write(() => append.append(values), {
        onCommit: ({ forwards }) => claimedOf(forwards).forEach(waitingQueue.take),
        onUnsynced({ n, forwards }) {
          claimedOf(forwards).forEach(waitingQueue.giveBack);
          // Where this cannot be told either, an app gets what its sender sends again.
          commits.write(() => append.refuse(n), AT_LEAST_ONCE).catch(() => {});
        },
      });
    },
    setAnswer: (n, { status, refusal }) => commits.write(() => append.setAnswer(n, status, refusal)),
    endUnanswered: () => commits.write(() => append.endUnanswered()),
    recordAttempt: (n, attempt) => commits.write(() => append.recordAttempt(n, attempt)),
    attemptsAfter: (id) => read(() => attempts.after(id)),
    lastAttempt: () => read(attempts.last),
    async claimWaiting(request) {
      const found = await read(() => waitingQueue.claimWaiting(request));
      try {
        // An app must not see a delivery, or its number, that a loss of power takes back.
        await commits.synced();
        return found;
      } catch (error) {
        for (const { id } of [...found.claims, ...found.unreadable]) waitingQueue.giveBack(id);
        throw error;
      }
    },
    nextDue: (request) => read(() => waitingQueue.nextDue(request)),
    complete: (claim, attempt, outcome) =>
      commits.write(() => waitingQueue.settle(claim, attempt, outcome), {
        ...AT_LEAST_ONCE,
        onCommit: () => waitingQueue.giveBack(claim.id),
      }),
    async release(claims) {
      for (const { id } of claims) waitingQueue.giveBack(id);
    },
    waiting: () => read(() => waitingQueue.waiting()),
    get: (n) => read(() => reader.get(n)),
    list: (filter = {}, list = {}) => records(source, filter, list),
    entries: (filter = {}, list = {}) => entries(source, filter, list),
    stats: (filter = {}) => read(() => readStats(database, filter)),
    prune: (limits = { keepMs, maxBytes }, signal = undefined) => prune(database, commits, limits, now, signal),
    giveUp: (target) => commits.write(() => waitingQueue.giveUp(target)),
    hold: (holder) => lockLog({ path, engine, database }, commits, holder),
    close: () => commits.close(),
  };
}

function guardOf(database: NativeDatabase, path: string): FileGuard {
  try {
    return openFileGuard(path);
  } catch (error) {
    database.close();
    throw logError(error, path);
  }
}

function claimedOf(forwards: Appended["forwards"]): readonly number[] {
  return forwards.filter(({ claimed }) => claimed).map(({ id }) => id);
}

/** SQLite puts its journals beside the file itself, not beside a link to it. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Where a link leads nowhere yet, the log is made at its end.
    return linkTarget(path) ?? resolve(path);
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return resolve(dirname(path), readlinkSync(path));
  } catch {
    return undefined;
  }
}
