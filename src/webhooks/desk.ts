import { type DataCentre, knownCentre } from "../zoho-api/data-centres.ts";
import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import type { SignIn } from "../zoho-api/sign-in.ts";
import {
  type ManagedProduct,
  rowsAt,
  textOf,
  type WebhookConfig,
  type WebhookFilters,
  withIds,
} from "./product-api.ts";

/** From Desk's OpenAPI, whose limits are generated: a reason to warn, not to reject. */
const URL_PATTERN = /^(ht|f)tps?:\/\/[-.\w]*\/?[a-zA-Z0-9\-.?,:'/\\+=&;%$#_@]*$/;
const MAX_URL = 100;
const MAX_NAME = 100;
const MAX_DESCRIPTION = 3000;

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
  filters: ["departments", "fields", "previous", "direction"],
  rejection: filterProblem,
  warn({ url, name, description = "" }) {
    if (url.length > MAX_URL)
      return `the URL has ${url.length} characters, and Desk's API description allows ${MAX_URL}: Desk may reject it`;
    if (!URL_PATTERN.test(url)) return "the URL has a character that Desk's API description does not allow";
    if (name.length > MAX_NAME || description.length > MAX_DESCRIPTION)
      return "the name or the description is longer than Desk's API description allows";
    return undefined;
  },
  note: (_config, id, signIn) =>
    `to verify its tokens, set ZOHO_WEBHOOK_JWKS=${keysOf(signIn)}; to reject those of other webhooks, set "desk": { "format": "wire", "audience": "webhookId:${id}" } in zoho-hooks.config.json`,
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
  body: ({ name, description, url, events, filters }) => ({
    json: JSON.stringify({ name, description, url, isEnabled: true, subscriptions: subscriptions(events, filters) }),
  }),
  newId: ["id"],
};

/** Events by filter, from Zoho's OpenAPI (zohodesk-oas, `Webhook.json`) and from what integrations send. */
const WITH_DEPARTMENTS = new Set([
  ...["Ticket_Add", "Ticket_Update", "Ticket_Comment_Add", "Ticket_Comment_Update", "Ticket_Thread_Add"],
  ...["Task_Add", "Task_Update", "Call_Add", "Call_Update", "Event_Add", "Event_Update"],
  ...["IM_Message_Add", "IM_Session_Status", "IM_Message_Status"],
]);
const WITH_PREVIOUS = new Set([
  ...["Ticket_Update", "Task_Update", "Call_Update", "Event_Update", "Account_Update", "Agent_Update"],
  ...["Article_Update", "Article_Translation_Update", "Contact_Update", "Department_Update"],
  ...["KBRootCategory_Update", "KBSection_Update", "TimeEntry_Update"],
]);
/** Accepted but not suggested: only one integration uses it. */
const PERHAPS_WITH_PREVIOUS = new Set([...WITH_PREVIOUS, "Ticket_Approval_Update"]);
const WITH_FIELDS = new Set(["Ticket_Update"]);
const WITH_DIRECTION = new Set(["Ticket_Thread_Add"]);

/** Filters by event: Desk expects `null` for an event without one. */
function subscriptions(events: readonly string[], { departments, fields, previous, direction }: WebhookFilters) {
  const filterOf = (event: string): object | null => {
    const filter = {
      ...(departments !== undefined && WITH_DEPARTMENTS.has(event) && { departmentIds: departments }),
      ...(fields !== undefined && WITH_FIELDS.has(event) && { fields }),
      ...(previous === true && PERHAPS_WITH_PREVIOUS.has(event) && { includePrevState: true }),
      ...(direction !== undefined && WITH_DIRECTION.has(event) && { direction }),
    };
    return Object.keys(filter).length === 0 ? null : filter;
  };
  return Object.fromEntries(events.map((event) => [event, filterOf(event)]));
}

/** Why Desk would reject or ignore the filters. */
function filterProblem({ events, filters }: WebhookConfig): string | undefined {
  const { departments, fields, previous, direction } = filters;
  const idle = (set: ReadonlySet<string>): boolean => !events.some((event) => set.has(event));
  const named = (flag: string, set: ReadonlySet<string>): string => `${flag} applies only to ${[...set].join(", ")}`;
  if (departments !== undefined && idle(WITH_DEPARTMENTS)) return named("--departments", WITH_DEPARTMENTS);
  if (departments?.some((id) => !/^\d+$/.test(id))) return "--departments takes numeric ids";
  if (fields !== undefined && idle(WITH_FIELDS)) return named("--fields", WITH_FIELDS);
  if (fields !== undefined && fields.length > 5) return `--fields: Desk accepts at most 5, not ${fields.length}`;
  if (previous === true && idle(PERHAPS_WITH_PREVIOUS)) return named("--previous", WITH_PREVIOUS);
  if (direction === undefined) return undefined;
  if (idle(WITH_DIRECTION)) return named("--direction", WITH_DIRECTION);
  return direction === "in" || direction === "out" ? undefined : "--direction must be in or out";
}

function hostOf({ accountsUrl }: DataCentre): string {
  return accountsUrl.replace("//accounts.", "//desk.");
}

/** The value of `ZOHO_WEBHOOK_JWKS`: the id of a data centre that this version knows, else the URL of its keys. */
function keysOf({ centre, hosts }: SignIn): string {
  if (hosts.apiUrl === undefined && knownCentre(centre.id) !== undefined) return centre.id;
  return `${hosts.apiUrl ?? hostOf(centre)}/.well-known/jwks.json`;
}
