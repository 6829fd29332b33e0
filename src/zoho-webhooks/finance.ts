import { valueAt } from "../delivery/payload.ts";
import { apiUrl } from "../zoho-api/data-centres.ts";
import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import { idText, listedAt, type ManagedProduct, rowsAt, textOf, withIds } from "./product-api.ts";

const ROWS_PER_PAGE = 200;

/** As in the user interface. */
const MODULES = ["customer", "item", "estimate", "invoice", "salesorder", "purchaseorder", "expense"];
/** Names that differ in bodies. */
const BODY_KEYS: Readonly<Record<string, string>> = { customer: "contact" };

/** https://www.zoho.com/books/api/v3/webhooks/ */
export const books = financeProduct("books", "Zoho Books", "/books/v3", "ZohoBooks.settings");

/** Like Books, under its own root: https://support.ecgrid.com/support/solutions/articles/6000276394-zoho-inventory */
export const inventory = financeProduct("inventory", "Zoho Inventory", "/inventory/v1", "ZohoInventory.settings");

function financeProduct(id: "books" | "inventory", title: string, root: string, scope: string): ManagedProduct {
  return {
    id,
    title,
    loginScopes: LOGIN_SCOPES[id],
    scopeFor: (operation) => `${scope}.${operation}`,
    host: apiUrl,
    organisation: {
      place: { in: "query", name: "organization_id" },
      // https://www.zoho.com/books/api/v3/organizations/
      list: {
        path: `${root}/organizations`,
        scope: `${scope}.READ`,
        read: (body) =>
          withIds(rowsAt(body, "organizations") ?? [], "organization_id", ({ name }) => ({ name: textOf(name) })),
      },
    },
    events: { noun: "module", many: false, known: MODULES, aliases: { contact: "customer" } },
    secret: { pattern: /^[A-Za-z0-9]{12,50}$/, rule: "12 to 50 letters and digits" },
    rejection({ name, url }) {
      const limits = [
        ["--name", name, 50],
        ["--url", url, 5000],
      ] as const;
      const tooLong = limits.find(([, value, max]) => value.length > max);
      return tooLong && `${tooLong[0]}: ${title} accepts at most ${tooLong[2]} characters`;
    },
    note: ({ url, events: [module = ""] }) =>
      new URL(url).search === ""
        ? `its deliveries do not say what happened: use a URL with ?event=${BODY_KEYS[module] ?? module}.created (.updated, .deleted)`
        : undefined,
    // The settings API answers 429 to faster calls.
    pauseMs: 650,
    path: `${root}/settings/webhooks`,
    listQuery: (page) => `?page=${page}&per_page=${ROWS_PER_PAGE}`,
    rows: (body) => listedAt(body, "webhooks"),
    hasMore: (body) => valueAt(body, ["page_context", "has_more_page"]) === true,
    idName: "webhook_id",
    webhook: (row) => ({
      name: textOf(row.webhook_name),
      url: textOf(row.url),
      events: [textOf(row.entity)].filter((entity) => entity !== undefined),
      rules: rowsAt(row, "related_rules")?.flatMap((rule) => idText(rule.workflow_id) ?? []),
    }),
    // Posts the whole record, as integrations do.
    body: ({ name, url, events, secret }) => ({
      json: JSON.stringify({
        webhook_name: name,
        entity: events[0],
        method: "POST",
        url,
        headers: [],
        query_parameters: [],
        body_type: "application/json",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: Zoho's placeholder for the whole record
        raw_data: "${JSONString}",
        form_data: [],
        secret: secret ?? "",
      }),
    }),
    newId: ["webhook", "webhook_id"],
    rules: {
      kinds: ["add", "add_edit", "delete"],
      path: `${root}/settings/workflows`,
      body: (webhook, kind) => ({
        workflow_name: webhook.config.name,
        entity: webhook.config.events[0],
        rule_type: kind,
        apply_rule_always: false,
        rule: { columns: [], criteria_string: "" },
        instant_actions: [{ action_type: "webhook", action_id: webhook.id }],
      }),
    },
  };
}
