import { differentUrl } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import type { Channel, ChannelConfig } from "./channel.ts";
import { expandEvents } from "./events.ts";
import { grantWarning } from "./expiry.ts";
import type { ZohoSession } from "./session.ts";

/** Warns where the listed channel differs from the requested one. */
export function warnOfDifferences(
  context: Context,
  { command, now }: ZohoSession,
  { expiresAt, ...requested }: ChannelConfig & { readonly expiresAt: Date },
  channel: Channel,
): void {
  const warn = (message: string, hint?: string): void =>
    context.report({ type: "warning", message, ...(hint === undefined ? {} : { hint }) });
  const shorter = grantWarning(expiresAt, channel.expiresAt, now());
  if (shorter !== undefined) warn(shorter, `renew it before then: ${command(`renew ${requested.id}`)}`);
  if (channel.isUnread === true) return;
  const listed = new Set(expandEvents(channel.events));
  const missing = expandEvents(requested.events).filter((event) => !listed.has(event));
  if (missing.length > 0) warn(`Zoho does not list ${missing.join(", ")} for channel ${requested.id}`);
  if (channel.notifyUrl !== requested.notifyUrl) warn(differentUrl(channel.notifyUrl, requested.notifyUrl));
  if (channel.token !== requested.token) warn(`Zoho does not list the token that was set for channel ${requested.id}`);
}
