import { oneLine } from "../../util/text.ts";
import { apiUrl } from "../data-centres.ts";
import {
  idText,
  itemsAt,
  listedAt,
  type ManagedProduct,
  memberOf,
  removeAt,
  textOf,
  type Webhook,
  type WebhookConfig,
} from "./managed-product.ts";

const LONGEST_NAME = 50;
const LONGEST_DESCRIPTION = 100;
const LONGEST_URL = 5000;
const ROWS_PER_PAGE = 200;
/** The settings of these products answer 429 to calls that follow one another sooner. */
const PAUSE_MS = 650;

/** The names that modules have here, as in the user interface. */
const MODULES = ["customer", "item", "estimate", "invoice", "salesorder", "purchaseorder", "expense"];
/** Where a body calls it otherwise. */
const BODY_KEYS: Readonly<Record<string, string>> = { customer: "contact" };

interface FinanceProduct {
  readonly id: string;
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

/** Under its own root as Books: https://support.ecgrid.com/support/solutions/articles/6000276394-zoho-inventory */
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
    scopes: ["READ", "CREATE", "DELETE"].map((operation) => `${scope}.${operation}`),
    scopeFor: (operation) => `${scope}.${operation}`,
    host: apiUrl,
    organisation: {
      place: { query: "organization_id" },
      discover: { path: `${root}/organizations`, scope: `${scope}.READ`, read: organisationsOf },
    },
    events: { noun: "module", many: false, known: MODULES, aliases: { contact: "customer" } },
    filters: [],
    secret: { pattern: /^[A-Za-z0-9]{12,50}$/, says: "12 to 50 letters and digits" },
    refuse: ({ name, description, url }) => {
      if (name.length > LONGEST_NAME) return `--name: ${title} takes at most ${LONGEST_NAME} characters`;
      if ((description?.length ?? 0) > LONGEST_DESCRIPTION)
        return `--description: ${title} takes at most ${LONGEST_DESCRIPTION} characters`;
      return url.length > LONGEST_URL ? `--url: ${title} takes at most ${LONGEST_URL} characters` : undefined;
    },
    note: ({ url, events: [module = ""] }) =>
      new URL(url).search === ""
        ? `the body of its deliveries does not say what happened: a URL with ?event=${BODY_KEYS[module] ?? module}.created (.updated, .deleted) does`
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
        const more = memberOf(memberOf(body, "page_context"), "has_more_page") === true;
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
      read: (body) => idText(memberOf(memberOf(body, "webhook"), "webhook_id")),
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

/** With the whole record as its body, the form that integrations in use register. */
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
