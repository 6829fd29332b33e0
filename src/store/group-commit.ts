import { setTimeout as delay } from "node:timers/promises";
import type { NativeDatabase, NativeStatement } from "./engine.ts";
import { faultKind, logError } from "./fault.ts";
import type { FileGuard } from "./file-guard.ts";
import type { WalSync } from "./wal-sync.ts";
import { type Job, WriteJob, type WriteOptions } from "./write-job.ts";

export interface GroupCommitOptions {
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
      this.#options.wal.makeGood();
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
