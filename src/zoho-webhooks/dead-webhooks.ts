import { findDeadUrl } from "../channels/dead-url.ts";
import { maskUrl } from "../delivery/mask.ts";
import { overrideContext } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { UserError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { accessTokens } from "../zoho-api/access-token.ts";
import { hasEnvSignIn } from "../zoho-api/env-sign-in.ts";
import { chosenProfile, openSignIn, openStore, withHttp } from "../zoho-api/session.ts";
import { managedProducts } from "./index.ts";
import { isInUse, ownerMark } from "./live-webhook.ts";
import type { ManagedProduct } from "./product-api.ts";
import type { WebhookContext } from "./reports.ts";
import { deletion, type WebhookSession, withWebhooks } from "./session.ts";

/** The default name of `webhooks create`, with which those of `listen --register` begin. */
const OWN_NAME = /^zoho-hooks\b/;

/**
 * Warns of webhooks called zoho-hooks that post to a URL that no longer answers, and of those that an earlier `listen` of the
 * folder has left, with the command that deletes each. Does nothing where nobody is signed in, and says nothing of what cannot
 * be read. `registered`: the products whose webhooks this run has taken over.
 */
export async function warnOfDeadWebhooks(
  context: WebhookContext,
  config: Config,
  { registered, signal }: { readonly registered: readonly string[]; readonly signal: AbortSignal },
): Promise<void> {
  const report: WebhookContext["report"] = (each) => void (each.type === "api_request" && context.report(each));
  const silent = overrideContext(context, { report, signal });
  const orNothing = (error: unknown): readonly [] => {
    if (error instanceof UserError || signal.aborted) return [];
    throw error;
  };
  const products = await readableProducts(silent, config).catch(orNothing);
  for (const product of products.filter(({ id }) => !registered.includes(id)))
    await withWebhooks(silent, config, product, {}, async (session) => {
      for (const { message, hint } of await deadWebhooks(silent, session, signal))
        context.report({ type: "warning", message, hint });
    }).catch(orNothing);
}

/** The products that the sign-in has a scope of. */
async function readableProducts(context: WebhookContext, config: Config): Promise<readonly ManagedProduct[]> {
  const scopes = await scopesOf(context, config);
  return managedProducts.filter(({ loginScopes }) => loginScopes.some((scope) => scopes.includes(scope)));
}

/** From the list of profiles, which has no secrets; those of the environment's sign-in are in Zoho's token reply. */
async function scopesOf(context: WebhookContext, config: Config): Promise<readonly string[]> {
  const named = chosenProfile(config);
  if (named === undefined && hasEnvSignIn(config.env)) {
    const signIn = await openSignIn(context, config, undefined);
    return withHttp(context, config, async (http) => {
      const { scopes = [] } = await accessTokens(context, signIn, http).get(context.signal);
      return scopes;
    });
  }
  const { current, profiles } = await openStore(context, config).profiles();
  return profiles.find(({ name }) => name === (named ?? current))?.scopes ?? [];
}

async function deadWebhooks(
  context: WebhookContext,
  { client, config, product, http, signIn, command }: WebhookSession,
  signal: AbortSignal,
) {
  const own = (await (await client()).list()).filter(({ name = "" }) => OWN_NAME.test(name));
  const control = new URL(signIn.hosts.accountsUrl).hostname;
  const mark = ownerMark(config.root);
  const isMarkInUse = await isInUse(context, product, mark);
  const found = own.map(async ({ id, name = "", url = "" }) => {
    const dead = await findDeadUrl(http, url, control, signal);
    const isLeft = name === mark && !isMarkInUse;
    if (dead === undefined && !isLeft) return [];
    const why = dead === undefined ? "but its listen has ended" : `which no longer answers: ${dead.because}`;
    const message = `webhook ${oneLine(id)} of ${product.title} (${oneLine(name)}) posts to ${oneLine(maskUrl(url))}, ${why}`;
    return [{ message, hint: `if nobody uses it: ${command(deletion(id))}` }];
  });
  return (await Promise.all(found)).flat();
}
