import { join } from "node:path";
import { type FileLock, isFileLocked, removeStaleLock, tryFileLock } from "../util/file-lock.ts";
import { allRemembered, isAlive, type RememberedChannel } from "./memory.ts";

type ChannelKeys = Pick<RememberedChannel, "id" | "product">;

/**
 * A listener holds the lock of its channel as long as it runs. The lock ends at once with a process of this machine, and
 * without a heartbeat where another process has got its id, or where another machine shares the folder. That takes a
 * minute, since clocks differ.
 */
const LOCK_STALE_MS = 60_000;

/** Locks a channel for a listener; undefined if another one that runs has it. */
export function lockChannel(folder: string, channel: ChannelKeys): Promise<FileLock | undefined> {
  return tryFileLock(lockPath(folder, channel), LOCK_STALE_MS);
}

/** Whether a running `listen` has created the channel, or taken it over. */
export function isInUse(folder: string, channel: ChannelKeys): Promise<boolean> {
  return isFileLocked(lockPath(folder, channel), LOCK_STALE_MS);
}

/**
 * Whether a channel should have ended with its listener and did not: the process was killed, or Zoho could not be reached.
 * It goes on posting until it expires. `folder`: the user's folder.
 */
export async function isOrphaned(channel: RememberedChannel, folder: string, now: Date): Promise<boolean> {
  return channel.ofListener === true && isAlive(channel, now) && !(await isInUse(folder, channel));
}

/** The ids of those that are orphaned. */
export async function orphanIds(
  channels: readonly RememberedChannel[],
  folder: string,
  now: Date,
): Promise<ReadonlySet<string>> {
  return new Set((await orphansOf(channels, folder, now)).map(({ id }) => id));
}

/** The orphaned channels of all sign-ins, as far as this machine knows. Needs no sign-in. */
export async function findOrphans(folder: string, now: Date): Promise<readonly RememberedChannel[]> {
  return orphansOf(await allRemembered(folder), folder, now);
}

async function orphansOf(channels: readonly RememberedChannel[], folder: string, now: Date) {
  const isLeft = await Promise.all(channels.map((each) => isOrphaned(each, folder, now)));
  return channels.filter((_, i) => isLeft[i]);
}

/** Deletes what a listener that was killed has left of its lock. Nothing depends on it. */
export function removeLock(folder: string, channel: ChannelKeys): Promise<void> {
  return removeStaleLock(lockPath(folder, channel), LOCK_STALE_MS).catch(() => {});
}

function lockPath(folder: string, { product, id }: ChannelKeys): string {
  return join(folder, `channel-${product}-${encodeURIComponent(id)}.lock`);
}
