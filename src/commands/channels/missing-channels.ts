import type { ChannelReport } from "../../core/channel-report.ts";
import type { RememberedChannel } from "../../zoho/channel-memory.ts";
import type { Channel } from "../../zoho/channels.ts";
import { ownerOf, type ZohoSession } from "../zoho-session.ts";
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
  unlisted: "Zoho does not list it: it was not made after all, has expired, or was deleted elsewhere",
} as const;

export function missingReport(
  session: ZohoSession,
  { channel, because }: MissingChannel,
  showSecrets = false,
): ChannelReport {
  const call = (verb: string): string => session.command(`${verb} ${channel.id}`);
  return {
    ...channelReport(
      because === "deleted" ? "unknown" : "lost",
      session.product.id,
      { ...channel, expiresAt: channel.expiresAt, modules: [] },
      session.now(),
      showSecrets,
    ),
    reason: REASONS[because],
    hint: `${call("renew")} creates it again, ${call("delete")} forgets it`,
  };
}
