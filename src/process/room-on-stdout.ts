import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import type { Runtime } from "./runtime.ts";

/** Enough that a fast reader never waits for us. */
const MAX_BACKLOG_CHARACTERS = 1_000_000;
/** Lines are written at the end of a turn of the event loop; a file takes them all. */
const MAX_TURN_CHARACTERS = 65_536;
const POLL_INTERVAL_MS = 5;

/**
 * Resolves once there is room for more on standard output: what is read from gigabytes must not wait in memory for a slower
 * reader (`| less`). Resolves early, to false, when the run is to end.
 */
export async function roomOnStdout(context: Runtime): Promise<boolean> {
  const { stdout } = context;
  if (stdout.backlog() <= MAX_TURN_CHARACTERS) return true;
  await nextTurn();
  // Reading the signal installs the handlers for Ctrl-C, which a short run does not need.
  const { signal } = context;
  while (stdout.backlog() > MAX_BACKLOG_CHARACTERS && !signal.aborted) {
    await delay(POLL_INTERVAL_MS, undefined, { signal }).catch(() => {});
  }
  return !signal.aborted;
}
