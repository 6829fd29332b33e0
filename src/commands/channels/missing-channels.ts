import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../core/channel-report.ts";
import type { RememberedChannel } from "../../zoho/channel-memory.ts";
import type { Channel } from "../../zoho/channels.ts";
import { ownerOf, type ZohoOptions, type ZohoSession } from "../zoho-session.ts";
import { channelReport } from "./channel-view.ts";

/** A channel that was made or changed here, was not deleted here, and is not there. */
export interface MissingChannel {
  readonly channel: RememberedChannel;
  /** `unlisted`: when it would have ended is not known here. */
  readonly because: "expired" | "deleted" | "unlisted";
}

/** The channels that Zoho lists, and those that it should. An expired one vanishes from its list without a word. */
export async function takeStock(session: ZohoSession): Promise<{
  readonly listed: readonly Channel[];
  readonly missing: readonly MissingChannel[];
}> {
  const listed = await session.client.list();
  const missing = await session.memory.observe(ownerOf(session), listed, session.now());
  return { listed, missing: missing.map((channel) => ({ channel, because: causeOf(channel) })) };
}

function causeOf({ isDeleted, expiresAt }: RememberedChannel): MissingChannel["because"] {
  if (isDeleted === true) return "deleted";
  return expiresAt === undefined ? "unlisted" : "expired";
}

const REASONS = {
  expired: "it has expired: Zoho does not list it any more",
  deleted: "it was deleted elsewhere: Zoho does not list it any more, and its end had not come",
  unlisted: "Zoho does not list it: it has expired, or was deleted elsewhere",
} as const;

export function missingReport(
  context: Context,
  session: ZohoSession,
  { channel, because }: MissingChannel,
  { profile }: ZohoOptions,
  showSecrets = false,
): ChannelReport {
  const { id } = session.product;
  const flags = `${channel.id} --product ${id}${profile === undefined ? "" : ` --profile ${profile}`}`;
  const call = (verb: string): string => `${context.invocation} channels ${verb} ${flags}`;
  return {
    ...channelReport(
      because === "deleted" ? "unknown" : "lost",
      id,
      { ...channel, expiresAt: channel.expiresAt, modules: [] },
      session.now(),
      showSecrets,
    ),
    reason: REASONS[because],
    hint: `${call("renew")} creates it again, ${call("delete")} forgets it`,
  };
}
