import { errorCode } from "../../util/errors.ts";

interface FlushOptions<In, Out> {
  /** Writes all in one transaction, before `endsAt` by `performance.now()`. Resolves to their results, in the same order. */
  write(items: readonly In[], endsAt: number): Promise<readonly Out[]>;
  /** How long an item may take, its wait in the queue included. One that has waited for too long is rejected unwritten. */
  readonly limit?: { readonly ms: number; timeoutError(): Error };
  readonly maxBytes?: number;
  /** The bytes of an item that count for `maxBytes`. */
  sizeOf?(item: In): number;
}

interface Job<In, Out> {
  readonly item: In;
  readonly addedAt: number;
  resolve(value: Out): void;
  reject(error: unknown): void;
}

const MAX_ITEMS = 256;
/** Share of an item's time that it may wait in the queue. */
const MAX_WAIT_SHARE = 0.8;

/** Many writes, one transaction: those that are made while one is under way are written by the next. */
export class Flush<In, Out> {
  readonly #options: FlushOptions<In, Out>;
  #jobs: Job<In, Out>[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: FlushOptions<In, Out>) {
    this.#options = options;
  }

  write(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new Error("the event log is closed"));
        return;
      }
      this.#jobs.push({ item, addedAt: performance.now(), resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    do {
      await new Promise(setImmediate);
      this.#rejectLate();
      if (this.#jobs.length > 0) await this.#flush(this.#next());
    } while (this.#jobs.length > 0);
    this.#running = undefined;
  }

  /** Leaves those that still have time for the write. */
  #rejectLate(): void {
    const { limit } = this.#options;
    if (limit === undefined) return;
    const addedBefore = performance.now() - limit.ms * MAX_WAIT_SHARE;
    const index = this.#jobs.findIndex(({ addedAt }) => addedAt >= addedBefore);
    for (const job of this.#jobs.splice(0, index === -1 ? this.#jobs.length : index)) job.reject(limit.timeoutError());
  }

  #next(): readonly Job<In, Out>[] {
    const { maxBytes = Number.POSITIVE_INFINITY, sizeOf = () => 0 } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const { item } of this.#jobs) {
      bytes += sizeOf(item);
      if (count === MAX_ITEMS || (count > 0 && bytes > maxBytes)) break;
      count++;
    }
    return this.#jobs.splice(0, count);
  }

  async #flush(jobs: readonly Job<In, Out>[]): Promise<void> {
    try {
      const { write, limit } = this.#options;
      const items = jobs.map(({ item }) => item);
      const results = await write(items, (jobs[0]?.addedAt ?? 0) + (limit?.ms ?? Number.POSITIVE_INFINITY));
      for (const [i, job] of jobs.entries()) job.resolve(results[i] as Out);
    } catch (error) {
      // What one of them holds must not fail the others. Any other error says nothing about what was committed.
      if (jobs.length > 1 && isOfData(error)) for (const job of jobs) await this.#flush([job]);
      else for (const job of jobs) job.reject(error);
    }
  }
}

/** A value that the server does not take: class 22 of https://www.postgresql.org/docs/current/errcodes-appendix.html */
function isOfData(error: unknown): boolean {
  return /^(?:22|23|54)...$/.test(errorCode(error) ?? "");
}
