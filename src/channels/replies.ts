import { z } from "zod";
import type { UserError } from "../util/errors.ts";
import type { ApiReply } from "../zoho-api/api.ts";
import { readFault, replyError, ZohoApiError } from "../zoho-api/errors.ts";
import { parseZohoTime } from "../zoho-api/time.ts";
import { soonest } from "./expiry.ts";

/** Zoho sends ids as numbers or strings, of up to 19 digits. */
export const idSchema = z.union([z.string(), z.number(), z.bigint()]).transform(String);

/** It may not be numeric: Zoho decides. It becomes part of file names and of commands to copy. */
export const CHANNEL_ID = /^[\w.:-]{1,64}$/;
const channelIdSchema = idSchema.refine((id) => CHANNEL_ID.test(id));

/** A list has a row for each module that a channel watches. */
export interface WatchRow {
  readonly channelId: string;
  readonly module: string;
  readonly events: readonly string[];
  readonly notifyUrl: string | undefined;
  readonly expiresAt: Date | undefined;
  readonly token: string | undefined;
  /** Undefined if Zoho leaves it out. */
  readonly related: boolean | undefined;
  readonly values: boolean | undefined;
  /** Without null members, so that they can be sent back. */
  readonly conditions: readonly unknown[];
  /** A field has an unexpected form: only the id is known, and the row cannot be sent back. */
  readonly isUnread: boolean;
}

/** An expiry in an unexpected form must not hide the rest of a channel. */
const expirySchema = z.string().nullish().catch(undefined);

const rowSchema = z.looseObject({
  channel_id: channelIdSchema,
  resource_name: z.string().catch(""),
  events: z.array(z.string()).nullish(),
  notify_url: z.string().nullish(),
  channel_expiry: expirySchema,
  token: z.string().nullish(),
  notify_on_related_action: z.boolean().nullish(),
  return_affected_field_values: z.boolean().nullish(),
  // Missing before v6, and in Bigin and Recruit.
  notification_condition: z.unknown().optional(),
});
const listSchema = z.looseObject({
  watch: z.array(z.looseObject({ channel_id: channelIdSchema })),
  info: z.looseObject({ more_records: z.boolean().nullish() }).nullish(),
});

export interface WatchPage {
  readonly items: readonly WatchRow[];
  readonly more: boolean;
}

/** A page of the list. Without any channels Zoho answers 204 without a body. */
export function readPage(reply: ApiReply): WatchPage {
  if (reply.status === 204) return { items: [], more: false };
  const parsed = listSchema.safeParse(reply.body);
  if (reply.status === 400 || !parsed.success) throw replyError(reply, reply.call);
  const items = parsed.data.watch.map((each): WatchRow => {
    const { data } = rowSchema.safeParse(each);
    const row = data ?? rowSchema.parse({ channel_id: each.channel_id });
    return {
      channelId: row.channel_id,
      module: row.resource_name,
      events: row.events ?? [],
      notifyUrl: row.notify_url ?? undefined,
      expiresAt: parseZohoTime(row.channel_expiry),
      token: row.token ?? undefined,
      related: row.notify_on_related_action ?? undefined,
      values: row.return_affected_field_values ?? undefined,
      conditions: asList(row.notification_condition).map(withoutNulls),
      isUnread: data === undefined,
    };
  });
  return { items, more: parsed.data.info?.more_records ?? false };
}

/** The result for one channel of a request. The HTTP status says nothing about it. */
export interface GrantedResult {
  readonly ok: true;
  readonly channelId: string | undefined;
  /** The soonest over its modules; undefined if that of one is missing. */
  readonly expiresAt: Date | undefined;
  readonly modules: readonly string[];
}

export type WatchResult =
  | GrantedResult
  | { readonly ok: false; readonly channelId: string | undefined; readonly error: UserError };

const eventSchema = z.looseObject({
  channel_id: channelIdSchema.nullish(),
  channel_expiry: expirySchema,
  resource_name: z.string().nullish(),
});
const successSchema = z.looseObject({
  details: z.looseObject({ events: z.array(eventSchema).nullish(), channel_id: channelIdSchema.nullish() }).nullish(),
});

/**
 * The results of a POST, PUT, PATCH or DELETE, in the order of the answer. Throws if the whole request failed. `actions`:
 * what each item was to do, for its error.
 */
export function readResults(reply: ApiReply, actions: readonly string[] = []): readonly WatchResult[] {
  const parsed = z.looseObject({ watch: z.array(z.unknown()) }).safeParse(reply.body);
  if (!parsed.success) throw replyError(reply, reply.call);
  return parsed.data.watch.map((item, i) => {
    const details = successSchema.safeParse(item).data?.details;
    const events = details?.events ?? [];
    const channelId = events[0]?.channel_id ?? details?.channel_id ?? undefined;
    const fault = readFault(item) ?? (isSuccessItem(item) ? undefined : NO_RESULT);
    const call = { ...reply.call, action: actions[i] ?? reply.call.action };
    if (fault !== undefined) return { ok: false, channelId, error: new ZohoApiError(fault, reply.status, call) };
    return {
      ok: true,
      channelId,
      expiresAt: soonest(events.map((event) => parseZohoTime(event.channel_expiry))),
      modules: events.flatMap((event) => event.resource_name ?? []),
    };
  });
}

/** The result of a request for one channel; throws its error. */
export function requireSuccess(results: readonly WatchResult[]): GrantedResult {
  const [result] = results;
  if (result === undefined || results.length > 1) throw new Error("one result was expected");
  if (!result.ok) throw result.error;
  return result;
}

/** An item that reports neither success nor failure is no success. */
const NO_RESULT = { code: "NO_RESULT", message: "the answer has no result for it", details: {} };

function isSuccessItem(item: unknown): boolean {
  if (typeof item !== "object" || item === null) return false;
  return ("status" in item && item.status === "success") || ("code" in item && item.code === "SUCCESS");
}

function asList(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** Zoho returns the leaves of a condition with `group` and `group_operator` null. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== null)
      .map(([name, each]) => [name, withoutNulls(each)]),
  );
}
