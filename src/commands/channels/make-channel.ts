import type { Context } from "../../context.ts";
import { differentUrl } from "../../core/mask.ts";
import { isRefusal } from "../../zoho/api-error.ts";
import { expandEvents } from "../../zoho/channel-events.ts";
import { MINUTE_MS } from "../../zoho/channel-time.ts";
import { type Channel, type ChannelConfig, grantWarning } from "../../zoho/channels.ts";
import { type GrantedResult, requireSuccess } from "../../zoho/watch-reply.ts";
import { ownerOf, type ZohoSession } from "../zoho-session.ts";

/** What Zoho has granted, and what it was asked for. */
interface Granted extends GrantedResult {
  readonly asked: Date;
}

/** Creates a channel, keeps what it takes to create it again, and reads it back. */
export async function createChannel(session: ZohoSession, config: ChannelConfig, expiresAt: Date): Promise<Channel> {
  return settleChannel(session, config, await askForChannel(session, config, () => expiresAt));
}

/**
 * Asks Zoho for a channel that is kept in mind beforehand: Zoho may post before it answers, and where its answer is
 * lost or this process is killed, the channel is there, with a token that nothing else knows.
 */
export async function askForChannel(
  session: ZohoSession,
  config: ChannelConfig,
  end: (now: Date) => Date,
): Promise<Granted> {
  const { memory, product, signIn } = session;
  const before = await memory.recall(signIn.name, product.id, config.id);
  await memory.remember({ ...config, ...ownerOf(session) });
  try {
    return await post(session, config, end);
  } catch (error) {
    if (isRefusal(error)) {
      await (before === undefined ? memory.forget(signIn.name, product.id, [config.id]) : memory.remember(before));
    }
    throw error;
  }
}

/**
 * Zoho's clock is known from its answer on. Where the end was reckoned by one that is off, the channel is asked for again with
 * the end that was meant: Zoho cuts to an hour what is too far away, and takes an end that comes too soon.
 */
async function post({ client, now }: ZohoSession, config: ChannelConfig, end: (now: Date) => Date): Promise<Granted> {
  const asked = end(now());
  const results = await client.create([{ config, expiresAt: asked }]);
  const meant = end(now());
  if (Math.abs(meant.getTime() - asked.getTime()) < MINUTE_MS) return { ...requireSuccess(results), asked };
  try {
    return { ...requireSuccess(await client.create([{ config, expiresAt: meant }])), asked: meant };
  } catch (error) {
    if (!isRefusal(error) || results.some(({ ok }) => !ok)) throw error;
    // The channel of the first answer is there all the same, and that it ends too soon is told.
    return { ...requireSuccess(results), asked: meant };
  }
}

/** What is to be done once Zoho has said yes. */
export async function settleChannel(
  session: ZohoSession,
  config: ChannelConfig,
  result: GrantedResult,
): Promise<Channel> {
  const { client, memory } = session;
  const { expiresAt } = result;
  await memory.remember({ ...config, ...ownerOf(session), ...(expiresAt === undefined ? {} : { expiresAt }) });
  const listed = await client.get(config.id);
  if (listed !== undefined) await memory.observe(ownerOf(session), [listed], session.now(), config.id);
  // A list that does not show it yet is no failure: Zoho has said yes. What it said is then all that is known.
  if (listed === undefined) return { ...config, modules: result.modules, expiresAt };
  return { ...listed, expiresAt: listed.expiresAt ?? expiresAt };
}

/** Tells where what Zoho lists is not what was asked for. */
export function warnOfDifferences(
  context: Context,
  { command, now }: ZohoSession,
  { expiresAt, ...asked }: ChannelConfig & { readonly expiresAt: Date },
  channel: Channel,
): void {
  const warn = (message: string, hint?: string): void =>
    context.report({ type: "warning", message, ...(hint === undefined ? {} : { hint }) });
  const shorter = grantWarning(expiresAt, channel.expiresAt, now());
  if (shorter !== undefined) warn(shorter, `renew it in time: ${command(`renew ${asked.id}`)}`);
  if (channel.isUnread === true) return;
  const listed = new Set(expandEvents(channel.events));
  const missing = expandEvents(asked.events).filter((event) => !listed.has(event));
  if (missing.length > 0) warn(`Zoho does not list ${missing.join(", ")} for channel ${asked.id}`);
  if (channel.notifyUrl !== asked.notifyUrl) warn(differentUrl(channel.notifyUrl, asked.notifyUrl));
  if (channel.token !== asked.token) warn(`Zoho does not list the token that was set for channel ${asked.id}`);
}
