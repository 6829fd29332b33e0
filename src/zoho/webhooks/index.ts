import { usageError } from "../../util/errors.ts";
import { desk } from "./desk.ts";
import { books, inventory } from "./finance.ts";
import type { ManagedProduct } from "./managed-product.ts";
import { sign } from "./sign.ts";

export const managedProducts: readonly ManagedProduct[] = [desk, books, inventory, sign];

/** Throws a usage error that names the place in Zoho's settings. */
export function requireManagedProduct(id: string, title: string | undefined): ManagedProduct {
  const found = managedProducts.find((each) => each.id === id.toLowerCase());
  if (found !== undefined) return found;
  const ids = managedProducts.map((each) => each.id).join(", ");
  if (title === undefined)
    throw usageError(`there is no product ${JSON.stringify(id)}`, `products with webhooks: ${ids}`);
  const byHand = BY_HAND[id.toLowerCase()];
  throw usageError(
    `${title}: ${byHand?.why ?? "Zoho documents no API for its webhooks"}`,
    `${byHand?.how ?? `set it up in the settings of ${title}`}; products with webhooks: ${ids}`,
  );
}

/** Throws a usage error that names the place in Zoho's settings. */
export function requireOperation<Name extends "list" | "create" | "remove">(
  product: ManagedProduct,
  name: Name,
): NonNullable<ManagedProduct[Name]> {
  const endpoint = product[name];
  if (endpoint !== undefined) return endpoint;
  throw usageError(`${product.title}: Zoho documents no API to ${name} webhooks`, `do it by hand: ${product.settings}`);
}

/** Why zoho-hooks does not manage a product's webhooks, and how to set them up. */
interface ByHand {
  readonly why?: string;
  readonly how: string;
}

const CHANNELS = "it sends its notifications through channels";

/** As Zoho's help pages name the places. */
const BY_HAND: Readonly<Record<string, ByHand>> = {
  crm: {
    why: CHANNELS,
    how: "use zoho-hooks channels; for webhooks of workflow rules, see Setup > Automation > Actions > Webhooks (by API: settings/automation/webhooks, and webhook_failures beside it)",
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
  payments: {
    why: "zoho-hooks does not manage its webhooks",
    how: "set it up in Settings > Developer Space > Webhooks",
  },
  mail: { how: "set it up in Settings > Integrations > Developer Space > Outgoing Webhooks" },
  salesiq: { why: "zoho-hooks does not manage its webhooks", how: "set it up in Settings > Developers > Workflows" },
  zeptomail: { how: "set it up in the Webhooks of a Mail Agent" },
  webinar: { how: "set it up as the action of a workflow" },
  connect: {
    why: "zoho-hooks does not manage its webhooks",
    how: "set it up in the Outgoing Webhooks of its settings, or with POST https://connect.zoho.com/api/v1/webhook",
  },
  campaigns: {
    why: "zoho-hooks does not manage its webhooks",
    how: "set it up with Campaigns' e-mail API: POST https://campaigns.zoho.com/emailapi/v2/settings/webhook",
  },
  creator: {
    why: "Creator has no webhooks",
    how: "post from a workflow's Deluge script: invokeUrl [ url: … type: POST parameters: … ]",
  },
  analytics: {
    why: "a callback belongs to a job",
    how: "set callbackUrl in the CONFIG of each bulk export or import",
  },
  sprints: { how: "set it up in Settings > Automation > Webhook" },
  signals: {
    why: "its rules are created in Catalyst's console, without an API",
    how: "create a rule with a webhook target there",
  },
};
