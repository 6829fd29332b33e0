import type { ChannelFacts, ChannelReport } from "../../core/channel-report.ts";
import { usageError } from "../../core/errors.ts";
import { MASK, maskUrl } from "../../core/mask.ts";
import type { Channel, ChannelConfig } from "../../zoho/channels.ts";
import { timeLeftMs } from "../../zoho/channels.ts";

/** What may be shown of a channel: Zoho gives its token in clear. */
function channelFacts(
  channel: Omit<Channel, "expiresAt" | "modules"> | ChannelConfig,
  showSecrets: boolean,
): ChannelFacts {
  const { events, notifyUrl, token, related, values, conditions } = channel;
  const shown = token === undefined || showSecrets ? token : MASK;
  const url = showSecrets || notifyUrl === undefined ? notifyUrl : maskUrl(notifyUrl);
  return { events, notifyUrl: url, token: shown, related, values, conditions };
}

export const UNREAD = "Zoho lists it in a form that is not known here";

export function channelReport(
  state: ChannelReport["state"],
  product: string,
  channel: Channel,
  now: Date,
  showSecrets = false,
): ChannelReport {
  return {
    type: "channel",
    state,
    product,
    id: channel.id,
    ...(channel.isUnread === true ? { reason: UNREAD } : { channel: channelFacts(channel, showSecrets) }),
    expiresAt: channel.expiresAt,
    timeLeftMs: timeLeftMs(channel, now),
  };
}

/** An id that is there already: whether Zoho takes others than numbers is not known, so that it has the last word. */
export function channelId(text: string): string {
  if (/^[\w.:-]{1,64}$/.test(text)) return text;
  throw usageError(`${JSON.stringify(text)} is not the id of a channel`, "see the ids with zoho-hooks channels list");
}

/** An id for a new channel, as all versions of the API take it: up to 19 digits, kept as text. */
export function newChannelId(text: string): string {
  if (/^-?\d{1,19}$/.test(text)) return text;
  throw usageError(`${JSON.stringify(text)} is not the id of a channel`, "an id has up to 19 digits");
}
