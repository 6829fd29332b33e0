import { UserError } from "../util/errors.ts";
import type { ApiRequest, ZohoApi } from "../zoho-api/api.ts";
import { deleteAndConfirm, readAllPages, requestedDeletions } from "../zoho-api/collection.ts";
import { type Channel, type ChannelConfig, groupRows, watchItem } from "./channel.ts";
import type { WatchOperation, WatchProduct } from "./products.ts";
import { readPage, readResults, type WatchResult } from "./replies.ts";

/** A channel to write, and when it expires. */
export interface ChannelRequest {
  readonly config: ChannelConfig;
  readonly expiresAt: Date;
}

/** The notification API of one product for one organisation. It shows only the signed-in user's channels. */
export type WatchClient = ReturnType<typeof watchClient>;

interface ListFilter {
  readonly channelId?: string;
  readonly module?: string;
}

/** Zoho documents up to 100 per request; this is below every limit ever named. */
export const ITEMS_PER_CALL = 50;
const ROWS_PER_PAGE = 200;

export function watchClient(api: ZohoApi, product: WatchProduct, signal?: AbortSignal) {
  const send = async (request: ApiRequest): Promise<readonly WatchResult[]> =>
    readResults(await api.call({ ...request, signal }));
  const list = async (filter: ListFilter = {}): Promise<readonly Channel[]> =>
    groupRows(
      await readAllPages("channels", async (page) =>
        readPage(await api.call({ ...listRequest(product, page, filter), signal })),
      ),
    );
  const write = async (
    method: "POST" | "PUT",
    requests: readonly ChannelRequest[],
  ): Promise<readonly WatchResult[]> => {
    const results: WatchResult[] = [];
    for (let at = 0; at < requests.length; at += ITEMS_PER_CALL) {
      const batch = requests.slice(at, at + ITEMS_PER_CALL);
      const actions = batch.map(({ config }) => writeAction(method, [config.id]));
      const found = readResults(await api.call({ ...writeRequest(product, method, batch), signal }), actions);
      results.push(...batch.map((request, i) => resultFor(request.config.id, found, i)));
    }
    return results;
  };

  return {
    product,
    list,
    get: async (id: string): Promise<Channel | undefined> =>
      (await list({ channelId: id })).find((channel) => channel.id === id),
    /** One result for each request, in order. */
    create: (requests: readonly ChannelRequest[]) => write("POST", requests),
    /** Writes channels as a whole: Zoho drops what a request leaves out. */
    replace: (requests: readonly ChannelRequest[]) => write("PUT", requests),
    remove: (ids: readonly string[], requested = requestedDeletions()) =>
      deleteAndConfirm(ids, requested, {
        batchSize: ITEMS_PER_CALL,
        async send(batch, onSend) {
          onSend();
          const results = await send(removeRequest(product, batch));
          return results.flatMap((result) => {
            const id = result.channelId ?? (batch.length === 1 ? batch[0] : undefined);
            return id === undefined ? [] : [{ id, error: result.ok ? undefined : result.error }];
          });
        },
        listIds: async () => (await list()).map(({ id }) => id),
      }),
  };
}

function listRequest(product: WatchProduct, page: number, filter: ListFilter): ApiRequest {
  const query = new URLSearchParams({ page: String(page), per_page: String(ROWS_PER_PAGE) });
  if (filter.channelId !== undefined) query.set("channel_id", filter.channelId);
  if (filter.module !== undefined) query.set("module", filter.module);
  return call(product, "GET", "READ", "list channels", { query });
}

/** Repeatable, because the id is part of the request: a second one writes the same channel again. */
export function writeRequest(
  product: WatchProduct,
  method: "POST" | "PUT",
  requests: readonly ChannelRequest[],
): ApiRequest {
  const watch = requests.map(({ config, expiresAt }) => watchItem(config, expiresAt, product));
  const action = writeAction(
    method,
    requests.map(({ config }) => config.id),
  );
  return call(product, method, method === "POST" ? "CREATE" : "UPDATE", action, { watch });
}

function writeAction(method: "POST" | "PUT", ids: readonly string[]): string {
  const verb = method === "POST" ? "create" : "update";
  return ids.length === 1 ? `${verb} channel ${ids[0]}` : `${verb} ${ids.length} channels`;
}

export function removeRequest(product: WatchProduct, ids: readonly string[]): ApiRequest {
  return call(product, "DELETE", "DELETE", `delete channel ${ids.join(", ")}`, {
    search: `channel_ids=${ids.map(encodeURIComponent).join(",")}`,
  });
}

function call(
  product: WatchProduct,
  method: ApiRequest["method"],
  operation: WatchOperation,
  action: string,
  parts: { query?: URLSearchParams; search?: string; watch?: readonly unknown[] },
): ApiRequest {
  const search = parts.search ?? parts.query?.toString();
  return {
    method,
    path: `${product.path}${search === undefined ? "" : `?${search}`}`,
    repeatable: true,
    action,
    scope: product.scopeNamedInErrors(operation),
    ...(parts.watch === undefined ? {} : { json: JSON.stringify({ watch: parts.watch }) }),
  };
}

/** A failure often does not name its channel: then the position in the answer decides. */
function resultFor(id: string, results: readonly WatchResult[], position: number): WatchResult {
  const atPosition = results[position];
  const result =
    results.find((each) => each.channelId === id) ?? (atPosition?.channelId === undefined ? atPosition : undefined);
  if (result !== undefined) return { ...result, channelId: id };
  const error = new UserError(
    "zohoApi",
    `Zoho's answer has no result for channel ${id}`,
    "see what exists: zoho-hooks channels list",
    "no_result",
  );
  return { ok: false, channelId: id, error };
}
