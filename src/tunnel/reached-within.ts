import { setTimeout as pause } from "node:timers/promises";
import type { Reaches } from "./tunnel.ts";

/** Tries after each of the pauses; true on the first success. Throws only when the signal aborts. */
export async function reachedWithin(
  reaches: Reaches,
  url: string,
  pausesMs: readonly number[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const pauseMs of pausesMs) {
    await pause(pauseMs, undefined, { signal });
    if (await reaches(url, signal)) return true;
    signal.throwIfAborted();
  }
  return false;
}

/** One failed check is no alarm: it is repeated after a moment, and once more. */
export function pausesBeforeAlarm(checkEveryMs: number): readonly number[] {
  return [0, Math.min(1000, checkEveryMs), Math.min(3000, checkEveryMs)];
}
