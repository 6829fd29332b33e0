import { closeSync, fdatasync, fstatSync, openSync, readSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { UserError } from "../util/errors.ts";
import type { NativeDatabase, NativeStatement } from "./engine.ts";
import { type FileGuard, faultKind, goneFile, logError, logFault } from "./fault.ts";

interface GroupCommitOptions {
  readonly path: string;
  /** How long a job waits for another process's lock before it is rejected. */
  readonly busyMs: number;
  readonly guard: FileGuard;
  /** Brings to the disk what was committed. */
  readonly wal: WalSync;
}

/** Bounds how long one transaction keeps the event loop. */
const MAX_GROUP = 256;
const RETRY_EVERY_MS = 15;
/** How long what nobody outside waits for may wait for others to go with it, where the disk is not busy. */
const LAZY_MS = 2;
/** On threads of a pool of four (https://nodejs.org/api/cli.html#uv_threadpool_sizesize). */
const MOST_SYNCS = 2;

/**
 * Many writes, one transaction, one sync of the disk: what is asked for while the disk is busy is committed together.
 * The promise of a durable write resolves when the COMMIT that holds its work is on the disk, and never otherwise.
 */
export class GroupCommit {
  readonly #database: NativeDatabase;
  readonly #options: GroupCommitOptions;
  readonly #begin: NativeStatement;
  readonly #commit: NativeStatement;
  readonly #rollback: NativeStatement;
  #jobs: Job[] = [];
  #running: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;
  readonly #syncs = new Set<Promise<unknown>>();
  /** Resolves to what went wrong with it, or with one that it lies behind. */
  #lastSync: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(database: NativeDatabase, options: GroupCommitOptions) {
    this.#database = database;
    this.#options = options;
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
  }

  /**
   * Runs `work` in the next transaction. It must touch nothing but the database, for it may run more than once. What is not
   * `durable` goes along with others, outlives this process from the COMMIT on, and a loss of power once a later sync has
   * taken it along.
   */
  write<T>(work: () => T, options: WriteOptions<T> = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error("the event log is closed"));
        return;
      }
      const job = new WriteJob(work, options, performance.now() + this.#options.busyMs, resolve, reject);
      this.#jobs.push(job);
      if (job.durable) this.#start();
      else this.#startLater();
    });
  }

  /** Resolves when all that is committed by now is on the disk. Rejects when some of it may never get there. */
  async synced(): Promise<void> {
    const failure = this.#syncs.size === 0 ? undefined : await this.#lastSync;
    if (failure !== undefined) throw logError(failure, this.#options.path);
  }

  /** Commits what is waiting, then closes the database. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#jobs.length > 0) this.#start();
    await this.#running;
    await Promise.all(this.#syncs);
    await this.#options.wal.close();
    this.#database.close();
    this.#options.guard.close();
  }

  #start(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#running ??= this.#run();
  }

  #startLater(): void {
    if (this.#running === undefined) this.#later ??= setTimeout(() => this.#start(), LAZY_MS);
  }

  async #run(): Promise<void> {
    do {
      await new Promise(setImmediate);
      const group = this.#jobs.splice(0, MAX_GROUP);
      const { committed, locked } = this.#transact(group);
      if (committed.length > 0) await this.#beginSync(committed);
      if (locked !== undefined) await this.#waitForLock(group, locked);
    } while (this.#isUrgent());
    this.#running = undefined;
    if (this.#jobs.length > 0) this.#startLater();
  }

  #isUrgent(): boolean {
    if (this.#closed || this.#jobs.length >= MAX_GROUP) return this.#jobs.length > 0;
    return this.#jobs.some(({ durable }) => durable);
  }

  /** Returns what has still to be synced, or the error of a lock that another process holds; everything else is settled here. */
  #transact(group: readonly Job[]): { readonly committed: readonly Job[]; readonly locked?: unknown } {
    let current: Job | undefined;
    try {
      this.#options.guard.check();
      this.#options.wal.recoverSync();
      this.#begin.run();
      for (const job of group) {
        current = job;
        job.run();
      }
      current = undefined;
      this.#commit.run();
    } catch (error) {
      this.#undo();
      if (faultKind(error) === "locked") return { committed: [], locked: error };
      const shared = current === undefined || faultKind(error) !== undefined;
      const failed = shared ? group : [current];
      for (const job of failed) job?.reject(logError(error, this.#options.path));
      // One job's own mistake must not cost the others their place.
      if (!shared) this.#jobs.unshift(...group.filter((job) => job !== current));
      return { committed: [] };
    }
    for (const job of group) job.committed();
    for (const job of group) if (!job.durable) job.resolve();
    return { committed: group.filter(({ durable }) => durable) };
  }

  /** Resolves when another group may be committed: syncs overlap, so that none waits for a disk that works for others. */
  async #beginSync(committed: readonly Job[]): Promise<void> {
    const sync = this.#sync(committed, this.#syncs.size === 0 ? undefined : this.#lastSync);
    this.#lastSync = sync;
    this.#syncs.add(sync);
    void sync.then(() => this.#syncs.delete(sync));
    while (this.#syncs.size >= MOST_SYNCS) await Promise.race(this.#syncs);
  }

  async #sync(committed: readonly Job[], before: Promise<unknown> | undefined): Promise<unknown> {
    let failure: unknown;
    try {
      await this.#options.wal.sync();
    } catch (error) {
      failure = error;
    }
    // What was committed first is told of first. Behind a gap nothing is found again, whatever the disk says of it.
    failure = (await before) ?? failure;
    for (const job of committed) {
      if (failure === undefined) job.resolve();
      else {
        // It may be there all the same, but nobody can be told so.
        job.unsynced();
        job.reject(logError(failure, this.#options.path));
      }
    }
    return failure;
  }

  async #waitForLock(group: readonly Job[], error: unknown): Promise<void> {
    const now = performance.now();
    const late = group.filter((job) => job.deadline <= now);
    for (const job of late) job.reject(logError(error, this.#options.path));
    this.#jobs.unshift(...group.filter((job) => job.deadline > now));
    if (this.#jobs.length > 0) await delay(RETRY_EVERY_MS);
  }

  #undo(): void {
    try {
      this.#rollback.run();
    } catch {
      // There is no transaction: BEGIN failed, or SQLite has rolled back by itself (https://www.sqlite.org/lang_transaction.html).
    }
  }
}

interface WriteOptions<T> {
  /** What nobody outside is told of need not be. True unless it is given. */
  readonly durable?: boolean;
  /** Called as soon as it is committed, when others can read it, and before it is on the disk. */
  onCommit?(value: T): void;
  /** Called when it was committed and may never get to the disk: it was promised to nobody, and must not stay as it is. */
  onUnsynced?(value: T): void;
}

/** A write on its way through a transaction, to the disk, and to whom it was promised. */
interface Job {
  readonly durable: boolean;
  /** By which it is rejected where another process holds the lock. */
  readonly deadline: number;
  /** Inside the transaction; again when the transaction is repeated. */
  run(): void;
  committed(): void;
  unsynced(): void;
  resolve(): void;
  reject(error: unknown): void;
}

/** One object and no closure for each of its steps: it is made for every event. */
class WriteJob<T> implements Job {
  readonly durable: boolean;
  readonly deadline: number;
  readonly reject: (error: unknown) => void;
  readonly #work: () => T;
  readonly #options: WriteOptions<T>;
  readonly #resolve: (value: T) => void;
  /** What the work has come to, once it has run. */
  #value: T | undefined;

  constructor(
    work: () => T,
    options: WriteOptions<T>,
    deadline: number,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.durable = options.durable ?? true;
    this.deadline = deadline;
    this.reject = reject;
    this.#work = work;
    this.#options = options;
    this.#resolve = resolve;
  }

  run(): void {
    this.#value = this.#work();
  }

  committed(): void {
    this.#options.onCommit?.(this.#value as T);
  }

  unsynced(): void {
    this.#options.onUnsynced?.(this.#value as T);
  }

  resolve(): void {
    this.#resolve(this.#value as T);
  }
}

/** Brings what was committed to the disk, without holding up anything else. */
interface WalSync {
  sync(): Promise<void>;
  /**
   * Throws while there may be a gap in the journal that a failed `sync` has left: the system tells of it once and takes what
   * was not written for written, so that the next one succeeds. All of it goes into the log itself then. Of a journal that was
   * damaged from outside nothing can be made good.
   */
  recoverSync(): void;
  close(): Promise<void>;
}

/**
 * SQLite would sync its write-ahead log within COMMIT, and the whole process would wait for the disk. With `synchronous =
 * NORMAL` it leaves that out (https://www.sqlite.org/pragma.html#pragma_synchronous), and it is done here instead, on a
 * thread of Node's: no sender is told of a commit before. SQLite keeps its locks on other files (https://www.sqlite.org/wal.html),
 * so closing this one drops none.
 */
export function openWalSync(database: NativeDatabase, path: string): WalSync {
  const { journal_mode: mode } = database.prepare("PRAGMA journal_mode").get() ?? {};
  if (mode !== "wal") return syncedBySqlite;
  database.exec("PRAGMA synchronous = NORMAL");
  const checkpoint = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  let file: number | undefined;
  let hasGap = false;
  /** SQLite itself does not notice, writes on behind it, and after some time over it: from then on it would look well. */
  let damage: UserError | undefined;
  return {
    async sync() {
      file ??= openSync(`${path}-wal`, "r+");
      // SQLite would go on writing into a file that nobody finds any more, or behind a gap.
      if (fstatSync(file).nlink === 0) throw goneFile(`${path}-wal, the newest part of the event log, was deleted`);
      if (!isJournal(file)) {
        damage = logFault("damaged", path, `${path}-wal was overwritten while it was in use`);
        throw damage;
      }
      try {
        await toDisk(file);
      } catch (error) {
        hasGap = true;
        throw error;
      }
    },
    recoverSync() {
      if (damage !== undefined) throw damage;
      if (!hasGap) return;
      if (checkpoint.get()?.busy !== 0) throw logFault("io", path, "a part of it is still not on the disk");
      hasGap = false;
    },
    // Only when no sync is under way: its number may be another file's by then.
    async close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

// A FileHandle has its own way to do it, which takes this thread three times as long.
const toDisk = promisify(fdatasync);

/**
 * What a write-ahead log begins with, but for its last bit: https://www.sqlite.org/fileformat.html#the_write_ahead_log
 * Empty it is when another process has just written all of it into the log. The read tells, for that may be between two calls.
 */
function isJournal(fd: number): boolean {
  const bytes = readSync(fd, START, 0, 4, 0);
  return bytes === 0 || (bytes === 4 && START.readUInt32BE() >>> 1 === 0x377f0682 >>> 1);
}

const START = Buffer.alloc(4);

/** On a file system that allows no write-ahead log SQLite goes on syncing by itself. */
const syncedBySqlite: WalSync = { sync: async () => {}, recoverSync: () => {}, close: async () => {} };
