import { usageError } from "../util/errors.ts";
import { apiUrl } from "../zoho-api/data-centres.ts";
import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import { DAY_MS, LIFETIME_MARGIN_MS, type LifetimeLimit, WEEK_MS } from "./expiry.ts";

/** A Zoho product with a notification ("watch") API. The three APIs differ only in this. */
export type WatchProduct = ReturnType<typeof watchProduct>;

type WatchOperation = "READ" | "CREATE" | "UPDATE" | "DELETE";

interface ProductFacts {
  readonly id: "crm" | "bigin" | "recruit";
  readonly title: string;
  /** Prefix of the names of its scopes. */
  readonly scopePrefix: string;
  /** For looking up field and module ids, and reading records. */
  readonly apiRoot: string;
  /** The longest lifetime of a channel. */
  readonly longestMs?: number;
  /** The type of `channel_id` in requests. Answers may hold either. */
  readonly idAs?: "number";
  /** Whether a request may ask for values and related records, and have conditions. */
  readonly hasOptions?: boolean;
  /** Parameters of a list of records that leave none out. */
  readonly listQuery?: Readonly<Record<string, string>>;
  /** Whether lists of records and of deleted records can be limited to those changed since a time. */
  readonly listsChanges?: boolean;
  /** API credits that reading records costs. */
  readonly readCredits?: number;
  /** The host of the API, unless Zoho's token reply or the user names another. */
  readonly host?: typeof apiUrl;
}

function watchProduct({
  longestMs,
  hasOptions = false,
  listQuery = {},
  listsChanges = false,
  readCredits = 1,
  host = apiUrl,
  ...facts
}: ProductFacts) {
  const { id, apiRoot, scopePrefix } = facts;
  const loginScopes: readonly string[] = LOGIN_SCOPES[id];
  const scope = `${scopePrefix}.notifications`;
  const orAll = loginScopes.includes(`${scope}.ALL`) ? ` (or ${scope}.ALL)` : "";
  const lifetime: LifetimeLimit = { longestMs, defaultMs: (longestMs ?? DAY_MS) - LIFETIME_MARGIN_MS };
  return {
    ...facts,
    hasOptions,
    listQuery,
    listsChanges,
    readCredits,
    host,
    lifetime,
    loginScopes,
    path: `${apiRoot}/actions/watch`,
    recordScope: `${scopePrefix}.modules.READ`,
    scopeFor: (operation: WatchOperation) => `${scope}.${operation}${orAll}`,
  };
}

/** https://www.zoho.com/crm/developer/docs/api/v8/notifications/enable.html */
export const crmWatch = watchProduct({
  id: "crm",
  title: "Zoho CRM",
  scopePrefix: "ZohoCRM",
  apiRoot: "/crm/v8",
  longestMs: WEEK_MS,
  hasOptions: true,
  // Without it a lead is gone from the list when it is converted.
  // https://www.zoho.com/crm/developer/docs/api/v8/get-records.html
  listQuery: { converted: "both" },
  listsChanges: true,
});

const watchProducts: readonly WatchProduct[] = [
  crmWatch,
  // https://www.bigin.com/developer/docs/apis/v2/notifications/enable.html
  watchProduct({
    id: "bigin",
    title: "Zoho Bigin",
    scopePrefix: "ZohoBigin",
    apiRoot: "/bigin/v2",
    longestMs: DAY_MS,
    listsChanges: true,
  }),
  // Recruit documents no longest lifetime, so the default is the shortest of the three.
  watchProduct({
    id: "recruit",
    title: "Zoho Recruit",
    scopePrefix: "ZohoRecruit",
    apiRoot: "/recruit/v2",
    idAs: "number",
    // By its page of API limits.
    readCredits: 3,
    host: (centre) => centre.accountsUrl.replace("//accounts.", "//recruit."),
  }),
];

export const watchProductIds: readonly string[] = watchProducts.map(({ id }) => id);

export function isWatchProduct(id: string): boolean {
  return watchProductIds.includes(id);
}

export function findWatchProduct(id: string): WatchProduct {
  const found = watchProducts.find((each) => each.id === id.toLowerCase());
  if (found !== undefined) return found;
  throw usageError(
    `${JSON.stringify(id)} has no notification channels`,
    `products with channels: ${watchProductIds.join(", ")}`,
  );
}

export const MAX_TOKEN_LENGTH = 50;
