import { findDeadUrl } from "../channels/dead-url.ts";
import { maskUrl } from "../delivery/mask.ts";
import { overrideContext } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { UserError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { managedProducts } from "./index.ts";
import type { WebhookContext } from "./lines.ts";
import { isInUse } from "./live-webhook.ts";
import { forgetProduct, ownWebhooks } from "./owner.ts";
import { deletion, type WebhookSession, withWebhooks } from "./session.ts";

/** The default name of `webhooks create`, with which those of `listen --register` begin. */
const OWN_NAME = /^zoho-hooks\b/;

/**
 * Warns of webhooks called zoho-hooks that post to a URL that no longer answers, and of those that an earlier `listen` of the
 * folder has left, with the command that deletes each. Asks only for products with which the folder has created webhooks, and says
 * nothing of what cannot be read. `registered`: the products whose webhooks this run has taken over.
 */
export async function warnOfDeadWebhooks(
  context: WebhookContext,
  config: Config,
  { registered, signal }: { readonly registered: readonly string[]; readonly signal: AbortSignal },
): Promise<void> {
  const report: WebhookContext["report"] = (each) => void (each.type === "api_request" && context.report(each));
  const silent = overrideContext(context, { report, signal });
  const orNothing = (error: unknown): undefined => {
    if (error instanceof UserError || signal.aborted) return;
    throw error;
  };
  const { mark, products = [] } = (await ownWebhooks(context.userFolder, config.root).catch(orNothing)) ?? {};
  if (mark === undefined) return;
  for (const product of managedProducts) {
    if (!products.includes(product.id) || registered.includes(product.id)) continue;
    await withWebhooks(silent, config, product, {}, async (session) => {
      for (const { message, hint } of await deadWebhooks(silent, session, mark, signal))
        context.report({ type: "warning", message, hint });
    }).catch(orNothing);
  }
}

async function deadWebhooks(
  context: WebhookContext,
  { client, config, product, http, signIn, command }: WebhookSession,
  mark: string,
  signal: AbortSignal,
) {
  const own = (await (await client()).list()).filter(({ name = "" }) => OWN_NAME.test(name));
  const control = new URL(signIn.hosts.accountsUrl).hostname;
  if (own.length === 0) await forgetProduct(context.userFolder, config.root, product.id);
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
