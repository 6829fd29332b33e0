import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../reports/channel.ts";
import { UserError } from "../../util/errors.ts";
import { writeRequest } from "../../zoho/channels/api.ts";
import { type Channel, type ChannelConfig, configOf } from "../../zoho/channels/channel.ts";
import { grantWarning, MINUTE_MS, zohoTime } from "../../zoho/channels/expiry.ts";
import { requireSuccess } from "../../zoho/channels/replies.ts";
import { isRefusal } from "../../zoho/errors.ts";
import { showRequest } from "../helpers/notices.ts";
import { ownerOf, type ZohoSession } from "../helpers/session.ts";
import { createChannel } from "./create.ts";

export interface Renewal {
  readonly id: string;
  /** As Zoho lists it; undefined when it does not. */
  readonly channel: Channel | undefined;
  readonly expiresAt: Date;
  /** Nobody has asked for that end: it is as late as the API grants. */
  readonly isLongest: boolean;
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
      : `${product.title} does not say ${channel.isUnread === true ? `in a form that is known here what channel ${id} is` : `where channel ${id} posts to`}, and nothing is kept here of it: it was created elsewhere`,
    `create it anew: ${session.command("create")}`,
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
  { id, channel: listed, expiresAt, isLongest, dryRun }: Renewal,
): Promise<ChannelReport | undefined> {
  const { client, memory, product, signIn } = session;
  if (dryRun) {
    const requests = [{ config: await renewalConfig(session, id, listed), expiresAt }];
    showRequest(context, session, writeRequest(product, listed === undefined ? "POST" : "PUT", requests));
    return undefined;
  }
  const done = (state: "created" | "renewed", end: Date | undefined, before?: Date, reason?: string): ChannelReport => {
    const warning = reason === undefined ? grantWarning(expiresAt, end, session.now()) : undefined;
    if (warning !== undefined) context.report({ type: "warning", message: `channel ${id}: ${warning}` });
    const timeLeftMs = end === undefined ? undefined : end.getTime() - session.now().getTime();
    return {
      type: "channel",
      state,
      product: product.id,
      id,
      expiresAt: end,
      previousExpiresAt: before,
      timeLeftMs,
      reason,
    };
  };
  const mayHave = (been: string) => (error: unknown) => {
    const message = `channel ${id} may have been ${been}: Zoho's answer did not come`;
    if (!isRefusal(error)) context.report({ type: "warning", message, hint: `see ${session.command("list")}` });
    throw error;
  };
  const create = async (): Promise<ChannelReport> => {
    const config = await renewalConfig(session, id, undefined);
    const channel = await createChannel(session, { ...config, id }, expiresAt).catch(mayHave("created again"));
    const made = done("created", channel.expiresAt);
    return { ...made, reason: "Zoho did not list it any more: it was created again from what is kept here" };
  };
  /** Gone since it was listed: when its time was over it is made anew if it was made here, else somebody has deleted it. */
  const createIfOver = async (): Promise<ChannelReport> => {
    await memory.observe(ownerOf(session), [], session.now(), id);
    const isOver = listed?.expiresAt !== undefined && listed.expiresAt <= session.now();
    if (isOver && (await memory.recall(signIn.name, product.id, id)) !== undefined) return create();
    throw deletedMeanwhile(session, id);
  };

  if (listed === undefined) return create();
  // Read again: with what was listed before the other channels were renewed, a change of somebody's would be undone.
  const channel = await client.get(id);
  if (channel === undefined) return createIfOver();
  const config = await renewalConfig(session, id, channel);
  const before = channel.expiresAt;
  const already = (end: Date): ChannelReport => done("renewed", end, undefined, "it had been renewed already");
  if (before !== undefined && expiresAt <= before) {
    if (isLongest || before.getTime() - expiresAt.getTime() <= CLOSE_MS) return already(before);
    throw earlier(id, before, expiresAt);
  }
  const results = await client.replace([{ config, expiresAt }]).catch(mayHave("renewed"));
  if (results.some((each) => !each.ok && each.error.fault.code === "NOT_SUBSCRIBED")) return createIfOver();
  const end = requireSuccess(results).expiresAt ?? (await client.get(id))?.expiresAt;
  if (before !== undefined && end !== undefined && end <= before) {
    if (expiresAt.getTime() - end.getTime() <= CLOSE_MS) return already(end);
    if (end < before) throw cutShort({ id, before, end, now: session.now() }, await putBack(session, config, before));
  }
  if (end === undefined || (before !== undefined && end <= before)) throw notLater(id, before, end);
  await memory.observe(ownerOf(session), [{ id, expiresAt: end, token: config.token }], session.now(), id);
  return done("renewed", end, before);
}

/** Two renewals at once ask for ends that are seconds apart, and both are right. */
const CLOSE_MS = 5 * MINUTE_MS;

function deletedMeanwhile({ command }: ZohoSession, id: string): UserError {
  return new UserError(
    "zohoApi",
    `channel ${id} was deleted while it was to be renewed, and is left alone`,
    `where it was created here, ${command(`renew ${id}`)} creates it again`,
    "deleted",
  );
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
    end === undefined
      ? `Zoho said yes to the renewal of channel ${id}, and does not say when it ends now`
      : `Zoho said yes to the renewal of channel ${id}, and its end is not later: ${before ? zohoTime(before) : "unknown"} → ${zohoTime(end)}`,
    "ask for a later end with --expires, or delete the channel and create it again",
    "not_renewed",
  );
}
