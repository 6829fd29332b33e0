import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "../../context.ts";

/** Characters that may wait for a reader: enough that it never waits for us. */
const MOST_WAITING = 4_000_000;
const LOOK_EVERY_MS = 20;

/**
 * Resolves once there is room for more on standard output. What is read from a log of gigabytes would otherwise wait in
 * memory for a reader that is slower (`| less`). Resolves early where the run is to end.
 */
export async function roomOnStdout({ stdout, signal }: Context): Promise<void> {
  while (stdout.backlog() > MOST_WAITING && !signal.aborted) {
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}
