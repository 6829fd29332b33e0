import { differentUrl } from "../delivery/mask.ts";
import { ExitCode, UserError } from "../util/errors.ts";
import { isNotSubscribed, isRejection, isThrottled, ZohoApiError } from "../zoho-api/errors.ts";
import type { Channel, ChannelConfig } from "./channel.ts";
import { type Grant, requireSuccess } from "./client.ts";
import { doubledEvents, expandEvents } from "./events.ts";
import { grantWarning, MINUTE_MS } from "./expiry.ts";
import type { ChannelContext } from "./lines.ts";
import type { RememberedChannel } from "./memory.ts";
import type { ChannelAccess } from "./session.ts";

interface Granted extends Grant {
  /** The expiry that was requested. */
  readonly requested: Date;
}

/** The expiry to request, by a clock. */
type EndBy = (now: Date) => Date;

/**
 * Asks Zoho for a channel, or replaces the present one. It is remembered first: Zoho may post before it answers, and if the
 * answer is lost or this process is killed, the channel exists with a token that nothing else knows.
 */
export async function requestChannel(
  access: ChannelAccess,
  config: ChannelConfig,
  endBy: EndBy,
  present?: Channel,
): Promise<Granted> {
  const { memory } = access;
  const before = await memory.recall(config.id);
  const token = present?.token ?? (present && before?.token);
  await memory.remember({ ...config, otherToken: token === config.token ? before?.otherToken : token });
  try {
    return await write(present === undefined ? "create" : "replace", access, config, endBy);
  } catch (error) {
    if (isRejection(error)) await memory.restore(config.id, before);
    throw error;
  }
}

/**
 * Takes over a channel that has the same id: writing it as a whole leaves no time without a channel, and none with two. One
 * that is gone is created again; one that Zoho does not let us write is deleted first.
 */
export async function takeOverChannel(
  access: ChannelAccess,
  config: ChannelConfig,
  orphan: RememberedChannel,
  endBy: EndBy,
): Promise<Granted & { readonly tookOver: boolean }> {
  const { client, memory } = access;
  const otherToken = orphan.token === config.token ? orphan.otherToken : orphan.token;
  await memory.remember({ ...config, otherToken });
  try {
    return { ...(await write("replace", access, config, endBy)), tookOver: true };
  } catch (error) {
    if (!isRejection(error)) throw error;
    if (!(error instanceof ZohoApiError) || error.exitCode === ExitCode.credentials || isThrottled(error)) {
      await memory.restore(config.id, orphan);
      throw error;
    }
    if (!isNotSubscribed(error)) await client.remove([config.id]);
  }
  return { ...(await requestChannel(access, config, endBy)), tookOver: false };
}

/**
 * The first answer tells Zoho's time. If the expiry was computed by a wrong clock, this asks again with the intended one:
 * Zoho silently cuts an expiry that is too far away to one hour, and accepts one that is too early.
 */
async function write(
  method: "create" | "replace",
  { client, now }: ChannelAccess,
  config: ChannelConfig,
  endBy: EndBy,
): Promise<Granted> {
  const requested = endBy(now());
  const results = await client[method]([{ config, expiresAt: requested }]);
  const intended = endBy(now());
  if (Math.abs(intended.getTime() - requested.getTime()) < MINUTE_MS) return { ...requireSuccess(results), requested };
  try {
    return { ...requireSuccess(await client[method]([{ config, expiresAt: intended }])), requested: intended };
  } catch (error) {
    if (!isRejection(error) || results.some((each) => each instanceof UserError)) throw error;
    // The channel of the first answer exists; the caller warns that it expires too early.
    return { ...requireSuccess(results), requested: intended };
  }
}

/** Remembers what Zoho granted, and reads the channel and all others from the list. */
export async function readBack(
  { client, memory, now }: ChannelAccess,
  config: ChannelConfig,
  { expiresAt, modules }: Grant,
): Promise<{ readonly channel: Channel; readonly others: readonly Channel[] }> {
  await memory.remember({ ...config, ...(expiresAt && { expiresAt }) });
  const all = await client.list();
  const others = all.filter(({ id }) => id !== config.id);
  const listed = all.find(({ id }) => id === config.id);
  // Zoho has accepted it, so a list that does not show it yet is no failure.
  if (listed === undefined) return { channel: { ...config, modules, expiresAt }, others };
  await memory.observe([listed], now(), config.id);
  return { channel: { ...listed, expiresAt: listed.expiresAt ?? expiresAt }, others };
}

/** Warns of other channels that post the same events to the same URL. `surplusId`: the one to delete, else the other. */
export function warnOfDoubles(
  context: ChannelContext,
  { command }: ChannelAccess,
  { channel, others }: { readonly channel: Channel; readonly others: readonly Channel[] },
  surplusId?: string,
): void {
  for (const other of others) {
    const events = doubledEvents(channel, other);
    if (events.length === 0) continue;
    context.report({
      type: "warning",
      message: `channel ${other.id} posts ${events.join(", ")} to the same URL: your app gets each of these events twice`,
      hint: `keep one of the two: ${command(`delete ${surplusId ?? other.id}`)}`,
    });
  }
}

/** Warns where the listed channel differs from the requested one. */
export function warnOfDifferences(
  context: ChannelContext,
  { command, now }: ChannelAccess,
  { expiresAt, ...requested }: ChannelConfig & { readonly expiresAt: Date },
  channel: Channel,
): void {
  const warn = (message: string, hint?: string): void => context.report({ type: "warning", message, hint });
  const { id } = requested;
  const shorter = grantWarning(expiresAt, channel.expiresAt, now());
  if (shorter !== undefined) warn(shorter, `renew it before then: ${command(`renew ${id}`)}`);
  if (channel.isUnread) return;
  const listed = expandEvents(channel.events);
  const missing = expandEvents(requested.events).filter((event) => !listed.includes(event));
  if (missing.length > 0) warn(`Zoho does not list ${missing.join(", ")} for channel ${id}`);
  if (channel.notifyUrl !== requested.notifyUrl) warn(differentUrl(channel.notifyUrl, requested.notifyUrl));
  if (channel.token !== requested.token) warn(`Zoho does not list the token that was set for channel ${id}`);
}
