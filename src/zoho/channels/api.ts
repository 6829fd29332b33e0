import { UserError } from "../../util/errors.ts";
import type { ApiRequest, ZohoApi } from "../api.ts";
import type { RequestedDeletions } from "../collection.ts";
import { requestedDeletions } from "../collection.ts";
import { isRefusal } from "../errors.ts";
import { type Channel, type ChannelConfig, groupRows, watchItem } from "./channel.ts";
import type { WatchOperation, WatchProduct } from "./products.ts";
import { readPage, readResults, type WatchResult, type WatchRow } from "./replies.ts";

/** A channel as it shall be, and until when. */
export interface ChannelRequest {
  readonly config: ChannelConfig;
  readonly expiresAt: Date;
}

/** What a deletion came to, by reading the list again afterwards. */
interface Deletion {
  readonly deleted: readonly string[];
  /** Not there any more, and not by this call. */
  readonly unknown: readonly string[];
  readonly remaining: readonly { readonly id: string; readonly because: string }[];
}

/** The notification API of one product for one organisation. It shows the channels of the signed-in user only. */
export interface WatchClient {
  readonly product: WatchProduct;
  list(filter?: { readonly channelId?: string; readonly module?: string }): Promise<readonly Channel[]>;
  get(id: string): Promise<Channel | undefined>;
  /** Results are in the order of the requests, one each. */
  create(requests: readonly ChannelRequest[]): Promise<readonly WatchResult[]>;
  /** Sets all of a channel: what the request does not name is dropped. */
  replace(requests: readonly ChannelRequest[]): Promise<readonly WatchResult[]>;
  /** Stops single events of a channel, where the product documents that. */
  disable(channel: Channel, events: readonly string[]): Promise<WatchResult>;
  /** Where a request fails when others have gone before, or its answer does not come, the list tells what is left. */
  remove(ids: readonly string[], asked?: RequestedDeletions): Promise<Deletion>;
}

/** A list that never ends is a fault of Zoho's, not a reason to ask for ever. */
const MOST_PAGES = 500;

export function watchClient(api: ZohoApi, product: WatchProduct, signal?: AbortSignal): WatchClient {
  const list: WatchClient["list"] = async (filter = {}) => {
    const rows: WatchRow[] = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const reply = readPage(await api.call({ ...listRequest(product, page, filter), signal }));
      rows.push(...reply.rows);
      if (!reply.more) return groupRows(rows);
    }
    throw new UserError("zohoApi", `Zoho's list of channels does not end after ${MOST_PAGES} pages`, "try again later");
  };

  const write = async (
    method: "POST" | "PUT",
    requests: readonly ChannelRequest[],
  ): Promise<readonly WatchResult[]> => {
    const results: WatchResult[] = [];
    for (let at = 0; at < requests.length; at += ITEMS_PER_CALL) {
      const some = requests.slice(at, at + ITEMS_PER_CALL);
      const got = readResults(await api.call({ ...writeRequest(product, method, some), signal }));
      results.push(...some.map((request, i) => resultFor(request.config.id, got, i)));
    }
    return results;
  };

  return {
    product,
    list,
    get: async (id) => (await list({ channelId: id })).find((channel) => channel.id === id),
    create: (requests) => write("POST", requests),
    replace: (requests) => write("PUT", requests),
    async disable(channel, events) {
      const got = readResults(await api.call({ ...disableRequest(product, channel, events), signal }));
      return resultFor(channel.id, got, 0);
    },
    async remove(ids, { confirmed, unanswered } = requestedDeletions()) {
      const because = new Map<string, string>();
      let failure: UserError | undefined;
      for (let at = 0; at < ids.length && failure === undefined; at += ITEMS_PER_CALL) {
        const some = ids.slice(at, at + ITEMS_PER_CALL);
        for (const id of some) unanswered.add(id);
        try {
          for (const result of readResults(await api.call({ ...removeRequest(product, some), signal }))) {
            const id = result.channelId ?? (some.length === 1 ? some[0] : undefined);
            if (id === undefined) continue;
            if (result.ok) confirmed.add(id);
            else because.set(id, result.error.message);
          }
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          failure = error;
        }
        if (failure === undefined || isRefusal(failure)) for (const id of some) unanswered.delete(id);
        if (failure !== undefined && confirmed.size + unanswered.size === 0) throw failure;
      }
      const listed = await list().catch((error: unknown) => {
        throw error instanceof UserError ? (failure ?? error) : error;
      });
      const left = new Set(listed.map((channel) => channel.id));
      const gone = ids.filter((id) => !left.has(id));
      const isDeleted = (id: string): boolean => confirmed.has(id) || unanswered.has(id);
      return {
        deleted: gone.filter(isDeleted),
        unknown: gone.filter((id) => !isDeleted(id)),
        remaining: ids
          .filter((id) => left.has(id))
          .map((id) => ({ id, because: because.get(id) ?? failure?.message ?? "Zoho still lists it" })),
      };
    },
  };
}

function listRequest(
  product: WatchProduct,
  page: number,
  filter: { readonly channelId?: string; readonly module?: string },
): ApiRequest {
  const query = new URLSearchParams({ page: String(page), per_page: String(ROWS_PER_PAGE) });
  if (filter.channelId !== undefined) query.set("channel_id", filter.channelId);
  if (filter.module !== undefined) query.set("module", filter.module);
  return call(product, "GET", "READ", "list channels", { query });
}

/** Repeatable: the caller chooses the channel id, so a second time sets the same channel once more. */
export function writeRequest(
  product: WatchProduct,
  method: "POST" | "PUT",
  requests: readonly ChannelRequest[],
): ApiRequest {
  const watch = requests.map(({ config, expiresAt }) => watchItem(config, expiresAt, product));
  const ids = requests.map((each) => each.config.id).join(", ");
  return method === "POST"
    ? call(product, method, "CREATE", `create channel ${ids}`, { watch })
    : call(product, method, "UPDATE", `update channel ${ids}`, { watch });
}

/** With the token, because a PATCH without one was seen to clear it. */
export function disableRequest(product: WatchProduct, channel: Channel, events: readonly string[]): ApiRequest {
  const token = channel.token === undefined ? {} : { token: channel.token };
  const watch = [{ channel_id: channel.id, events, ...token, _delete_events: true }];
  return call(product, "PATCH", "UPDATE", `disable events of channel ${channel.id}`, { watch });
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
    scope: product.scopeFor(operation),
    ...(parts.watch === undefined ? {} : { json: JSON.stringify({ watch: parts.watch }) }),
  };
}

/** The answer names the channel of a success, and often not that of a failure: then its place in the answer counts. */
function resultFor(id: string, results: readonly WatchResult[], place: number): WatchResult {
  const atPlace = results[place];
  const result =
    results.find((each) => each.channelId === id) ?? (atPlace?.channelId === undefined ? atPlace : undefined);
  if (result !== undefined) return { ...result, channelId: id };
  throw new UserError(
    "zohoApi",
    `Zoho's answer does not say what became of channel ${id}`,
    "see what is there with channels list",
    "no_result",
  );
}

/** A request may hold more (100 are documented); this many keeps clear of every limit that was ever named. */
const ITEMS_PER_CALL = 50;
const ROWS_PER_PAGE = 200;
