import { z } from "zod";
import { UserError, usageError } from "../util/errors.ts";
import type { ApiReply, ApiRequest, ZohoApi } from "../zoho-api/api.ts";
import { deleteAndConfirm, readAllPages, requestedDeletions } from "../zoho-api/collection.ts";
import { readFault, replyError, ZohoApiError } from "../zoho-api/errors.ts";
import { parseZohoTime } from "../zoho-api/time.ts";
import { CHANNEL_ID, type Channel, type ChannelConfig, mergeRows, watchItem } from "./channel.ts";
import { isPast, soonest } from "./expiry.ts";
import type { WatchProduct } from "./watch-products.ts";

/** A channel to write, and when it expires. */
export interface ChannelRequest {
  readonly config: ChannelConfig;
  readonly expiresAt: Date;
}

/** The notification API of one product for one organisation. It shows only the signed-in user's channels. */
export type WatchClient = ReturnType<typeof watchClient>;

interface ReadOptions {
  /** Limits the list to one channel, but Zoho may show others nevertheless. */
  readonly channel_id?: string;
  /** A long run repeats it. */
  readonly isPoll?: boolean;
}

interface ChannelList {
  readonly listed: readonly Channel[];
  /** Channels that Zoho shows although they have expired, so that they post no more. */
  readonly expired: readonly Channel[];
}

/** Zoho documents up to 100 per request; this is below every limit ever named. */
export const ITEMS_PER_CALL = 50;
const ROWS_PER_PAGE = 200;

export function watchClient(api: ZohoApi, product: WatchProduct, signal?: AbortSignal) {
  const call = (request: ApiRequest): Promise<ApiReply> => api.call({ ...request, signal });
  const read = async ({ isPoll, ...filter }: ReadOptions = {}): Promise<ChannelList> => {
    const rows = await readAllPages("channels", async (page) => {
      const query = new URLSearchParams({ page: String(page), per_page: String(ROWS_PER_PAGE), ...filter });
      const request = watchRequest(product, "GET", "list channels", { query: query.toString() });
      return readPage(await call({ ...request, isPoll }));
    });
    const channels = mergeRows(rows);
    const isExpired = ({ expiresAt }: Channel): boolean => expiresAt !== undefined && isPast(expiresAt, api.now());
    return { listed: channels.filter((each) => !isExpired(each)), expired: channels.filter(isExpired) };
  };
  const list = async (options?: ReadOptions): Promise<readonly Channel[]> => (await read(options)).listed;
  const write = async (
    method: "POST" | "PUT",
    requests: readonly ChannelRequest[],
  ): Promise<readonly (Grant | UserError)[]> => {
    const results: (Grant | UserError)[] = [];
    for (let at = 0; at < requests.length; at += ITEMS_PER_CALL) {
      const batch = requests.slice(at, at + ITEMS_PER_CALL);
      const actions = batch.map(({ config }) => writeAction(method, [config.id]));
      const found = readResults(await call(writeRequest(product, method, batch)), actions);
      results.push(...batch.map((request, i) => resultFor(request.config.id, found, i)));
    }
    return results;
  };

  return {
    product,
    read,
    list: () => list(),
    get: async (id: string): Promise<Channel | undefined> =>
      (await list({ channel_id: id })).find((channel) => channel.id === id),
    /** One result for each request, in order. */
    create: (requests: readonly ChannelRequest[]) => write("POST", requests),
    /** Writes channels as a whole: Zoho drops what a request leaves out. */
    replace: (requests: readonly ChannelRequest[]) => write("PUT", requests),
    remove: (ids: readonly string[], requested = requestedDeletions()) =>
      deleteAndConfirm(ids, requested, {
        batchSize: ITEMS_PER_CALL,
        async send(batch, onSend) {
          onSend();
          const results = readResults(await call(removeRequest(product, batch)));
          return results.flatMap(({ id = batch.length === 1 ? batch[0] : undefined, result }) =>
            id === undefined ? [] : [{ id, error: result instanceof UserError ? result : undefined }],
          );
        },
        listIds: async () => (await list()).map(({ id }) => id),
      }),
  };
}

/** Repeatable, because the id is part of the request: a second one writes the same channel again. */
export function writeRequest(
  product: WatchProduct,
  method: "POST" | "PUT",
  requests: readonly ChannelRequest[],
): ApiRequest {
  const watch = requests.map(({ config, expiresAt }) => watchItem(config, expiresAt, product));
  const ids = requests.map(({ config }) => config.id);
  return watchRequest(product, method, writeAction(method, ids), { json: JSON.stringify({ watch }) });
}

function writeAction(method: "POST" | "PUT", ids: readonly string[]): string {
  const verb = method === "POST" ? "create" : "update";
  return ids.length === 1 ? `${verb} channel ${ids[0]}` : `${verb} ${ids.length} channels`;
}

export function removeRequest(product: WatchProduct, ids: readonly string[]): ApiRequest {
  const query = `channel_ids=${ids.map(encodeURIComponent).join(",")}`;
  return watchRequest(product, "DELETE", `delete channel ${ids.join(", ")}`, { query });
}

const OPERATIONS = { GET: "READ", POST: "CREATE", PUT: "UPDATE", DELETE: "DELETE" } as const;

function watchRequest(
  product: WatchProduct,
  method: keyof typeof OPERATIONS,
  action: string,
  { query, json }: { readonly query?: string; readonly json?: string },
): ApiRequest {
  const path = query === undefined ? product.path : `${product.path}?${query}`;
  return { method, path, repeatable: true, action, scope: product.scopeFor(OPERATIONS[method]), json };
}

/** A failure often does not name its channel: then the position in the answer decides. */
function resultFor(id: string, results: readonly ItemResult[], position: number): Grant | UserError {
  const atPosition = results[position];
  const found = results.find((each) => each.id === id) ?? (atPosition?.id === undefined ? atPosition : undefined);
  if (found !== undefined) return found.result;
  const message = `Zoho's answer has no result for channel ${id}`;
  return new UserError("zohoApi", message, "see what exists: zoho-hooks channels list", "no_result");
}

/** Zoho sends ids as numbers or strings, of up to 19 digits. */
export const idSchema = z.union([z.string(), z.number(), z.bigint()]).transform(String);

/** The id of a channel, as a user gives it. */
export function readChannelId(text: string): string {
  if (CHANNEL_ID.test(text)) return text;
  throw usageError(`${JSON.stringify(text)} is not a channel id`, "see the ids with zoho-hooks channels list");
}

const channelIdSchema = idSchema.refine((id) => CHANNEL_ID.test(id));

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
  // Missing in Bigin and Recruit.
  notification_condition: z.unknown().optional(),
});
const listSchema = z.looseObject({
  watch: z.array(z.looseObject({ channel_id: channelIdSchema })),
  info: z.looseObject({ more_records: z.boolean().nullish() }).nullish(),
});

/** A page of the list, with a row for each module that a channel watches. Without any Zoho answers 204 without a body. */
function readPage(reply: ApiReply): { readonly items: readonly Channel[]; readonly more: boolean } {
  if (reply.status === 204) return { items: [], more: false };
  const parsed = listSchema.safeParse(reply.body);
  if (reply.status === 400 || !parsed.success) throw replyError(reply, reply.call);
  const items = parsed.data.watch.map((each): Channel => {
    const { data } = rowSchema.safeParse(each);
    const row = data ?? rowSchema.parse({ channel_id: each.channel_id });
    return {
      id: row.channel_id,
      modules: [row.resource_name],
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

function asList(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** Zoho returns the leaves of a condition with `group` and `group_operator` null, and does not take them back. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== null)
      .map(([name, each]) => [name, withoutNulls(each)]),
  );
}

/** Zoho's answer for a channel that it has written. */
export interface Grant {
  /** The soonest over its modules; undefined if that of one is missing. */
  readonly expiresAt: Date | undefined;
  readonly modules: readonly string[];
}

/** An item of an answer, whose HTTP status says nothing about it. `id`: undefined if it does not name its channel. */
interface ItemResult {
  readonly id: string | undefined;
  readonly result: Grant | UserError;
}

const eventSchema = z.looseObject({
  channel_id: channelIdSchema.nullish(),
  channel_expiry: expirySchema,
  resource_name: z.string().nullish(),
});
const successSchema = z.looseObject({
  details: z.looseObject({ events: z.array(eventSchema).nullish(), channel_id: channelIdSchema.nullish() }).nullish(),
});

/** In the order of the answer. Throws if the whole request failed. `actions`: what each item was to do, for its error. */
function readResults(reply: ApiReply, actions: readonly string[] = []): readonly ItemResult[] {
  const parsed = z.looseObject({ watch: z.array(z.unknown()) }).safeParse(reply.body);
  if (!parsed.success) throw replyError(reply, reply.call);
  return parsed.data.watch.map((item, i) => {
    const details = successSchema.safeParse(item).data?.details;
    const events = details?.events ?? [];
    const id = events[0]?.channel_id ?? details?.channel_id ?? undefined;
    const fault = readFault(item) ?? (isSuccessItem(item) ? undefined : NO_RESULT);
    const call = { ...reply.call, action: actions[i] ?? reply.call.action };
    if (fault !== undefined) return { id, result: new ZohoApiError(fault, reply.status, call) };
    const expiresAt = soonest(events.map((event) => parseZohoTime(event.channel_expiry)));
    return { id, result: { expiresAt, modules: events.flatMap((event) => event.resource_name ?? []) } };
  });
}

/** An item that reports neither success nor failure is no success. */
const NO_RESULT = { code: "NO_RESULT", message: "the answer has no result for it", details: {} };

function isSuccessItem(item: unknown): boolean {
  if (typeof item !== "object" || item === null) return false;
  return ("status" in item && item.status === "success") || ("code" in item && item.code === "SUCCESS");
}

/** The only result or outcome; throws it if it is an error. */
export function requireSuccess<T>([only]: readonly (T | UserError)[]): T {
  if (only === undefined) throw new Error("one result was expected");
  if (only instanceof UserError) throw only;
  return only;
}
