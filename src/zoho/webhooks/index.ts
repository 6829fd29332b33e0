import { usageError } from "../../util/errors.ts";
import { desk } from "./desk.ts";
import { books, inventory } from "./finance.ts";
import type { ManagedProduct } from "./managed-product.ts";
import { sign } from "./sign.ts";

export const managedProducts: readonly ManagedProduct[] = [desk, books, inventory, sign];

function findManagedProduct(id: string): ManagedProduct | undefined {
  return managedProducts.find((each) => each.id === id.toLowerCase());
}

/** The product, or a usage error that says where in Zoho's settings its webhooks are made. */
export function requireManagedProduct(id: string, title: string | undefined): ManagedProduct {
  const found = findManagedProduct(id);
  if (found !== undefined) return found;
  const ids = managedProducts.map((each) => each.id).join(", ");
  if (title === undefined) throw usageError(`there is no product ${JSON.stringify(id)}`, `with webhooks here: ${ids}`);
  const byHand = BY_HAND[id.toLowerCase()];
  throw usageError(
    `${title}: ${byHand?.why ?? "Zoho is not known to document an API that manages its webhooks"}`,
    `${byHand?.how ?? `set it up in the settings of ${title}`}; products with webhooks here: ${ids}`,
  );
}

/** An operation of a product, or a usage error that says where it is done by hand. */
export function requireOperation<Name extends "list" | "create" | "remove">(
  product: ManagedProduct,
  name: Name,
): NonNullable<ManagedProduct[Name]> {
  const endpoint = product[name];
  if (endpoint !== undefined) return endpoint;
  throw usageError(
    `${product.title}: Zoho is not known to document a call that would ${name} a webhook`,
    `do it by hand: ${product.settings}`,
  );
}

/** Why the webhooks of a product are not managed here, where that is known, and where they are set up. */
interface ByHand {
  readonly why?: string;
  readonly how: string;
}

const CHANNELS = "its notifications are channels";

/** Places in Zoho's settings, as Zoho's help pages name them. */
const BY_HAND: Readonly<Record<string, ByHand>> = {
  crm: {
    why: CHANNELS,
    how: "zoho-hooks channels; the webhooks of workflow rules are in Setup > Automation > Actions > Webhooks (by API: settings/automation/webhooks, and webhook_failures beside it)",
  },
  bigin: { why: CHANNELS, how: "zoho-hooks channels --product bigin" },
  recruit: {
    why: CHANNELS,
    how: "zoho-hooks channels --product recruit; the webhooks of workflow rules are in Setup > Automation > Workflow Rules > Webhooks",
  },
  expense: { how: "set it up in Settings > Automation > Actions > Webhooks" },
  subscriptions: {
    why: "Zoho documents no API that creates or changes its webhooks",
    how: "set it up in Settings > Automation > Webhooks",
  },
  payments: { why: "not managed here", how: "set it up in Settings > Developer Space > Webhooks" },
  mail: { how: "set it up in Settings > Integrations > Developer Space > Outgoing Webhooks" },
  salesiq: { why: "not managed here", how: "set it up in Settings > Developers > Workflows" },
  campaigns: {
    why: "not managed here",
    how: "set it up by Campaigns' own e-mail API: POST https://campaigns.zoho.com/emailapi/v2/settings/webhook",
  },
  creator: {
    why: "Creator has no webhooks of its own",
    how: "have a workflow's Deluge script post: invokeUrl [ url: … type: POST parameters: … ]",
  },
  analytics: {
    why: "a call-back belongs to a job",
    how: "name the address as callbackUrl in the CONFIG of each bulk export or import",
  },
  sprints: { how: "set it up in Settings > Automation > Webhook" },
  signals: {
    why: "its rules are made in Catalyst's console, and there is no API",
    how: "make a rule with a webhook target there",
  },
};
