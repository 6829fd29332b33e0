import { readlinkSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Appended, Log } from "../log.ts";
import { readAll } from "../paging.ts";
import { createReadinessCheck } from "../readiness.ts";
import { COUNT_RECONSTRUCTED, numberOf, RECORD_COLUMNS, ROW_COLUMNS, readRecord, readRow } from "../rows.ts";
import { readStats } from "../stats.ts";
import { openDatabase, retryWhileLocked } from "./database.ts";
import { loadEngine } from "./engine.ts";
import { type FileGuard, logError, openFileGuard } from "./fault.ts";
import { GroupCommit, openWalSync } from "./group-commit.ts";
import { lockLog, takeDuty, UNSHARED_DUTY, upgradeLog } from "./lock.ts";
import { createAppender, createQueue } from "./queue.ts";
import { createAttemptReader, createEntryReader, createRowReader, pageSource } from "./read.ts";
import { prune } from "./retention.ts";
import { watchChanges } from "./watch-changes.ts";

export interface OpenLogOptions {
  readonly path: string;
  now(): Date;
  /** Whether a missing log is created, with its folder, and one of an earlier format upgraded. Default true. */
  readonly create?: boolean;
  /** How long deliveries are kept; forever by default. */
  readonly keepMs?: number | undefined;
  /** The size that `prune` reduces the log to. */
  readonly maxBytes?: number | undefined;
}

/** If a loss of power undoes such a write, the delivery is made once more, and nothing worse. */
const AT_LEAST_ONCE = { durable: false };

/** Opens or creates the log in a SQLite file. Rejects with a UserError when the file, the disk or SQLite fails. */
export async function openLog(options: OpenLogOptions): Promise<Log> {
  const { now, keepMs, maxBytes, create = true } = options;
  const path = realPath(options.path);
  const engine = await loadEngine();
  const database = await openDatabase({ engine, path, create, maxBytes });
  let guard: FileGuard;
  try {
    if (create) await upgradeLog({ path, engine, database });
    guard = openFileGuard(path);
  } catch (error) {
    database.close();
    throw logError(error, path);
  }
  const commits = new GroupCommit(database, { path, guard, wal: openWalSync(database, path) });
  const appender = createAppender(database);
  const queue = createQueue(database, appender);
  const reader = createEntryReader(database);
  const rows = createRowReader(database);
  const attempts = createAttemptReader(database);
  const query = async <T>(run: () => T): Promise<T> => {
    try {
      return await retryWhileLocked(run);
    } catch (error) {
      throw logError(error, path);
    }
  };
  const read = <T>(run: () => T): Promise<T> =>
    query(() => {
      guard.check();
      return run();
    });
  // Beside the reads, what is done with their values may meet damaged ones.
  const explained = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw logError(error, path);
    });
  const source = { database, reader, query, read };
  let isReceiver = false;
  const records = pageSource(source, RECORD_COLUMNS, () => readRecord);
  const lines = pageSource(source, ROW_COLUMNS, () => readRow);
  const entries = pageSource(source, RECORD_COLUMNS, reader.openPage);

  return {
    path,
    append(entry) {
      return commits.write(() => appender.append(entry), {
        onCommit: ({ forwards }) => claimedIds(forwards).forEach(queue.claim),
        onUnsynced({ n, forwards }) {
          claimedIds(forwards).forEach(queue.release);
          // If this fails as well, the app gets the delivery, and again when its sender repeats it.
          commits.write(() => appender.refuse(n), AT_LEAST_ONCE).catch(() => {});
        },
      });
    },
    checkReady: createReadinessCheck({
      path,
      provenAt: () => commits.provenAt,
      probe: () => commits.write(appender.probe),
    }),
    setAnswer: (n, { status, refusal }) => commits.write(() => appender.setAnswer(n, status, refusal)),
    endUnanswered: () => commits.write(appender.endUnanswered),
    recordAttempt: (n, attempt) => commits.write(() => appender.recordAttempt(n, attempt)),
    attemptsAfter: (id) => read(() => attempts.after(id)),
    lastAttempt: () => read(attempts.last),
    queue: {
      async claim(request) {
        const found = await read(() => queue.claimDue(request));
        try {
          // An app must not see a delivery, or its number, that a loss of power could undo.
          await commits.synced();
          return found;
        } catch (error) {
          for (const { id } of [...found.claims, ...found.unreadable]) queue.release(id);
          throw error;
        }
      },
      complete: (claim, attempt, outcome) =>
        commits.write(() => queue.complete(claim, attempt, outcome), {
          ...AT_LEAST_ONCE,
          onCommit: () => queue.release(claim.id),
        }),
      async release(claims, dueAt) {
        const postponeAll = (at: Date): void => {
          for (const { id } of claims) queue.postpone(id, at);
        };
        if (dueAt !== undefined) await commits.write(() => postponeAll(dueAt), AT_LEAST_ONCE);
        for (const { id } of claims) queue.release(id);
      },
      giveUp: (target) => commits.write(() => queue.giveUp(target)),
      waiting: () => read(queue.waiting),
      onWork: (listener) =>
        watchChanges(database, () => {
          for (const { target } of queue.waiting()) listener(target);
        }),
    },
    get: (n) => read(() => reader.get(n)),
    list: (filter = {}, list = {}) => readAll(records, filter, list),
    rows: (filter = {}, list = {}) => readAll(lines, filter, list),
    rowsAfter: (n, limit) => read(() => rows.after(n, limit)),
    row: (n) => read(() => rows.row(n)),
    entries: (filter = {}, list = {}) => readAll(entries, filter, list),
    countReconstructed: () => read(() => numberOf(database.prepare(COUNT_RECONSTRUCTED).get() ?? {}, "count")),
    stats: (filter = {}, options = {}) => explained(readStats(records, filter, options)),
    prune: (limits = { keepMs, maxBytes }, signal = undefined) =>
      explained(prune({ database, commits, limits, now, signal })),
    async lock(owner) {
      const lock = await lockLog({ path, engine, database }, commits, owner);
      isReceiver = lock.held;
      return lock;
    },
    receivers: async () => [],
    // The only receiver has all duties of receivers.
    takeDuty: async (name) => (isReceiver ? UNSHARED_DUTY : takeDuty({ path, engine }, name)),
    shared: undefined,
    close: () => commits.close(),
  };
}

function claimedIds(forwards: Appended["forwards"]): readonly number[] {
  return forwards.flatMap(({ claim }) => claim?.id ?? []);
}

/** SQLite puts its journal beside the file itself, not beside a link to it. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // The log is created at the end of a dangling link.
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
