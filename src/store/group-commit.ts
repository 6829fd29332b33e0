import { setTimeout as delay } from "node:timers/promises";
import type { NativeDatabase, NativeStatement } from "./engine.ts";
import { faultKind, logError } from "./fault.ts";

interface Job {
  /** Runs inside the transaction; may run again when the transaction is repeated. Returns how to resolve. */
  readonly work: () => () => void;
  readonly reject: (error: unknown) => void;
  readonly deadline: number;
}

export interface GroupCommitOptions {
  readonly path: string;
  /** How long a job waits for another process's lock before it is rejected. */
  readonly busyMs: number;
  /** Throws when the file may not be written any more. */
  readonly guard: () => void;
}

/** Bounds how long one transaction keeps the event loop. */
const MAX_GROUP = 256;
const RETRY_EVERY_MS = 15;

/**
 * Many writes, one transaction, one sync of the disk: what is asked for in one turn of the event loop is committed
 * together. A promise resolves after the COMMIT that holds its work, and never otherwise.
 */
export class GroupCommit {
  readonly #database: NativeDatabase;
  readonly #options: GroupCommitOptions;
  readonly #begin: NativeStatement;
  readonly #commit: NativeStatement;
  readonly #rollback: NativeStatement;
  #jobs: Job[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(database: NativeDatabase, options: GroupCommitOptions) {
    this.#database = database;
    this.#options = options;
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
  }

  /** Runs `work` in the next transaction. It must touch nothing but the database, for it may run more than once. */
  write<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error("the event log is closed"));
        return;
      }
      this.#jobs.push({
        work: () => {
          const value = work();
          return () => resolve(value);
        },
        reject,
        deadline: performance.now() + this.#options.busyMs,
      });
      this.#running ??= this.#run();
    });
  }

  /** Commits what is waiting, then closes the database. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#running;
    this.#database.close();
  }

  async #run(): Promise<void> {
    while (this.#jobs.length > 0) {
      await new Promise(setImmediate);
      const group = this.#jobs.splice(0, MAX_GROUP);
      const locked = this.#transact(group);
      if (locked !== undefined) await this.#waitForLock(group, locked);
    }
    this.#running = undefined;
  }

  /** Returns the error of a lock that another process holds; everything else is settled here. */
  #transact(group: readonly Job[]): unknown {
    const settle: (() => void)[] = [];
    let current: Job | undefined;
    try {
      this.#options.guard();
      this.#begin.run();
      for (const job of group) {
        current = job;
        settle.push(job.work());
      }
      current = undefined;
      this.#commit.run();
    } catch (error) {
      this.#undo();
      if (faultKind(error) === "locked") return error;
      const shared = current === undefined || faultKind(error) !== undefined;
      const failed = shared ? group : [current];
      for (const job of failed) job?.reject(logError(error, this.#options.path));
      // One job's own mistake must not cost the others their place.
      if (!shared) this.#jobs.unshift(...group.filter((job) => job !== current));
      return undefined;
    }
    for (const resolve of settle) resolve();
    return undefined;
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
