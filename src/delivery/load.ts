import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

export interface LoadOptions {
  /** How many works are under way at the same time, at most. */
  readonly concurrency: number;
  /** How many are begun a second, at most and evenly; undefined for no limit. */
  readonly ratePerSecond: number | undefined;
  /** On abort nothing more is begun. */
  readonly signal: AbortSignal;
}

/**
 * Does a work for each item, in order of beginning, and resolves when all that was begun has ended. Items are taken
 * from the iterator one at a time as there is room, so a million of them take no more memory than a few.
 */
export async function runLoad<Item>(
  items: Iterator<Item>,
  { concurrency, ratePerSecond, signal }: LoadOptions,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  // Each worker that waits for its turn listens to it, which is no leak.
  setMaxListeners(0, signal);
  const intervalMs = ratePerSecond === undefined ? 0 : 1000 / ratePerSecond;
  let nextAt = performance.now();
  const worker = async (): Promise<void> => {
    while (!signal.aborted) {
      const next = items.next();
      if (next.done) return;
      // A slot that was missed is not made up for: the rate is a limit, not an average.
      const now = performance.now();
      const slot = Math.max(nextAt, now);
      nextAt = slot + intervalMs;
      if (intervalMs > 0 && !(await waited(slot - now, signal))) return;
      await work(next.value);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** False when the wait was cut short. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
