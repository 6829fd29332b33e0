import { zohoTime } from "../zoho-api/time.ts";
import { soonest } from "./expiry.ts";
import type { WatchProduct } from "./watch-products.ts";

/** It may not be numeric: Zoho decides. It becomes part of file names and of commands to copy. */
export const CHANNEL_ID = /^[\w.:-]{1,64}$/;

/** A channel without its expiry. */
export interface ChannelConfig {
  readonly id: string;
  readonly events: readonly string[];
  readonly notifyUrl: string;
  readonly token?: string;
  /** Whether changes of related records notify as well: Zoho's default, and very many. */
  readonly related?: boolean;
  /** Whether notifications hold the changed values. */
  readonly values?: boolean;
  readonly conditions: readonly unknown[];
}

/** A channel as Zoho lists it. */
export interface Channel extends Omit<ChannelConfig, "notifyUrl"> {
  readonly notifyUrl?: string;
  readonly modules: readonly string[];
  /** The soonest over its modules; undefined if that of one is missing. */
  readonly expiresAt?: Date;
  /** Zoho lists it in a form that cannot be read: only its id is known. */
  readonly isUnread?: boolean;
}

/** Merges the list's rows, one for each module, into channels, soonest to expire first. */
export function mergeRows(rows: readonly Channel[]): readonly Channel[] {
  const byId = new Map<string, readonly Channel[]>();
  for (const row of rows) byId.set(row.id, [...(byId.get(row.id) ?? []), row]);
  const channels = [...byId].map(([id, own]): Channel => {
    const first = <K extends keyof Channel>(key: K) => own.find((row) => row[key] !== undefined)?.[key];
    return {
      id,
      events: unique(own.flatMap((row) => row.events)),
      modules: unique(own.flatMap((row) => row.modules)),
      notifyUrl: first("notifyUrl"),
      token: first("token"),
      related: first("related"),
      values: first("values"),
      conditions: [
        ...new Map(own.flatMap((row) => row.conditions.map((each) => [JSON.stringify(each), each]))).values(),
      ],
      expiresAt: soonest(own.map((row) => row.expiresAt)),
      isUnread: own.some((row) => row.isUnread) || undefined,
    };
  });
  return channels.sort((a, b) => endOf(a) - endOf(b) || a.id.localeCompare(b.id));
}

/** The channels that expire within a time, including those whose expiry is unknown. */
export function expiringWithin(channels: readonly Channel[], withinMs: number, now: Date): readonly Channel[] {
  return channels.filter((channel) => endOf(channel) <= now.getTime() + withinMs);
}

function endOf(channel: Channel): number {
  return channel.expiresAt?.getTime() ?? Number.NEGATIVE_INFINITY;
}

/** Undefined if Zoho does not list the URL, or not in a known form. */
export function configOf(channel: Channel): ChannelConfig | undefined {
  const { modules: _modules, expiresAt: _expiresAt, isUnread, notifyUrl, ...rest } = channel;
  return notifyUrl === undefined || isUnread === true ? undefined : { ...rest, notifyUrl };
}

/** `Leads` of `Leads.create`. */
export function modulesOf(events: readonly string[]): readonly string[] {
  return unique(events.map((event) => event.split(".")[0] ?? ""));
}

/** The item of a POST or PUT: complete, because a PUT drops what it leaves out. JSON leaves undefined out. */
export function watchItem(config: ChannelConfig, expiresAt: Date, product: WatchProduct): Record<string, unknown> {
  return {
    channel_id: product.idAs === "number" ? wireNumber(config.id) : config.id,
    events: config.events,
    channel_expiry: zohoTime(expiresAt),
    token: config.token,
    notify_url: config.notifyUrl,
    return_affected_field_values: config.values,
    notify_on_related_action: config.related,
    notification_condition: config.conditions.length === 0 ? undefined : config.conditions,
  };
}

/** A number if that keeps all digits. */
function wireNumber(id: string): number | string {
  const number = Number(id);
  return Number.isSafeInteger(number) && String(number) === id ? number : id;
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
