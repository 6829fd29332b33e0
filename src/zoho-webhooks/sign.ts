import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import { listedAt, type ManagedProduct, textOf } from "./product-api.ts";

const ROWS_PER_PAGE = 50;

/** Undocumented: these are the calls of n8n's Zoho Sign node. */
export const sign: ManagedProduct = {
  id: "sign",
  title: "Zoho Sign",
  loginScopes: LOGIN_SCOPES.sign,
  scopeFor: () => "ZohoSign.account.ALL (Zoho documents no scope for this call)",
  host: ({ accountsUrl }) => accountsUrl.replace("//accounts.", "//sign."),
  organisation: { place: { in: "form", name: "org_id" } },
  events: {
    noun: "action",
    many: true,
    known: ["Sent", "Viewed", "Sign", "Completed", "Declined", "Recalled", "Forward", "Expired"],
    // The names in deliveries.
    aliases: {
      requestsubmitted: "Sent",
      requestviewed: "Viewed",
      requestsigningsuccess: "Sign",
      requestcompleted: "Completed",
      requestrejected: "Declined",
      requestrecalled: "Recalled",
      requestforwarded: "Forward",
      requestexpired: "Expired",
    },
  },
  secret: { pattern: /^[^\r\n]+$/, rule: "one line" },
  // https://help.zoho.com/portal/en/kb/zoho-sign/admin-guide/webhooks/articles/webhooks-management
  maxWebhooks: 2,
  path: "/api/v1/accounts/webhooks",
  listQuery(page) {
    const range = { row_count: ROWS_PER_PAGE, start_index: (page - 1) * ROWS_PER_PAGE + 1 };
    return `?data=${encodeURIComponent(JSON.stringify({ page_context: range }))}`;
  },
  rows: (body) => listedAt(body, "webhooks"),
  hasMore: (_body, rows) => rows.length === ROWS_PER_PAGE,
  idName: "webhook_id",
  webhook: (row) => ({
    name: textOf(row.purpose),
    url: textOf(row.webhook_url),
    events: (textOf(row.web_actions) ?? "").split(",").flatMap((action) => action.trim() || []),
    enabled: typeof row.webhook_status === "string" ? /^active$/i.test(row.webhook_status) : undefined,
  }),
  body: ({ name, url, events, secret }) => ({
    multipart: {
      webhook_url: url,
      purpose: name,
      webhook_actions: events.join(","),
      environment: "PRODUCTION",
      ...(secret !== undefined && {
        webhook_security_settings: JSON.stringify({
          hmac_security_info: { secret_key: secret },
          webhook_security_type: "HMAC",
        }),
      }),
    },
  }),
  newId: ["webhook", "webhook_id"],
};
