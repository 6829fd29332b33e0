import { MASK, maskUrl } from "../delivery/mask.ts";
import { UserError } from "../util/errors.ts";
import type { Channel, ChannelConfig } from "./channel.ts";
import type { RememberedChannel } from "./memory.ts";
import type { ChannelFacts, ChannelReport } from "./reports.ts";
import type { ZohoSession } from "./session.ts";

export const CAUSES = { expired: "expired", deleted: "deleted", unlisted: "not listed" } as const;

export function orphanFacts({ command }: ZohoSession, id: string) {
  return { reason: "its listen ended without deleting it", hint: `to delete it: ${command(`delete ${id}`)}` };
}

/** A channel that was created or changed here, was not deleted here, and that Zoho does not list. */
export interface MissingChannel {
  readonly channel: RememberedChannel;
  /** `unlisted`: its expiry is unknown here. */
  readonly because: "expired" | "deleted" | "unlisted";
}

/** The channels that Zoho lists, and those that it should: an expired one just vanishes from the list. */
export async function listWithMissing(session: ZohoSession): Promise<{
  readonly listed: readonly Channel[];
  readonly missing: readonly MissingChannel[];
}> {
  const listed = await session.client.list();
  const missing = await session.memory.observe(listed, session.now());
  return { listed, missing: missing.map((channel) => ({ channel, because: causeOf(channel) })) };
}

export function causeOf({ isDeleted, expiresAt }: RememberedChannel): MissingChannel["because"] {
  if (isDeleted === true) return "deleted";
  return expiresAt === undefined ? "unlisted" : "expired";
}

const REASONS = {
  expired: "it expired: Zoho no longer lists it",
  deleted: "it was deleted elsewhere: Zoho stopped listing it before its expiry",
  unlisted: "Zoho does not list it: it was not created, has expired, or was deleted elsewhere",
} as const;

export function missingReport(
  session: ZohoSession,
  { channel, because }: MissingChannel,
  showSecrets = false,
): ChannelReport {
  const call = (verb: string): string => session.command(`${verb} ${channel.id}`);
  return {
    ...channelReport(
      session,
      because === "deleted" ? "unknown" : "lost",
      { ...channel, expiresAt: channel.expiresAt, modules: [] },
      showSecrets,
    ),
    reason: REASONS[because],
    hint: `to create it again: ${call("renew")}; to forget it: ${call("delete")}`,
  };
}

/** Masks the token, which Zoho returns in clear. */
function channelFacts(
  channel: Omit<Channel, "expiresAt" | "modules"> | ChannelConfig,
  showSecrets: boolean,
): ChannelFacts {
  const { events, notifyUrl, token, related, values, conditions } = channel;
  const shown = token === undefined || showSecrets ? token : MASK;
  const url = showSecrets || notifyUrl === undefined ? notifyUrl : maskUrl(notifyUrl);
  return { events, notifyUrl: url, token: shown, related, values, conditions };
}

const UNREAD = "Zoho lists it in a form that zoho-hooks cannot read";

export function channelReport(
  session: ZohoSession,
  state: ChannelReport["state"],
  channel: Channel,
  showSecrets = false,
): ChannelReport {
  const { id, expiresAt, isUnread } = channel;
  const facts = isUnread === true ? { reason: UNREAD } : { channel: channelFacts(channel, showSecrets) };
  return stateReport(session, state, { id, expiresAt, ...facts });
}

type ChannelDetails = Omit<ChannelReport, "type" | "state" | "product" | "expiresAt" | "timeLeftMs">;

export function stateReport(
  { now, product }: ZohoSession,
  state: ChannelReport["state"],
  { expiresAt, ...details }: ChannelDetails & { readonly expiresAt?: Date | undefined },
): ChannelReport {
  const timeLeftMs = expiresAt && expiresAt.getTime() - now().getTime();
  return { type: "channel", state, product: product.id, ...details, expiresAt, timeLeftMs };
}

export async function requireChannel({ client, command, product }: ZohoSession, id: string): Promise<Channel> {
  const channel = await client.get(id);
  if (channel !== undefined) return channel;
  throw new UserError(
    "zohoApi",
    `${product.title} channel ${id} not found: it expired, was deleted, or belongs to another Zoho user`,
    `see what exists: ${command("list")}`,
    "not_subscribed",
  );
}
