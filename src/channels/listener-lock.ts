import { join } from "node:path";
import { type FileLock, isFileLocked, removeStaleLock, tryFileLock } from "../util/file-lock.ts";

/**
 * A listener holds the lock of what it has registered at Zoho as long as it runs. The lock ends at once with a process of this
 * machine, and without a heartbeat where another process has got its id, or where another machine shares the folder. That
 * takes a minute, since clocks differ.
 */
const LOCK_STALE_MS = 60_000;

/** Undefined if another listener that runs has it. `folder`: the user's; `name`: `channel-crm-4711`. */
export function lockForListener(folder: string, name: string): Promise<FileLock | undefined> {
  return tryFileLock(lockPath(folder, name), LOCK_STALE_MS);
}

/** Whether a running listener has it. */
export function isLockedByListener(folder: string, name: string): Promise<boolean> {
  return isFileLocked(lockPath(folder, name), LOCK_STALE_MS);
}

/** Deletes what a listener that was killed has left of its lock. Nothing depends on it. */
export function removeListenerLock(folder: string, name: string): Promise<void> {
  return removeStaleLock(lockPath(folder, name), LOCK_STALE_MS).catch(() => {});
}

function lockPath(folder: string, name: string): string {
  return join(folder, `${name}.lock`);
}
