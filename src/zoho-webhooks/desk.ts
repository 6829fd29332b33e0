import { type DataCentre, knownCentre } from "../zoho-api/data-centres.ts";
import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import type { SignIn } from "../zoho-api/sign-in.ts";
import { type ManagedProduct, rowsAt, textOf, withIds } from "./product-api.ts";

/** From Desk's OpenAPI, whose limits are generated: a reason to warn, not to reject. */
const URL_PATTERN = /^(ht|f)tps?:\/\/[-.\w]*\/?[a-zA-Z0-9\-.?,:'/\\+=&;%$#_@]*$/;
const MAX_URL = 100;
const MAX_NAME = 100;

/** https://github.com/zoho/zohodesk-oas, `Webhook.json` */
export const desk: ManagedProduct = {
  id: "desk",
  title: "Zoho Desk",
  // https://desk.zoho.com/support/WebhookDocument.do
  plainHttp: true,
  // Zoho's OpenAPI names the first two families, integrations use the third: it is not known which one Zoho checks.
  loginScopes: LOGIN_SCOPES.desk,
  scopeFor: (operation) => `Desk.settings.${operation} and Desk.events.${operation}, or Desk.webhooks.${operation}`,
  host: hostOf,
  organisation: {
    place: { in: "header", name: "orgId" },
    list: {
      path: "/api/v1/organizations",
      scope: "Desk.basic.READ (not needed with --org)",
      read: (body) =>
        withIds(rowsAt(body, "data") ?? [], "id", ({ companyName, portalName }) => ({
          name: textOf(companyName) ?? textOf(portalName),
        })),
    },
  },
  events: { noun: "event", many: true },
  keySet,
  warn({ url, name }) {
    if (url.length > MAX_URL)
      return `the URL has ${url.length} characters, and Desk's API description allows ${MAX_URL}: Desk may reject it`;
    if (!URL_PATTERN.test(url)) return "the URL has a character that Desk's API description does not allow";
    return name.length > MAX_NAME ? "the name is longer than Desk's API description allows" : undefined;
  },
  note: (_config, id, signIn) =>
    `to verify its tokens, set ZOHO_WEBHOOK_JWKS=${keySet(signIn)}; to reject those of other webhooks, set "desk": { "format": "wire", "audience": "webhookId:${id}" } in zoho-hooks.config.json`,
  path: "/api/v1/webhooks",
  // An empty list is a 204 without a body.
  rows: (body) => (body === undefined ? [] : rowsAt(body, "data")),
  idName: "id",
  webhook: ({ name, url, subscriptions, isEnabled }) => ({
    name: textOf(name),
    url: textOf(url),
    events: typeof subscriptions === "object" && subscriptions !== null ? Object.keys(subscriptions) : [],
    enabled: typeof isEnabled === "boolean" ? isEnabled : undefined,
  }),
  body: ({ name, url, events }) => {
    // Each event has a filter, or null.
    const subscriptions = Object.fromEntries(events.map((event) => [event, null]));
    return { json: JSON.stringify({ name, url, isEnabled: true, subscriptions }) };
  },
  newId: ["id"],
};

function hostOf({ accountsUrl }: DataCentre): string {
  return accountsUrl.replace("//accounts.", "//desk.");
}

/** The value of `ZOHO_WEBHOOK_JWKS`: the id of a data centre that this version knows, else the URL of its keys. */
function keySet({ centre, hosts }: SignIn): string {
  if (hosts.apiUrl === undefined && knownCentre(centre.id) !== undefined) return centre.id;
  return `${hosts.apiUrl ?? hostOf(centre)}/.well-known/jwks.json`;
}
