import type { Command } from "commander";
import { findProduct } from "../contract/event-names.ts";
import { secret } from "../delivery/secret.ts";
import { products } from "../products/index.ts";
import type { Context } from "../project/context.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { ExitCode, UserError, usageError } from "../util/errors.ts";
import { oneLine, shellQuoted } from "../util/text.ts";
import { type ZohoApi, zohoApi } from "../zoho-api/api.ts";
import { findEnvironment, resolveHosts } from "../zoho-api/data-centres.ts";
import { centreFromEnv, chosenProfile, openSignIn, sessionTokens, showRequest, zohoHttp } from "../zoho-api/session.ts";
import { type SignIn, setting } from "../zoho-api/sign-in.ts";
import { findOrganisations, requestFor, type WebhookClient, webhookClient } from "./client.ts";
import { managedProducts, requireManagedProduct } from "./index.ts";
import type { ManagedProduct, WebhookCall } from "./managed-product.ts";

export interface WebhookOptions {
  readonly product?: string;
  readonly org?: string;
  readonly profile?: string;
}

const ids = managedProducts.map(({ id }) => id);

export function addWebhookOptions(command: Command): Command {
  return command
    .option(`--product <${ids.join("|")}>`, "the product of the webhooks")
    .option("--org <id>", "the organisation (default: the only one that you have access to)")
    .option(
      "--profile <name>",
      "the sign-in to use (default: ZOHO_PROFILE, else the environment's, else the current profile)",
    );
}

export function chosenProduct({ product }: WebhookOptions): ManagedProduct {
  if (product !== undefined) return requireManagedProduct(product, findProduct(products, product)?.title);
  throw usageError("--product is required", `add one of ${ids.map((id) => `--product ${id}`).join(", ")}`);
}

/** Access to the webhooks of one product in one organisation. */
export interface WebhookSession {
  readonly config: Config;
  readonly product: ManagedProduct;
  readonly signIn: SignIn;
  readonly api: ZohoApi;
  /** The value of `--org`. */
  readonly org: string | undefined;
  /** A command for the user to copy: `zoho-hooks webhooks list --product books`. */
  command(words: string): string;
  /** Asks Zoho for the organisation first, unless `--org` names it. */
  client(): Promise<WebhookClient>;
}

/** Runs work with a session, and closes the session. `dryRun` needs no sign-in, because nothing is sent. */
export async function withWebhooks<T>(
  context: Context,
  options: WebhookOptions & { readonly dryRun?: boolean },
  work: (session: WebhookSession) => Promise<T>,
): Promise<T> {
  const product = chosenProduct(options);
  const org = options.org?.trim();
  if (org !== undefined && !/^\d{1,19}$/.test(org))
    throw usageError(`--org: ${JSON.stringify(org)} is not an organisation id`, "an id has up to 19 digits");
  const config = loadConfig(context);
  const signIn = await openSignIn(context, config, options.profile).catch((error: unknown) => {
    const isSignedOut = error instanceof UserError && error.code === "not_signed_in";
    if (options.dryRun === true && isSignedOut && chosenProfile(config, options.profile) === undefined)
      return placeholderSignIn(context, config);
    throw error;
  });
  const http = zohoHttp(context, config);
  const { invocation, now, signal, sleep } = context;
  const api = zohoApi({ http, tokens: sessionTokens(context, signIn, http), signIn, product, now });
  const given = Object.entries({ product: product.id, org, profile: options.profile });
  const flags = given.flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${shellQuoted(value)}`]));
  try {
    return await work({
      config,
      product,
      signIn,
      api,
      org,
      command: (words) => [invocation, "webhooks", words, ...flags].join(" "),
      async client() {
        const organisation = org ?? (await onlyOrganisation(api, product, signal));
        return webhookClient({ api, product, organisation, signal, sleep });
      },
    });
  } finally {
    await http.close();
  }
}

/** For requests that are only shown. */
async function placeholderSignIn(context: Context, config: Config): Promise<SignIn> {
  const { env } = config;
  const centre = await centreFromEnv(context, config);
  const message = `not signed in: the request is shown for the data centre ${centre.id}; ZOHO_DC names another one`;
  context.report({ type: "notice", message });
  return {
    name: "none",
    centre,
    environment: findEnvironment(setting(env, "ZOHO_ENVIRONMENT") ?? "production"),
    hosts: resolveHosts(centre, env),
    scopes: [],
    access: { kind: "fixed", accessToken: secret("", "nowhere") },
  };
}

/** Undefined if the product's API needs no organisation. */
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
      `the sign-in has access to no ${product.title} organisation`,
      "sign in as a user of the organisation, or name it with --org",
      "no_organisation",
    );
  }
  if (second === undefined) return first.id;
  const names = found.map(({ id, name }) => oneLine(name === undefined ? id : `${id} (${name})`)).join(", ");
  throw usageError(
    `the sign-in has access to ${found.length} ${product.title} organisations`,
    `choose one with --org: ${names}`,
  );
}

/** Shows requests to Zoho, with their secrets masked, instead of sending them. */
export function showCalls(context: Context, session: WebhookSession, calls: readonly WebhookCall[]): ExitCode {
  const { product, org } = session;
  // Only a request could find the organisation.
  const organisation = org ?? (product.organisation.discover === undefined ? undefined : "yours");
  for (const call of calls) showRequest(context, session, requestFor(product, call, organisation));
  return ExitCode.ok;
}
