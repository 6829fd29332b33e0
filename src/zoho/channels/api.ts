import { UserError, usageError } from "../../util/errors.ts";
import type { ApiRequest, ZohoApi } from "../api.ts";
import { apiUrl, type DataCentre, type Environment } from "../data-centres.ts";
import { isRefusal } from "../errors.ts";
import { type RequestedDeletions, requestedDeletions } from "../webhooks/managed-product.ts";
import {
  type Channel,
  type ChannelConfig,
  DAY_MS,
  groupRows,
  LIFETIME_MARGIN_MS,
  type LifetimeLimit,
  WEEK_MS,
  watchItem,
} from "./channel.ts";
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

/** One Zoho product with a notification ("watch") API. The three are twins that differ in what stands here. */
export interface WatchProduct {
  readonly id: string;
  readonly title: string;
  readonly path: string;
  readonly lifetime: LifetimeLimit;
  /** How `channel_id` stands in a request. Answers may hold either, and are read as strings of digits. */
  readonly idAs: "string" | "number";
  /** Whether the specific-information PATCH is documented. Without it events are taken away by a full PUT. */
  readonly patch: boolean;
  /** Which of the optional members of a request are documented. */
  readonly options: {
    readonly values: boolean;
    readonly related: boolean;
    readonly conditions: boolean;
  };
  /** Where field and module ids are looked up, and records fetched; undefined where that is not known. */
  readonly apiRoot: string;
  readonly scopes: readonly string[];
  readonly recordScope: string;
  /** The scope for one kind of call, as it stands in an error message. */
  scopeFor(operation: WatchOperation): string;
  /** The host of the API, where Zoho's token reply or the user names `baseUrl`. */
  host(centre: DataCentre, environment: Environment): string;
}

type WatchOperation = "READ" | "CREATE" | "UPDATE" | "DELETE";

/** A request may hold more (100 are documented); this many keeps clear of every limit that was ever named. */
const ITEMS_PER_CALL = 50;
const ROWS_PER_PAGE = 200;
export const MAX_TOKEN_LENGTH = 50;

/** https://www.zoho.com/crm/developer/docs/api/v8/notifications/enable.html, and the same page of each version. */
const CRM_LONGEST_MS: Readonly<Record<string, number>> = {
  v2: DAY_MS,
  "v2.1": DAY_MS,
  v3: DAY_MS,
  v4: WEEK_MS,
  v5: WEEK_MS,
  v6: WEEK_MS,
  v7: WEEK_MS,
  v8: WEEK_MS,
};

const crmVersions: readonly string[] = Object.keys(CRM_LONGEST_MS);

export function crmWatch(version = "v8"): WatchProduct {
  const longestMs = Object.hasOwn(CRM_LONGEST_MS, version) ? CRM_LONGEST_MS[version] : undefined;
  if (longestMs === undefined) {
    throw usageError(`Zoho CRM has no API version ${JSON.stringify(version)}`, `use one of ${crmVersions.join(", ")}`);
  }
  const early = version === "v2" || version === "v2.1";
  return {
    id: "crm",
    title: "Zoho CRM",
    path: `/crm/${version}/actions/watch`,
    apiRoot: `/crm/${version}`,
    // Zoho's pages disagree about v6 (a day, a week), and cut what is too much to an hour: a week has to be asked for.
    lifetime: { longestMs, defaultMs: (version === "v6" ? DAY_MS : longestMs) - LIFETIME_MARGIN_MS },
    idAs: "string",
    patch: true,
    options: { values: !early, related: true, conditions: ["v6", "v7", "v8"].includes(version) },
    scopes: [
      "ZohoCRM.notifications.ALL",
      "ZohoCRM.settings.modules.READ",
      "ZohoCRM.settings.fields.READ",
      "ZohoCRM.modules.READ",
    ],
    recordScope: "ZohoCRM.modules.READ",
    scopeFor: (operation) => `ZohoCRM.notifications.${operation} (or ZohoCRM.notifications.ALL)`,
    host: apiUrl,
  };
}

/** https://www.bigin.com/developer/docs/apis/v2/notifications/enable.html */
const biginWatch: WatchProduct = {
  id: "bigin",
  title: "Zoho Bigin",
  path: "/bigin/v2/actions/watch",
  apiRoot: "/bigin/v2",
  lifetime: { longestMs: DAY_MS, defaultMs: DAY_MS - LIFETIME_MARGIN_MS },
  idAs: "string",
  patch: false,
  options: { values: false, related: false, conditions: false },
  scopes: ["ZohoBigin.notifications.ALL"],
  recordScope: "ZohoBigin.modules.READ",
  scopeFor: (operation) => `ZohoBigin.notifications.${operation} (or ZohoBigin.notifications.ALL)`,
  host: apiUrl,
};

/** Recruit answers on its own host, and documents no longest lifetime: its default here is that of its strictest twin. */
const recruitWatch: WatchProduct = {
  id: "recruit",
  title: "Zoho Recruit",
  path: "/recruit/v2/actions/watch",
  apiRoot: "/recruit/v2",
  lifetime: { longestMs: undefined, defaultMs: DAY_MS - LIFETIME_MARGIN_MS },
  idAs: "number",
  patch: false,
  options: { values: false, related: false, conditions: false },
  scopes: ["READ", "CREATE", "UPDATE", "DELETE"].map((operation) => `ZohoRecruit.notifications.${operation}`),
  recordScope: "ZohoRecruit.modules.READ",
  scopeFor: (operation) => `ZohoRecruit.notifications.${operation}`,
  host: (centre) => centre.accountsUrl.replace("//accounts.", "//recruit."),
};

export const watchProductIds: readonly string[] = ["crm", "bigin", "recruit"];

export function findWatchProduct(id: string, version?: string): WatchProduct {
  const product = id.toLowerCase();
  if (product === "crm") return crmWatch(version);
  const found = [biginWatch, recruitWatch].find((each) => each.id === product);
  if (found === undefined) {
    throw usageError(
      `${JSON.stringify(id)} has no notification channels`,
      `products with channels: ${watchProductIds.join(", ")}`,
    );
  }
  if (version !== undefined && !found.path.includes(`/${version}/`)) {
    throw usageError(`${found.title} has one API version here, and it is not ${version}`, "leave --api-version out");
  }
  return found;
}
