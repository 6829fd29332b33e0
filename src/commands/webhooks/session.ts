import type { Command } from "commander";
import { type Config, loadConfig } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { findProduct } from "../../core/event-names.ts";
import { products } from "../../products/index.ts";
import { UserError, usageError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { type ZohoApi, zohoApi } from "../../zoho/api.ts";
import type { DataCentre } from "../../zoho/data-centres.ts";
import { findOrganisations, type WebhookClient, webhookClient } from "../../zoho/webhooks/client.ts";
import { managedProducts, requireManagedProduct } from "../../zoho/webhooks/index.ts";
import type { ManagedProduct } from "../../zoho/webhooks/managed-product.ts";
import { openSignIn, sessionTokens, zohoHttp } from "../helpers/session.ts";

export interface WebhookOptions {
  readonly product?: string;
  readonly org?: string;
  readonly profile?: string;
}

export function addWebhookOptions(command: Command): Command {
  return command
    .option(`--product <${managedProducts.map(({ id }) => id).join("|")}>`, "the product of the webhooks")
    .option("--org <id>", "the organisation (default: the only one that you have access to)")
    .option(
      "--profile <name>",
      "the sign-in to use (default: ZOHO_PROFILE, else the environment's, else the current profile)",
    );
}

/** All that a command needs to work with the webhooks of one organisation. */
export interface WebhookSession {
  readonly config: Config;
  readonly product: ManagedProduct;
  readonly centre: DataCentre;
  readonly api: ZohoApi;
  /** The organisation that was named; undefined to find it out. */
  readonly org: string | undefined;
  /** What another command is to be called with, to work with the same: `--product books --profile acme`. */
  readonly flags: string;
  /** Finds the organisation out, unless it was named. */
  client(): Promise<WebhookClient>;
}

/** The product that was named, before anything else is done. */
export function chosenProduct({ product }: WebhookOptions): ManagedProduct {
  if (product !== undefined) return requireManagedProduct(product, findProduct(products, product)?.title);
  throw usageError(
    "--product is missing: whose webhooks?",
    `add --product ${managedProducts.map(({ id }) => id).join(", ")}`,
  );
}

/** Opens a session for the time that the work takes. */
export async function withWebhooks<T>(
  context: Context,
  options: WebhookOptions,
  work: (session: WebhookSession) => Promise<T>,
): Promise<T> {
  const product = chosenProduct(options);
  const org = options.org?.trim();
  if (org !== undefined && !/^\d{1,19}$/.test(org)) {
    throw usageError(`--org: ${JSON.stringify(org)} is not the id of an organisation`, "an id has up to 19 digits");
  }
  const config = loadConfig(context);
  const signIn = await openSignIn(context, config, options.profile);
  const http = zohoHttp(context, config);
  const { signal, sleep } = context;
  try {
    const tokens = sessionTokens(context, signIn, http);
    const api = zohoApi({ http, tokens, signIn, product, now: context.now });
    const client = async (): Promise<WebhookClient> => {
      const organisation = org ?? (await onlyOrganisation(api, product, signal));
      return webhookClient({ api, product, organisation, signal, sleep });
    };
    const given = { product: product.id, org, profile: options.profile };
    const flags = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`]));
    return await work({ config, product, centre: signIn.centre, api, org, flags: flags.join(" "), client });
  } finally {
    await http.close();
  }
}

async function onlyOrganisation(
  api: ZohoApi,
  product: ManagedProduct,
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = await findOrganisations(api, product, signal);
  if (found === undefined) return undefined;
  const [first, second] = found;
  if (first === undefined) {
    throw new UserError(
      "zohoApi",
      `the sign-in sees no organisation of ${product.title}`,
      "sign in as a user of the organisation, or name it: --org",
      "no_organisation",
    );
  }
  if (second === undefined) return first.id;
  const names = found.map(({ id, name }) => oneLine(name === undefined ? id : `${id} (${name})`)).join(", ");
  throw usageError(
    `the sign-in sees ${found.length} organisations of ${product.title}`,
    `name one with --org: ${names}`,
  );
}

/** An id of a webhook, kept as text. */
export function webhookId(text: string): string {
  if (/^\d{1,19}$/.test(text)) return text;
  throw usageError(
    `${JSON.stringify(text)} is not the id of a webhook`,
    "an id has up to 19 digits: zoho-hooks webhooks list",
  );
}
