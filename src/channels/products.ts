import { usageError } from "../util/errors.ts";
import type { DataCentre, Environment } from "../zoho-api/data-centres.ts";
import { apiUrl } from "../zoho-api/data-centres.ts";
import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import type { LifetimeLimit } from "./expiry.ts";
import { DAY_MS, LIFETIME_MARGIN_MS, WEEK_MS } from "./expiry.ts";

/** A Zoho product with a notification ("watch") API. The three APIs differ only in this. */
export interface WatchProduct {
  readonly id: string;
  readonly title: string;
  readonly path: string;
  readonly lifetime: LifetimeLimit;
  /** The type of `channel_id` in requests. Answers may hold either. */
  readonly idAs: "string" | "number";
  /** The documented optional fields of a request. */
  readonly options: {
    readonly values: boolean;
    readonly related: boolean;
    readonly conditions: boolean;
  };
  /** For looking up field and module ids, and reading records. */
  readonly apiRoot: string;
  readonly loginScopes: readonly string[];
  readonly recordScope: string;
  scopeNamedInErrors(operation: WatchOperation): string;
  /** The host of the API, unless Zoho's token reply or the user names another. */
  host(centre: DataCentre, environment: Environment): string;
}

export type WatchOperation = "READ" | "CREATE" | "UPDATE" | "DELETE";

/** https://www.zoho.com/crm/developer/docs/api/v8/notifications/enable.html */
export const crmWatch: WatchProduct = {
  id: "crm",
  title: "Zoho CRM",
  path: "/crm/v8/actions/watch",
  apiRoot: "/crm/v8",
  lifetime: { longestMs: WEEK_MS, defaultMs: WEEK_MS - LIFETIME_MARGIN_MS },
  idAs: "string",
  options: { values: true, related: true, conditions: true },
  loginScopes: LOGIN_SCOPES.crm,
  recordScope: "ZohoCRM.modules.READ",
  scopeNamedInErrors: (operation) => `ZohoCRM.notifications.${operation} (or ZohoCRM.notifications.ALL)`,
  host: apiUrl,
};

/** https://www.bigin.com/developer/docs/apis/v2/notifications/enable.html */
const biginWatch: WatchProduct = {
  id: "bigin",
  title: "Zoho Bigin",
  path: "/bigin/v2/actions/watch",
  apiRoot: "/bigin/v2",
  lifetime: { longestMs: DAY_MS, defaultMs: DAY_MS - LIFETIME_MARGIN_MS },
  idAs: "string",
  options: { values: false, related: false, conditions: false },
  loginScopes: LOGIN_SCOPES.bigin,
  recordScope: "ZohoBigin.modules.READ",
  scopeNamedInErrors: (operation) => `ZohoBigin.notifications.${operation} (or ZohoBigin.notifications.ALL)`,
  host: apiUrl,
};

/** Recruit documents no longest lifetime, so the default is the shortest of the three. */
const recruitWatch: WatchProduct = {
  id: "recruit",
  title: "Zoho Recruit",
  path: "/recruit/v2/actions/watch",
  apiRoot: "/recruit/v2",
  lifetime: { longestMs: undefined, defaultMs: DAY_MS - LIFETIME_MARGIN_MS },
  idAs: "number",
  options: { values: false, related: false, conditions: false },
  loginScopes: LOGIN_SCOPES.recruit,
  recordScope: "ZohoRecruit.modules.READ",
  scopeNamedInErrors: (operation) => `ZohoRecruit.notifications.${operation}`,
  host: (centre) => centre.accountsUrl.replace("//accounts.", "//recruit."),
};

const watchProducts: readonly WatchProduct[] = [crmWatch, biginWatch, recruitWatch];

export const watchProductIds: readonly string[] = watchProducts.map(({ id }) => id);

export function findWatchProduct(id: string): WatchProduct {
  const found = watchProducts.find((each) => each.id === id.toLowerCase());
  if (found !== undefined) return found;
  throw usageError(
    `${JSON.stringify(id)} has no notification channels`,
    `products with channels: ${watchProductIds.join(", ")}`,
  );
}

export const MAX_TOKEN_LENGTH = 50;
