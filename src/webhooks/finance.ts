import { valueAt } from "../delivery/payload.ts";
import { oneLine } from "../util/text.ts";
import { apiUrl } from "../zoho-api/data-centres.ts";
import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import {
  idText,
  itemsAt,
  listedAt,
  type ManagedProduct,
  removeAt,
  textOf,
  type Webhook,
  type WebhookConfig,
} from "./managed-product.ts";

const MAX_NAME = 50;
const MAX_DESCRIPTION = 100;
const MAX_URL = 5000;
const ROWS_PER_PAGE = 200;
/** The settings API answers 429 to faster calls. */
const PAUSE_MS = 650;

/** As in the user interface. */
const MODULES = ["customer", "item", "estimate", "invoice", "salesorder", "purchaseorder", "expense"];
/** Names that differ in bodies. */
const BODY_KEYS: Readonly<Record<string, string>> = { customer: "contact" };

interface FinanceProduct {
  readonly id: "books" | "inventory";
  readonly title: string;
  /** `/books/v3` */
  readonly root: string;
  /** `ZohoBooks.settings` */
  readonly scope: string;
  readonly settings: string;
}

/** https://www.zoho.com/books/api/v3/webhooks/ */
export const books = financeProduct({
  id: "books",
  title: "Zoho Books",
  root: "/books/v3",
  scope: "ZohoBooks.settings",
  settings: "Settings > Automation > Workflow Actions > Webhooks",
});

/** Like Books, under its own root: https://support.ecgrid.com/support/solutions/articles/6000276394-zoho-inventory */
export const inventory = financeProduct({
  id: "inventory",
  title: "Zoho Inventory",
  root: "/inventory/v1",
  scope: "ZohoInventory.settings",
  settings: "Settings > Automation > Webhooks",
});

function financeProduct({ id, title, root, scope, settings }: FinanceProduct): ManagedProduct {
  const path = `${root}/settings/webhooks`;
  return {
    id,
    title,
    settings,
    loginScopes: LOGIN_SCOPES[id],
    scopeNamedInErrors: (operation) => `${scope}.${operation}`,
    host: apiUrl,
    organisation: {
      place: { query: "organization_id" },
      discover: { path: `${root}/organizations`, scope: `${scope}.READ`, read: organisationsOf },
    },
    events: { noun: "module", many: false, known: MODULES, aliases: { contact: "customer" } },
    filters: [],
    secret: { pattern: /^[A-Za-z0-9]{12,50}$/, rule: "12 to 50 letters and digits" },
    rejection: ({ name, description, url }) => {
      if (name.length > MAX_NAME) return `--name: ${title} accepts at most ${MAX_NAME} characters`;
      if ((description?.length ?? 0) > MAX_DESCRIPTION)
        return `--description: ${title} accepts at most ${MAX_DESCRIPTION} characters`;
      return url.length > MAX_URL ? `--url: ${title} accepts at most ${MAX_URL} characters` : undefined;
    },
    note: ({ url, events: [module = ""] }) =>
      new URL(url).search === ""
        ? `its deliveries do not say what happened: use a URL with ?event=${BODY_KEYS[module] ?? module}.created (.updated, .deleted)`
        : undefined,
    pauseMs: PAUSE_MS,
    list: {
      call: (page) => ({
        method: "GET",
        path: `${path}?page=${page}&per_page=${ROWS_PER_PAGE}`,
        repeatable: true,
        action: "list webhooks",
        operation: "READ",
      }),
      read: (body) => {
        const more = valueAt(body, ["page_context", "has_more_page"]) === true;
        const items = listedAt(body, "webhooks");
        return items && { items: items.flatMap(webhookOf), more };
      },
    },
    create: {
      call: (config) => ({
        method: "POST",
        path,
        repeatable: false,
        action: "create the webhook",
        operation: "CREATE",
        json: JSON.stringify(registration(config)),
      }),
      read: (body) => idText(valueAt(body, ["webhook", "webhook_id"])),
    },
    remove: removeAt(path),
    rules: {
      kinds: ["add", "add_edit", "delete"],
      call: ({ id: webhookId, config }, kind) => ({
        method: "POST",
        path: `${root}/settings/workflows`,
        repeatable: false,
        action: `create a workflow rule that calls webhook ${oneLine(webhookId)}`,
        operation: "CREATE",
        json: JSON.stringify({
          workflow_name: config.name,
          entity: config.events[0],
          rule_type: kind,
          apply_rule_always: false,
          rule: { columns: [], criteria_string: "" },
          instant_actions: [{ action_type: "webhook", action_id: webhookId }],
        }),
      }),
    },
  };
}

/** Posts the whole record, as integrations do. */
function registration({ name, description, url, events, secret }: WebhookConfig): object {
  return {
    webhook_name: name,
    ...(description === undefined ? {} : { description }),
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
  };
}

function webhookOf(each: Readonly<Record<string, unknown>>): readonly Webhook[] {
  const id = idText(each.webhook_id);
  if (id === undefined) return [];
  const entity = textOf(each.entity);
  return [
    {
      id,
      name: textOf(each.webhook_name),
      url: textOf(each.url),
      events: entity === undefined ? [] : [entity],
      enabled: undefined,
      rules: itemsAt(each, "related_rules")?.flatMap((rule) => idText(rule.workflow_id) ?? []),
    },
  ];
}

/** https://www.zoho.com/books/api/v3/organizations/ */
function organisationsOf(body: unknown) {
  return (itemsAt(body, "organizations") ?? []).flatMap((each) => {
    const id = idText(each.organization_id);
    return id === undefined ? [] : [{ id, name: textOf(each.name) }];
  });
}
