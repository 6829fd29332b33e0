import { readlinkSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Appended, Log, LogQueue, NewEntry } from "../log.ts";
import { createReadinessCheck } from "../readiness.ts";
import { Appender } from "./append.ts";
import { openDatabase } from "./database.ts";
import { loadEngine, type NativeDatabase } from "./engine.ts";
import { type FileGuard, logError, openFileGuard } from "./fault.ts";
import { GroupCommit, openWalSync } from "./group-commit.ts";
import { lockLog, takeDuty, UNSHARED_DUTY, upgradeLog } from "./lock.ts";
import { ForwardTable } from "./queue.ts";
import { SqliteReader } from "./read.ts";
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
  const reader = new SqliteReader({ database, path, guard });
  const appender = new Appender(database);
  const forwards = new ForwardTable(database, appender);
  let isReceiver = false;

  return {
    path,
    append: (entry) => append(entry, { commits, appender, forwards }),
    checkReady: createReadinessCheck({
      path,
      provenAt: () => commits.provenAt,
      probe: () => commits.write(() => appender.probe()),
    }),
    setAnswer: (n, { status, refusal }) => commits.write(() => appender.setAnswer(n, status, refusal)),
    recordAttempt: (n, attempt) => commits.write(() => appender.recordAttempt(n, attempt)),
    queue: queueOf(database, { commits, forwards, reader }),
    get: (n) => reader.get(n),
    rows: (filter, list) => reader.rows(filter, list),
    entries: (filter, list) => reader.entries(filter, list),
    ends: () => reader.ends(),
    attemptsAfter: (id) => reader.attemptsAfter(id),
    countReconstructed: () => reader.countReconstructed(),
    stats: (filter, statsOptions) => reader.stats(filter, statsOptions),
    async prune(limits = { keepMs, maxBytes }, signal = undefined) {
      try {
        return await prune({ database, commits, limits, now, signal });
      } catch (error) {
        throw logError(error, path);
      }
    },
    async lock(owner) {
      const lock = await lockLog({ path, engine, database }, commits, owner);
      isReceiver = lock.held;
      return lock.held ? { ...lock, endUnanswered: () => commits.write(() => appender.endUnanswered()) } : lock;
    },
    // The only receiver has all duties of receivers.
    takeDuty: async (name) => (isReceiver ? UNSHARED_DUTY : takeDuty({ path, engine }, name)),
    shared: undefined,
    close: () => commits.close(),
  };
}

interface Parts {
  readonly commits: GroupCommit;
  readonly appender: Appender;
  readonly forwards: ForwardTable;
  readonly reader: SqliteReader;
}

function append(entry: NewEntry, { commits, appender, forwards }: Omit<Parts, "reader">): Promise<Appended> {
  return commits.write(() => appender.append(entry), {
    onCommit: (appended) => claimedIds(appended.forwards).forEach((id) => void forwards.claim(id)),
    onUnsynced(appended) {
      claimedIds(appended.forwards).forEach((id) => void forwards.release(id));
      // If this fails as well, the app gets the delivery, and again when its sender repeats it.
      commits.write(() => appender.refuse(appended.n), AT_LEAST_ONCE).catch(() => {});
    },
  });
}

function queueOf(database: NativeDatabase, { commits, forwards, reader }: Omit<Parts, "appender">): LogQueue {
  return {
    async claim(request) {
      const found = await reader.read(() => forwards.claimDue(request));
      try {
        // An app must not see a delivery, or its number, that a loss of power could undo.
        await commits.synced();
        return found;
      } catch (error) {
        for (const { id } of [...found.claims, ...found.unreadable]) forwards.release(id);
        throw error;
      }
    },
    complete: (claim, attempt, outcome) =>
      commits.write(() => forwards.complete(claim, attempt, outcome), {
        // No spread, which takes longer than the rest of the write.
        durable: AT_LEAST_ONCE.durable,
        onCommit: () => forwards.release(claim.id),
      }),
    async release(claims, dueAt) {
      const postponeAll = (at: Date): void => {
        for (const { id } of claims) forwards.postpone(id, at);
      };
      if (dueAt !== undefined) await commits.write(() => postponeAll(dueAt), AT_LEAST_ONCE);
      for (const { id } of claims) forwards.release(id);
    },
    giveUp: (target) => commits.write(() => forwards.giveUp(target)),
    waiting: () => reader.read(() => forwards.waiting()),
    onWork: (listener) =>
      watchChanges(database, () => {
        for (const { target } of forwards.waiting()) listener(target);
      }),
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
