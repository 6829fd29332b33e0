import { setTimeout as delay } from "node:timers/promises";
import { faultKind } from "./fault.ts";

const RETRY_EVERY_MS = 15;

/**
 * Repeats synchronous work while another process holds the file, without blocking this one as SQLite's own busy
 * handler does: a receiver must go on answering. After `busyMs` the lock's error is thrown.
 */
export async function retryWhileLocked<T>(work: () => T, busyMs: number): Promise<T> {
  const deadline = performance.now() + busyMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (faultKind(error) !== "locked" || performance.now() >= deadline) throw error;
    }
    await delay(RETRY_EVERY_MS);
  }
}
