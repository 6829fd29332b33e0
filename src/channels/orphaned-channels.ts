import { maskUrl } from "../delivery/mask.ts";
import type { FileLock } from "../util/file-lock.ts";
import { oneLine, shellQuoted } from "../util/text.ts";
import { zohoTime } from "../zoho-api/time.ts";
import type { Channel } from "./channel.ts";
import type { ChannelContext } from "./lines.ts";
import { isLockedByListener, lockForListener, removeListenerLock } from "./listener-lock.ts";
import { allRemembered, isActive, type MissingChannel, type RememberedChannel } from "./memory.ts";
import { replaceWords } from "./replace-words.ts";
import type { ZohoSession } from "./session.ts";

type ChannelName = Pick<RememberedChannel, "id" | "product">;

/** Locks a channel for a listener; undefined if another one that runs has it. `folder`: the user's folder. */
export function lockChannel(folder: string, channel: ChannelName): Promise<FileLock | undefined> {
  return lockForListener(folder, lockName(channel));
}

/** Whether a running `listen` has created the channel, or taken it over. */
export function isInUse(folder: string, channel: ChannelName): Promise<boolean> {
  return isLockedByListener(folder, lockName(channel));
}

/** Deletes what a listener that was killed has left of its lock. Nothing depends on it. */
export function removeLock(folder: string, channel: ChannelName): Promise<void> {
  return removeListenerLock(folder, lockName(channel));
}

function lockName({ product, id }: ChannelName): string {
  return `channel-${product}-${encodeURIComponent(id)}`;
}

/**
 * Whether a channel should have ended with its listener and did not: the process was killed, or Zoho could not be reached.
 * It goes on posting until it expires.
 */
export async function isOrphaned(channel: RememberedChannel, folder: string, now: Date): Promise<boolean> {
  return channel.ofListener === true && isActive(channel, now) && !(await isInUse(folder, channel));
}

/** Channels that a running `listen` believes it has, and that Zoho does not list. */
export async function lostUnderListen(
  { folder, memory, now }: Pick<ZohoSession, "folder" | "memory" | "now">,
  listed: readonly Channel[],
): Promise<readonly MissingChannel[]> {
  const missing = await memory.missing(listed, now(), { ofListeners: true });
  const isRunning = await Promise.all(missing.map((each) => isInUse(folder, each)));
  return missing.filter((_, i) => isRunning[i]);
}

/** The ids of those that are orphaned. */
export async function orphanIds(
  channels: readonly RememberedChannel[],
  folder: string,
  now: Date,
): Promise<ReadonlySet<string>> {
  return new Set((await orphansOf(channels, folder, now)).map(({ id }) => id));
}

async function orphansOf(
  channels: readonly RememberedChannel[],
  folder: string,
  now: Date,
): Promise<readonly RememberedChannel[]> {
  const isLeft = await Promise.all(channels.map((each) => isOrphaned(each, folder, now)));
  return channels.filter((_, i) => isLeft[i]);
}

/** A line for each channel whose listener is gone. From the memory: no request, no sign-in. */
export async function orphanNotes(context: ChannelContext): Promise<readonly string[]> {
  const orphans = await orphansOf(await knownChannels(context), context.userFolder, context.now());
  return orphans.map((channel) => {
    const end = channel.expiresAt === undefined ? "" : ` until ${zohoTime(channel.expiresAt)}`;
    const state = `its listen ended without deleting it, and it posts to ${oneLine(maskUrl(channel.notifyUrl))}${end}`;
    return `Channel ${channel.id} is left over: ${state}. To delete it: ${channelsCommand(context, channel, `delete ${channel.id}`)}`;
  });
}

/**
 * After the tunnel has come back with another URL: the channels that still post to the old one, and the command for each.
 * `moved`: the ids of those that follow it by themselves.
 */
export async function reportOldUrls(
  context: ChannelContext,
  {
    url,
    previousUrl,
    moved,
  }: { readonly url: string; readonly previousUrl: string; readonly moved: readonly string[] },
): Promise<void> {
  for (const channel of await knownChannels(context)) {
    const { id, notifyUrl } = channel;
    if (moved.includes(id) || !isActive(channel, context.now()) || !notifyUrl.startsWith(`${previousUrl}/`)) continue;
    const newUrl = url + notifyUrl.slice(previousUrl.length);
    const message = `channel ${id} still posts to ${oneLine(maskUrl(notifyUrl))}: ${channelsCommand(context, channel, `${replaceWords(channel)} --url ${shellQuoted(newUrl)}`)}`;
    context.report({ type: "notice", message });
  }
}

/** Commands that need the memory report that it cannot be read. */
function knownChannels(context: ChannelContext): Promise<readonly RememberedChannel[]> {
  return allRemembered(context.userFolder).catch(() => []);
}

function channelsCommand(
  { invocation }: ChannelContext,
  { product, profile }: RememberedChannel,
  words: string,
): string {
  // Not a profile's name: the sign-in of the environment.
  const flag = profile === "environment" ? "" : ` --profile ${shellQuoted(profile)}`;
  return `${invocation} channels ${words} --product ${shellQuoted(product)}${flag}`;
}
