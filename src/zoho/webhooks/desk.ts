import { filterProblem, subscriptions } from "./desk-subscriptions.ts";
import { idText, itemsAt, type ManagedProduct, memberOf, removeAt, textOf, type Webhook } from "./managed-product.ts";

const PATH = "/api/v1/webhooks";
/** What Desk's OpenAPI says of an address. Its limits are those of a generator: told, and never a reason to refuse. */
const URL_PATTERN = /^(ht|f)tps?:\/\/[-.\w]*\/?[a-zA-Z0-9\-.?,:'/\\+=&;%$#_@]*$/;
const LONGEST_URL = 100;
const LONGEST_NAME = 100;
const LONGEST_DESCRIPTION = 3000;

/** https://github.com/zoho/zohodesk-oas, `Webhook.json` */
export const desk: ManagedProduct = {
  id: "desk",
  title: "Zoho Desk",
  settings: "Setup > Automation > Webhooks",
  // https://desk.zoho.com/support/WebhookDocument.do
  plainHttp: true,
  // Zoho's OpenAPI names the first two families, integrations in use the third: which one is checked is not known.
  scopes: [
    ...["READ", "CREATE", "DELETE"].flatMap((each) => [`Desk.settings.${each}`, `Desk.events.${each}`]),
    ...["READ", "CREATE", "DELETE"].map((each) => `Desk.webhooks.${each}`),
    "Desk.basic.READ",
  ],
  scopeFor: (operation) => `Desk.settings.${operation} and Desk.events.${operation}, or Desk.webhooks.${operation}`,
  host: ({ accountsUrl }) => accountsUrl.replace("//accounts.", "//desk."),
  organisation: {
    place: { header: "orgId" },
    discover: {
      path: "/api/v1/organizations",
      scope: "Desk.basic.READ (which --org makes needless)",
      read: (body) =>
        (itemsAt(body, "data") ?? []).flatMap((each) => {
          const id = idText(each.id);
          return id === undefined ? [] : [{ id, name: textOf(each.companyName) ?? textOf(each.portalName) }];
        }),
    },
  },
  events: { noun: "event", many: true },
  filters: ["departments", "fields", "previous", "direction"],
  secret: undefined,
  refuse: ({ events, filters }) => filterProblem(events, filters),
  warn({ url, name, description }) {
    if (url.length > LONGEST_URL)
      return `the URL has ${url.length} characters, and Desk's API description allows ${LONGEST_URL}: Desk may refuse it`;
    if (!URL_PATTERN.test(url)) return "the URL has a character that Desk's API description does not allow";
    if (name.length > LONGEST_NAME || (description?.length ?? 0) > LONGEST_DESCRIPTION)
      return "the name or the description is longer than Desk's API description allows";
    return undefined;
  },
  note: (_config, id, centre) =>
    `its deliveries carry a token for webhookId:${id}: check it with ZOHO_WEBHOOK_JWKS=${centre.id}, and take no other webhook's with "desk": { "format": "wire", "audience": "webhookId:${id}" } in zoho-hooks.config.json`,
  list: {
    call: () => ({ method: "GET", path: PATH, repeatable: true, action: "list webhooks", operation: "READ" }),
    // None at all are a 204 without a body.
    read: (body) => {
      const items = body === undefined ? [] : itemsAt(body, "data");
      return items && { webhooks: items.flatMap(webhookOf), more: false };
    },
  },
  create: {
    call: ({ name, description, url, events, filters }) => ({
      method: "POST",
      path: PATH,
      repeatable: false,
      action: "create the webhook",
      operation: "CREATE",
      json: JSON.stringify({
        name,
        ...(description === undefined ? {} : { description }),
        url,
        isEnabled: true,
        subscriptions: subscriptions(events, filters),
      }),
    }),
    read: (body) => idText(memberOf(body, "id")),
  },
  remove: removeAt(PATH),
};

function webhookOf(each: Readonly<Record<string, unknown>>): readonly Webhook[] {
  const id = idText(each.id);
  if (id === undefined) return [];
  const { subscriptions: subscribed, isEnabled } = each;
  return [
    {
      id,
      name: textOf(each.name),
      url: textOf(each.url),
      events: typeof subscribed === "object" && subscribed !== null ? Object.keys(subscribed) : [],
      enabled: typeof isEnabled === "boolean" ? isEnabled : undefined,
      rules: undefined,
    },
  ];
}
