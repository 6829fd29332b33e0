import { productId } from "../model/event-names.ts";
import { usageError } from "../util/errors.ts";
import { crmFailures } from "./crm.ts";
import { desk } from "./desk.ts";
import { books, inventory } from "./finance.ts";
import type { FailureLog, ManagedProduct } from "./product-api.ts";
import { salesIqFailures } from "./salesiq.ts";
import { sign } from "./sign.ts";

export const managedProducts: readonly ManagedProduct[] = [desk, books, inventory, sign];

const WITH_WEBHOOKS = `products with webhooks: ${managedProducts.map(({ id }) => id).join(", ")}`;

/**
 * Throws a usage error that names the place in Zoho's settings. `title`: undefined for a product that does not exist. `ids`:
 * names those that exist.
 */
export function requireManagedProduct(id: string, title: string | undefined, ids = WITH_WEBHOOKS): ManagedProduct {
  const name = productId(id).toLowerCase();
  const found = managedProducts.find((each) => each.id === name);
  if (found !== undefined) return found;
  if (title === undefined) throw usageError(`there is no product ${JSON.stringify(id)}`, ids);
  const { why = "Zoho documents no API for its webhooks", how = `set it up in the settings of ${title}` } =
    BY_HAND[name] ?? {};
  throw usageError(`${title}: ${why}`, `${how}; ${ids}`);
}

/** They have an API, which Zoho does not document for Forms, Survey and Sprints (seen in PipedreamHQ/pipedream). */
const NOT_MANAGED = "zoho-hooks does not manage its webhooks";
const CHANNELS = "it sends its notifications through channels";

/** Why zoho-hooks does not manage a product's webhooks, and how to set them up: as Zoho's help pages name the places. */
const BY_HAND: Readonly<Record<string, { readonly why?: string; readonly how: string }>> = {
  crm: {
    why: CHANNELS,
    how: "use zoho-hooks channels; for webhooks of workflow rules, see Setup > Automation > Actions > Webhooks (by API: settings/automation/webhooks); those that failed: zoho-hooks webhooks failures",
  },
  bigin: { why: CHANNELS, how: "use zoho-hooks channels --product bigin" },
  recruit: {
    why: CHANNELS,
    how: "use zoho-hooks channels --product recruit; for webhooks of workflow rules, see Setup > Automation > Workflow Rules > Webhooks",
  },
  expense: { how: "set it up in Settings > Automation > Actions > Webhooks" },
  subscriptions: {
    why: "Zoho documents no API that creates or changes its webhooks",
    how: "set it up in Settings > Automation > Webhooks",
  },
  payments: { why: NOT_MANAGED, how: "set it up in Settings > Developer Space > Webhooks" },
  mail: { how: "set it up in Settings > Integrations > Developer Space > Outgoing Webhooks" },
  salesiq: { why: NOT_MANAGED, how: "set it up in Settings > Developers > Workflows" },
  zeptomail: { how: "set it up in the Webhooks of a Mail Agent" },
  webinar: { how: "set it up as the action of a workflow" },
  connect: {
    why: NOT_MANAGED,
    how: "set it up in the Outgoing Webhooks of its settings, or with POST https://connect.zoho.com/api/v1/webhook",
  },
  campaigns: {
    why: NOT_MANAGED,
    how: "set it up with Campaigns' e-mail API: POST https://campaigns.zoho.com/emailapi/v2/settings/webhook",
  },
  creator: {
    why: "Creator has no webhooks",
    how: "post from a workflow's Deluge script: invokeUrl [ url: … type: POST parameters: … ]",
  },
  analytics: { why: "a callback belongs to a job", how: "set callbackUrl in the CONFIG of each bulk export or import" },
  forms: { why: NOT_MANAGED, how: "set it up in the form builder: Integrations > Webhooks > Configure Webhook" },
  survey: { why: NOT_MANAGED, how: "set it up in Hub/Integrations > Webhook > Create New Webhook" },
  sprints: { why: NOT_MANAGED, how: "set it up in Settings > Automation > Webhook" },
  signals: {
    why: "its rules are created in Catalyst's console, without an API",
    how: "create a rule with a webhook target there",
  },
};

export const failureLogs: readonly FailureLog[] = [crmFailures, salesIqFailures];

/** Places in Zoho that show failed deliveries of products whose calls are not documented well enough to be made. */
export const failurePlaces: Readonly<Record<string, string>> = {
  // https://www.zoho.com/books/help/settings/automation/workflow-logs.html
  books: "Settings > Workflow Logs > Webhooks; a retry policy there makes Zoho repeat them by itself",
  // https://zoho.com/us/subscriptions/help/set-webhooks.html
  subscriptions: "the Events tab: Show History of an event, and Resend",
  // https://help.zoho.com/portal/en/kb/people/administrator-guide/common-settings/articles/webhooks-zoho-people
  people: "Failure webhooks, in the settings of webhooks, where each can be redone",
};

/**
 * They have `GET settings/webhooks/histories` and `POST …/histories/bulkresend` (seen), but the members of the answers are
 * published nowhere that we know.
 */
const UNREADABLE_LISTS: readonly string[] = [books.id, inventory.id];

/** Throws a usage error that names the place in Zoho, if there is one. `title`: undefined for a product that does not exist. */
export function findFailureLog(id: string, title: string | undefined): FailureLog {
  const name = productId(id).toLowerCase();
  const found = failureLogs.find((each) => each.id === name);
  if (found !== undefined) return found;
  const ids = failureLogs.map((each) => each.id).join(", ");
  if (title === undefined)
    throw usageError(`there is no product ${JSON.stringify(id)}`, `products with a list of failed deliveries: ${ids}`);
  const why = UNREADABLE_LISTS.includes(name)
    ? "the calls that list failed deliveries are known, but the members of their answers are not: zoho-hooks does not use them"
    : "zoho-hooks knows of no documented call that lists failed deliveries";
  const place = failurePlaces[name];
  throw usageError(
    `${title}: ${why}`,
    `${place === undefined ? "" : `see ${place}; `}products with such a call: ${ids}`,
  );
}
