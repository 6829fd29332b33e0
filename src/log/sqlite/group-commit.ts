import { closeSync, fdatasync, fstatSync, openSync, readSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { UserError } from "../../util/errors.ts";
import { BUSY_MS } from "./database.ts";
import type { NativeDatabase, NativeStatement } from "./engine.ts";
import { type FileGuard, faultKind, goneFile, logError, logFault } from "./fault.ts";

interface GroupCommitOptions {
  readonly path: string;
  readonly guard: FileGuard;
  readonly wal: WalSync;
}

/** Bounds how long one transaction blocks the event loop. */
const MAX_GROUP = 256;
const RETRY_EVERY_MS = 15;
/** How long a write that is not durable waits for others while the disk is idle. */
const LAZY_MS = 2;
/** Longer delay while durable writes are frequent: the next one commits this too. */
const BUSY_LAZY_MS = 20;
/** They run on Node's thread pool of four (https://nodejs.org/api/cli.html#uv_threadpool_sizesize). */
const MAX_SYNCS = 2;

/**
 * Many writes, one transaction, one sync of the disk: writes that arrive while the disk is busy are committed together.
 * The promise of a durable write resolves when its COMMIT is on the disk, and never otherwise.
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
  #lastDurableAt = Number.NEGATIVE_INFINITY;
  readonly #syncs = new Set<Promise<unknown>>();
  /** Resolves to its error, or that of an earlier one. */
  #lastSync: Promise<unknown> = Promise.resolve();
  /** When the last commit that is on the disk was made, and when a write last failed. */
  #provenAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(database: NativeDatabase, options: GroupCommitOptions) {
    this.#database = database;
    this.#options = options;
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
  }

  /**
   * Runs `work` in the next transaction. It must touch nothing but the database, for it may run more than once. A write
   * that is not `durable` is committed along with others; it survives this process from the COMMIT on, and a loss of power
   * from the next sync on.
   */
  write<T>(work: () => T, { durable = true, onCommit, onUnsynced }: WriteOptions<T> = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error("the event log is closed"));
        return;
      }
      let value: T;
      this.#jobs.push({
        durable,
        deadline: performance.now() + BUSY_MS,
        run() {
          value = work();
        },
        onCommit: () => onCommit?.(value),
        onUnsynced: () => onUnsynced?.(value),
        resolve: () => resolve(value),
        reject,
      });
      if (durable) {
        this.#lastDurableAt = performance.now();
        this.#start();
      } else this.#startLater();
    });
  }

  /** When a durable write last succeeded, by `performance.now()`; -Infinity if one has failed since, by a fault of the log. */
  get provenAt(): number {
    return this.#provenAt > this.#failedAt ? this.#provenAt : Number.NEGATIVE_INFINITY;
  }

  /** Resolves when all that is committed by now is on the disk; rejects when some of it may never be. */
  async synced(): Promise<void> {
    const failure = this.#syncs.size === 0 ? undefined : await this.#lastSync;
    if (failure !== undefined) throw logError(failure, this.#options.path);
  }

  /** Commits what is pending, then closes the database. */
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
    if (this.#running !== undefined || this.#later !== undefined) return;
    const isBusy = performance.now() - this.#lastDurableAt < BUSY_LAZY_MS;
    this.#later = setTimeout(() => this.#start(), isBusy ? BUSY_LAZY_MS : LAZY_MS);
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

  /** Commits a group. Returns the jobs that must be synced, or the error of another process's lock; settles all others. */
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
      if (shared) this.#failedAt = performance.now();
      for (const job of failed) job?.reject(logError(error, this.#options.path));
      // An error of one job must not affect the others.
      if (!shared) this.#jobs.unshift(...group.filter((job) => job !== current));
      return { committed: [] };
    }
    for (const job of group) job.onCommit();
    for (const job of group) if (!job.durable) job.resolve();
    return { committed: group.filter(({ durable }) => durable) };
  }

  /** Resolves when another group may be committed. Syncs overlap, so that a slow one delays no other. */
  async #beginSync(committed: readonly Job[]): Promise<void> {
    const sync = this.#sync(committed, this.#syncs.size === 0 ? undefined : this.#lastSync);
    this.#lastSync = sync;
    this.#syncs.add(sync);
    void sync.then(() => this.#syncs.delete(sync));
    while (this.#syncs.size >= MAX_SYNCS) await Promise.race(this.#syncs);
  }

  async #sync(committed: readonly Job[], before: Promise<unknown> | undefined): Promise<unknown> {
    const committedAt = performance.now();
    let failure: unknown;
    try {
      await this.#options.wal.sync();
    } catch (error) {
      failure = error;
    }
    // In order of commit: SQLite finds nothing behind a gap in the journal, whatever the disk says.
    failure = (await before) ?? failure;
    if (failure === undefined) this.#provenAt = committedAt;
    else this.#failedAt = performance.now();
    for (const job of committed) {
      if (failure === undefined) job.resolve();
      else {
        job.onUnsynced();
        job.reject(logError(failure, this.#options.path));
      }
    }
    return failure;
  }

  async #waitForLock(group: readonly Job[], error: unknown): Promise<void> {
    const now = performance.now();
    const late = group.filter((job) => job.deadline <= now);
    if (late.length > 0) this.#failedAt = now;
    for (const job of late) job.reject(logError(error, this.#options.path));
    this.#jobs.unshift(...group.filter((job) => job.deadline > now));
    if (this.#jobs.length > 0) await delay(RETRY_EVERY_MS);
  }

  #undo(): void {
    try {
      this.#rollback.run();
    } catch {
      // No transaction is open: BEGIN failed, or SQLite has rolled back by itself (https://www.sqlite.org/lang_transaction.html).
    }
  }
}

interface WriteOptions<T> {
  /** Default true. A write whose outcome is not reported outside need not be. */
  readonly durable?: boolean;
  /** Called after the COMMIT, when others can read it, and before it is on the disk. */
  onCommit?(value: T): void;
  /** Called for a committed write whose sync has failed: it may be lost, so its effects must be undone. */
  onUnsynced?(value: T): void;
}

interface Job {
  readonly durable: boolean;
  /** When the job is rejected if another process still holds the lock. */
  readonly deadline: number;
  /** Inside the transaction; again when that is repeated. */
  run(): void;
  onCommit(): void;
  onUnsynced(): void;
  resolve(): void;
  reject(error: unknown): void;
}

/** Brings commits to the disk without blocking the event loop. */
interface WalSync {
  sync(): Promise<void>;
  /**
   * Throws while the journal may have a gap after a failed `sync`. The system reports a failed write once and then counts it
   * as written, so the next sync succeeds; a checkpoint closes the gap. A journal that was damaged from outside stays so.
   */
  recoverSync(): void;
  close(): Promise<void>;
}

/**
 * SQLite would sync its write-ahead log inside COMMIT and block the whole process. With `synchronous = NORMAL` it does not
 * (https://www.sqlite.org/pragma.html#pragma_synchronous), and we sync on Node's thread pool instead, before a sender gets
 * its answer. SQLite's locks are on other files (https://www.sqlite.org/wal.html), so closing this one releases none.
 */
export function openWalSync(database: NativeDatabase, path: string): WalSync {
  const { journal_mode: mode } = database.prepare("PRAGMA journal_mode").get() ?? {};
  if (mode !== "wal") return syncedBySqlite;
  database.exec("PRAGMA synchronous = NORMAL");
  const checkpoint = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  let file: number | undefined;
  let hasGap = false;
  /** SQLite does not notice damage to its journal: it writes on, and in time overwrites it. */
  let damage: UserError | undefined;
  return {
    async sync() {
      file ??= openSync(`${path}-wal`, "r+");
      // SQLite would go on writing into a deleted file.
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
      if (checkpoint.get()?.busy !== 0) throw logFault("io", path, "part of it is still not on the disk");
      hasGap = false;
    },
    /** Only when no sync is running: the file descriptor may be reused. */
    async close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

// FileHandle.datasync would take the main thread three times as long.
const toDisk = promisify(fdatasync);

/**
 * Checks the magic number, whose last bit varies: https://www.sqlite.org/fileformat.html#the_write_ahead_log
 * The journal is empty when another process has just checkpointed it.
 */
function isJournal(fd: number): boolean {
  const bytes = readSync(fd, START, 0, 4, 0);
  return bytes === 0 || (bytes === 4 && START.readUInt32BE() >>> 1 === 0x377f0682 >>> 1);
}

const START = Buffer.alloc(4);

/** On a file system without support for a write-ahead log SQLite syncs by itself. */
const syncedBySqlite: WalSync = { sync: async () => {}, recoverSync: () => {}, close: async () => {} };
