import { MASK, maskUrl } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import { formatSpan } from "../util/units.ts";
import type { ApiRequestLine } from "../zoho-api/lines.ts";
import type { Channel } from "./channel.ts";
import { GONE } from "./expiry.ts";
import type { MissingChannel } from "./memory.ts";
import type { ZohoSession } from "./session.ts";

/** For what reads or writes channels at Zoho. */
export type ChannelContext = Context<ApiRequestLine | ChannelReport>;

/** The state of a notification channel, or a change of it. */
export interface ChannelReport {
  readonly type: "channel";
  readonly state: ChannelState;
  readonly product: string;
  readonly id: string;
  /** Undefined where only a change is reported. */
  readonly channel?: ChannelFacts | undefined;
  readonly expiresAt: Date | undefined;
  /** Its expiry before a renewal. */
  readonly previousExpiresAt?: Date | undefined;
  /** Undefined where the expiry is not known. */
  readonly timeLeftMs: number | undefined;
  /** Why it is in a bad state. */
  readonly reason?: string | undefined;
  readonly hint?: string | undefined;
}

export type ChannelState =
  | "listed"
  | "created"
  | "renewed"
  | "updated"
  /** A renewal failed, and the channel has not expired yet. */
  | "expiring"
  | "lost"
  | "deleted"
  /** It still exists after an attempt to delete it; `unknown`: it did not exist. */
  | "not-deleted"
  | "unknown";

/** The token is masked unless the user asked to see it. */
type ChannelFacts = Omit<Channel, "id" | "modules" | "expiresAt" | "isUnread">;

/** A channel or webhook that exists as long as the receiver that it posts to. */
export interface Registered {
  readonly kind: "channel" | "webhook";
  readonly product: string;
  readonly id: string;
  readonly events: readonly string[];
  /** Undefined for a webhook, which does not expire, and for a channel that is lost. */
  readonly expiresAt: Date | undefined;
  readonly timeLeftMs: number | undefined;
  /** It does not post here at present. */
  readonly isLost: boolean;
}

/** The record that a notification names, fetched from the API. It is not part of the delivery. */
export interface RecordReport {
  readonly type: "record";
  /** The event's number. */
  readonly n: number;
  readonly product: string;
  readonly module: string;
  readonly id: string;
  /** Undefined where there is none. Numbers that a double cannot hold are text. */
  readonly record?: unknown;
  /** Why there is no record. */
  readonly error?: string;
  readonly hint?: string;
}

type Details = Omit<ChannelReport, "type" | "state" | "product" | "expiresAt" | "timeLeftMs">;

export function stateReport(
  { now, product }: Pick<ZohoSession, "now" | "product">,
  state: ChannelState,
  { expiresAt, ...details }: Details & { readonly expiresAt?: Date },
): ChannelReport {
  const timeLeftMs = expiresAt && expiresAt.getTime() - now().getTime();
  return { type: "channel", state, product: product.id, ...details, expiresAt, timeLeftMs };
}

export function channelReport(
  session: ZohoSession,
  state: ChannelState,
  { id, expiresAt, isUnread, ...channel }: Omit<Channel, "modules">,
  showSecrets = false,
): ChannelReport {
  if (isUnread) return stateReport(session, state, { id, expiresAt, reason: UNREAD });
  const { events, notifyUrl, token, related, values, conditions } = channel;
  const shown = showSecrets
    ? { notifyUrl, token }
    : { notifyUrl: notifyUrl && maskUrl(notifyUrl), token: token === undefined ? token : MASK };
  const facts = { events, related, values, conditions, ...shown };
  return stateReport(session, state, { id, expiresAt, channel: facts });
}

const UNREAD = "Zoho lists it in a form that zoho-hooks cannot read";

export function missingReport(session: ZohoSession, channel: MissingChannel): ChannelReport {
  const { because, id, ofListener, project } = channel;
  const call = (verb: string): string => session.command(`${verb} ${id}`);
  const hint = ofListener
    ? `the listen that runs in ${project ?? "another folder"} creates it again within ${formatSpan(session.pollMs)}`
    : `to create it again: ${call("renew")}; to forget it: ${call("delete")}`;
  const state = because === "gone early" && !ofListener ? "unknown" : "lost";
  return { ...channelReport(session, state, channel), reason: GONE[because], hint };
}
