import { valueAt } from "../delivery/payload.ts";
import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import { idText, listedAt, type ManagedProduct, removeAt, textOf, type Webhook } from "./managed-product.ts";

const PATH = "/api/v1/accounts/webhooks";
const ROWS_PER_PAGE = 50;

/** Undocumented: these are the calls of n8n's Zoho Sign node. */
export const sign: ManagedProduct = {
  id: "sign",
  title: "Zoho Sign",
  settings: "Settings > Developer Settings > Webhooks",
  loginScopes: LOGIN_SCOPES.sign,
  scopeNamedInErrors: () => "ZohoSign.account.ALL (Zoho documents no scope for this call)",
  host: ({ accountsUrl }) => accountsUrl.replace("//accounts.", "//sign."),
  organisation: { place: { field: "org_id" }, discover: undefined },
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
  filters: [],
  rejection: ({ description }) =>
    description === undefined ? undefined : "--description: Zoho Sign has no such field",
  secret: { pattern: /^[^\r\n]+$/, rule: "one line" },
  list: {
    call: (page) => {
      const context = { page_context: { row_count: ROWS_PER_PAGE, start_index: (page - 1) * ROWS_PER_PAGE + 1 } };
      return {
        method: "GET",
        path: `${PATH}?data=${encodeURIComponent(JSON.stringify(context))}`,
        repeatable: true,
        action: "list webhooks",
        operation: "READ",
      };
    },
    read: (body) => {
      const items = listedAt(body, "webhooks");
      return items && { items: items.flatMap(webhookOf), more: items.length === ROWS_PER_PAGE };
    },
  },
  create: {
    call: ({ name, url, events, secret }) => ({
      method: "POST",
      path: PATH,
      repeatable: false,
      action: "create the webhook",
      operation: "CREATE",
      multipart: {
        webhook_url: url,
        purpose: name,
        webhook_actions: events.join(","),
        environment: "PRODUCTION",
        ...(secret === undefined
          ? {}
          : {
              webhook_security_settings: JSON.stringify({
                hmac_security_info: { secret_key: secret },
                webhook_security_type: "HMAC",
              }),
            }),
      },
    }),
    read: (body) => idText(valueAt(body, ["webhook", "webhook_id"])),
  },
  remove: removeAt(PATH),
};

function webhookOf(each: Readonly<Record<string, unknown>>): readonly Webhook[] {
  const id = idText(each.webhook_id);
  if (id === undefined) return [];
  const status = textOf(each.webhook_status);
  return [
    {
      id,
      name: textOf(each.purpose),
      url: textOf(each.webhook_url),
      events: (textOf(each.web_actions) ?? "").split(",").flatMap((action) => action.trim() || []),
      enabled: status === undefined ? undefined : status.toLowerCase() === "active",
      rules: undefined,
    },
  ];
}
