import { MASK, maskUrl } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import { type Time, timeOf } from "../util/json-line.ts";
import { formatSpan } from "../util/units.ts";
import type { ApiRequestLine } from "../zoho-api/lines.ts";
import type { Channel } from "./channel.ts";
import { GONE } from "./expiry.ts";
import type { MissingChannel } from "./memory.ts";
import type { ZohoSession } from "./session.ts";

/** For what reads or writes channels at Zoho. */
export type ChannelContext = Context<ApiRequestLine | ChannelLine>;

/** The state of a CRM notification channel, or a change of it. @printedBy listen, channels */
export interface ChannelLine {
  readonly type: "channel";
  /** `expiring`: a renewal failed, and it has not expired yet; `unknown`: it did not exist. */
  readonly state:
    | "listed"
    | "created"
    | "renewed"
    | "updated"
    | "expiring"
    | "lost"
    | "deleted"
    | "not_deleted"
    | "unknown";
  readonly product: string;
  readonly id: string;
  readonly expires_at: Time | null;
  readonly time_left_ms: number | null;
  /** Of a renewal. */
  readonly previous_expires_at?: Time;
  /** Why it is in a bad state. */
  readonly reason?: string;
  /** Beside `reason`. */
  readonly hint?: string | null;
  /** This and the members below are left out where only a change is reported. */
  readonly events?: readonly string[];
  readonly notify_url?: string | null;
  /** Masked without `--show-secrets`. */
  readonly token?: string | null;
  /** Whether changes of related records notify as well. */
  readonly related?: boolean | null;
  /** Whether notifications hold the changed values. */
  readonly values?: boolean | null;
  /** As Zoho has them. */
  readonly conditions?: readonly unknown[];
}

/** A channel or webhook that exists as long as the receiver that it posts to. */
export interface RegisteredHook {
  readonly kind: "channel" | "webhook";
  readonly product: string;
  readonly id: string;
  readonly events: readonly string[];
  /** Null for a webhook, which does not expire, and for a channel that is lost. */
  readonly expires_at: Time | null;
  readonly time_left_ms: number | null;
}

export interface Registered extends RegisteredHook {
  /** It does not post here at present. */
  readonly isLost: boolean;
}

/** The record that an event names, fetched from Zoho's API. @printedBy listen --expand */
export interface RecordLine {
  readonly type: "record";
  /** Number of the event. */
  readonly n: number;
  readonly product: string;
  readonly module: string;
  readonly id: string;
  /** Long ids as text. */
  readonly record?: unknown;
  /** Why there is no record. */
  readonly error?: string;
  /** Beside `error`. */
  readonly hint?: string | null;
}

interface Details {
  readonly id: string;
  readonly expiresAt?: Date | undefined;
  readonly previousExpiresAt?: Date | undefined;
  readonly reason?: string | undefined;
  readonly hint?: string | undefined;
}

/** A change of a channel, without its facts. */
export function stateLine(
  { now, product }: Pick<ZohoSession, "now" | "product">,
  state: ChannelLine["state"],
  { id, expiresAt, previousExpiresAt, reason, hint }: Details,
): ChannelLine {
  return {
    type: "channel",
    state,
    product: product.id,
    id,
    expires_at: timeOf(expiresAt),
    time_left_ms: expiresAt === undefined ? null : expiresAt.getTime() - now().getTime(),
    previous_expires_at: previousExpiresAt?.toJSON(),
    reason,
    hint: reason === undefined ? undefined : (hint ?? null),
  };
}

/** A channel with its facts. Its token is masked unless the user asked to see it. */
export function channelLine(
  session: ZohoSession,
  state: ChannelLine["state"],
  { id, expiresAt, isUnread, ...channel }: Omit<Channel, "modules">,
  showSecrets = false,
): ChannelLine {
  if (isUnread) return stateLine(session, state, { id, expiresAt, reason: UNREAD });
  const { events, notifyUrl, token, related, values, conditions } = channel;
  const shown = showSecrets
    ? { notifyUrl, token }
    : { notifyUrl: notifyUrl && maskUrl(notifyUrl), token: token === undefined ? token : MASK };
  return {
    ...stateLine(session, state, { id, expiresAt }),
    events,
    notify_url: shown.notifyUrl ?? null,
    token: shown.token ?? null,
    related: related ?? null,
    values: values ?? null,
    conditions,
  };
}

const UNREAD = "Zoho lists it in a form that zoho-hooks cannot read";

/** A channel that Zoho no longer lists. */
export function missingLine(session: ZohoSession, channel: MissingChannel): ChannelLine {
  const { because, id, ofListener, project } = channel;
  const call = (verb: string): string => session.command(`${verb} ${id}`);
  const hint = ofListener
    ? `the listen that runs in ${project ?? "another folder"} creates it again within ${formatSpan(session.pollMs)}`
    : `to create it again: ${call("renew")}; to forget it: ${call("delete")}`;
  const state = because === "gone early" && !ofListener ? "unknown" : "lost";
  return { ...channelLine(session, state, channel), reason: GONE[because], hint };
}
