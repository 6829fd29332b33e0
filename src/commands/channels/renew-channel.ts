import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../core/channel-report.ts";
import { UserError } from "../../core/errors.ts";
import { zohoTime } from "../../zoho/channel-time.ts";
import { type Channel, type ChannelConfig, configOf, grantWarning } from "../../zoho/channels.ts";
import { writeRequest } from "../../zoho/watch.ts";
import { requireSuccess } from "../../zoho/watch-reply.ts";
import type { ZohoSession } from "../zoho-session.ts";
import { showRequest } from "./dry-run.ts";
import { createChannel } from "./make-channel.ts";

export interface Renewal {
  readonly id: string;
  /** As Zoho lists it; undefined when it does not. */
  readonly channel: Channel | undefined;
  readonly expiresAt: Date;
  readonly dryRun: boolean;
}

/** What the channel is and shall stay: as listed, or as it was created here. */
export async function renewalConfig(
  session: ZohoSession,
  id: string,
  channel: Channel | undefined,
): Promise<ChannelConfig> {
  const { memory, product, signIn } = session;
  const config = wholeConfig(channel, await memory.recall(signIn.name, product.id, id));
  if (config !== undefined) return config;
  throw new UserError(
    "zohoApi",
    channel === undefined
      ? `${product.title} lists no channel ${id}, and nothing is kept here of what it was: it was created elsewhere, or deleted`
      : `${product.title} does not say where channel ${id} posts to, and nothing is kept here of it: it was created elsewhere`,
    "create it anew: zoho-hooks channels create",
    "not_subscribed",
  );
}

/** As listed; what a list leaves out of a channel that was created here is as it was then. */
export function wholeConfig(
  channel: Channel | undefined,
  remembered: ChannelConfig | undefined,
): ChannelConfig | undefined {
  const listed = channel === undefined ? undefined : configOf(channel);
  if (listed === undefined || remembered === undefined) return listed ?? remembered;
  const { related, values } = listed;
  return { ...listed, related: related ?? remembered.related, values: values ?? remembered.values };
}

/** Renews one channel. Undefined when its request was only shown. */
export async function renewChannel(
  context: Context,
  session: ZohoSession,
  { id, channel, expiresAt, dryRun }: Renewal,
): Promise<ChannelReport | undefined> {
  const { client, product } = session;
  const config = await renewalConfig(session, id, channel);
  if (channel?.expiresAt !== undefined && expiresAt <= channel.expiresAt)
    throw earlier(id, channel.expiresAt, expiresAt);
  const requests = [{ config, expiresAt }];
  if (dryRun) {
    showRequest(context, session, writeRequest(product, channel === undefined ? "POST" : "PUT", requests));
    return undefined;
  }
  const done = (state: "created" | "renewed", end: Date | undefined): ChannelReport => {
    const warning = grantWarning(expiresAt, end, session.now());
    if (warning !== undefined) context.report({ type: "warning", message: `channel ${id}: ${warning}` });
    return {
      type: "channel",
      state,
      product: product.id,
      id,
      expiresAt: end,
      previousExpiresAt: state === "renewed" ? channel?.expiresAt : undefined,
      timeLeftMs: end === undefined ? undefined : end.getTime() - session.now().getTime(),
    };
  };
  const create = async (): Promise<ChannelReport> =>
    done("created", (await createChannel(session, { ...config, id }, expiresAt)).expiresAt);

  if (channel === undefined) return create();
  const results = await client.replace(requests);
  if (results.some((each) => !each.ok && each.error.fault.code === "NOT_SUBSCRIBED")) return create();
  const result = requireSuccess(results);
  const end = result.expiresAt ?? (await client.get(id))?.expiresAt;
  const before = channel.expiresAt;
  if (before !== undefined && end !== undefined && end < before) {
    throw cutShort({ id, before, end, now: session.now() }, await putBack(session, config, before));
  }
  if (end === undefined || (before !== undefined && end <= before)) throw notLater(id, before, end);
  return done("renewed", end);
}

/** Told before Zoho is asked, which would do it. */
function earlier(id: string, before: Date, asked: Date): UserError {
  return new UserError(
    "zohoApi",
    `the end that is asked for is not later than the one that channel ${id} has: ${zohoTime(before)} → ${zohoTime(asked)}; nothing was changed`,
    "ask for a later end with --expires; channels update --expires sets an earlier one",
    "not_renewed",
  );
}

/** Gives a channel the end that it had. False where Zoho does not say that it has it. */
async function putBack({ client }: ZohoSession, config: ChannelConfig, expiresAt: Date): Promise<boolean> {
  const [result] = await client.replace([{ config, expiresAt }]).catch(() => []);
  return result?.ok === true && result.expiresAt !== undefined && result.expiresAt >= expiresAt;
}

interface Cut {
  readonly id: string;
  readonly before: Date;
  readonly end: Date;
  readonly now: Date;
}

/** An end too far away is one hour to Zoho, and it looks too far away to a clock that is ahead. */
function cutShort({ id, before, end, now }: Cut, isPutBack: boolean): UserError {
  const became = isPutBack ? "and the end that it had was put back" : "and the end that it had could not be put back";
  return new UserError(
    "zohoApi",
    `Zoho let channel ${id} end sooner than before, ${zohoTime(before)} → ${zohoTime(end)}, ${became}`,
    `by the clock of this machine it is ${zohoTime(now)}: set it right where it is ahead, and ${isPutBack ? "" : "at once "}renew again`,
    "not_renewed",
  );
}

function notLater(id: string, before: Date | undefined, end: Date | undefined): UserError {
  return new UserError(
    "zohoApi",
    `Zoho said yes to the renewal of channel ${id}, and its end is not later: ${before ? zohoTime(before) : "unknown"} → ${end ? zohoTime(end) : "unknown"}`,
    "ask for a later end with --expires, or delete the channel and create it again",
    "not_renewed",
  );
}
