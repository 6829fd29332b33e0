import { usageError } from "../../util/errors.ts";
import type { DataCentre, Environment } from "../data-centres.ts";
import { apiUrl } from "../data-centres.ts";
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

/** https://www.zoho.com/crm/developer/docs/api/v8/notifications/enable.html, and the same page of each version. */
const CRM_LONGEST_MS: ReadonlyMap<string, number> = new Map([
  ...["v2", "v2.1", "v3"].map((version) => [version, DAY_MS] as const),
  ...["v4", "v5", "v6", "v7", "v8"].map((version) => [version, WEEK_MS] as const),
]);

export function crmWatch(version = "v8"): WatchProduct {
  const longestMs = CRM_LONGEST_MS.get(version);
  if (longestMs === undefined) {
    throw usageError(
      `Zoho CRM has no API version ${JSON.stringify(version)}`,
      `use one of ${[...CRM_LONGEST_MS.keys()].join(", ")}`,
    );
  }
  const early = version === "v2" || version === "v2.1";
  return {
    id: "crm",
    title: "Zoho CRM",
    path: `/crm/${version}/actions/watch`,
    apiRoot: `/crm/${version}`,
    // Zoho's pages disagree about v6 (a day or a week), and a lifetime that is too long becomes an hour: a day is safe.
    lifetime: { longestMs, defaultMs: (version === "v6" ? DAY_MS : longestMs) - LIFETIME_MARGIN_MS },
    idAs: "string",
    options: { values: !early, related: true, conditions: ["v6", "v7", "v8"].includes(version) },
    loginScopes: [
      "ZohoCRM.notifications.ALL",
      "ZohoCRM.settings.modules.READ",
      "ZohoCRM.settings.fields.READ",
      "ZohoCRM.modules.READ",
    ],
    recordScope: "ZohoCRM.modules.READ",
    scopeNamedInErrors: (operation) => `ZohoCRM.notifications.${operation} (or ZohoCRM.notifications.ALL)`,
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
  options: { values: false, related: false, conditions: false },
  loginScopes: ["ZohoBigin.notifications.ALL"],
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
  loginScopes: ["READ", "CREATE", "UPDATE", "DELETE"].map((operation) => `ZohoRecruit.notifications.${operation}`),
  recordScope: "ZohoRecruit.modules.READ",
  scopeNamedInErrors: (operation) => `ZohoRecruit.notifications.${operation}`,
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
    throw usageError(`zoho-hooks does not support API version ${version} of ${found.title}`, "leave --api-version out");
  }
  return found;
}

export const MAX_TOKEN_LENGTH = 50;
