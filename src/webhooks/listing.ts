import { maskUrl } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import { oneLine, shellQuoted } from "../util/text.ts";
import type { ManagedProduct, Webhook } from "./managed-product.ts";
import type { WebhookReport } from "./reports.ts";
import type { WebhookSession } from "./session.ts";

export function warnOfUnused(context: Context, session: WebhookSession, webhooks: readonly Webhook[]): void {
  for (const { id, name } of webhooks.filter(isUnused)) {
    context.report({
      type: "warning",
      message: `webhook ${oneLine(id)}${name === undefined ? "" : ` (${oneLine(name)})`} never fires, because no workflow rule calls it`,
      hint: `give it a rule in ${session.product.title}'s settings, or delete it: ${deleteCommand(session, id)}`,
    });
  }
}

/** For the user to copy. The id comes from Zoho, so it is quoted. */
export function deleteCommand({ command }: WebhookSession, id: string): string {
  return command(`delete ${shellQuoted(oneLine(id))}`);
}

export function webhookReport(
  state: WebhookReport["state"],
  product: ManagedProduct,
  { id, name, url, events, enabled, rules, secret }: Webhook & { readonly secret?: string | undefined },
): WebhookReport {
  const facts = { name, url: url === undefined ? undefined : maskUrl(url), events, enabled, rules, secret };
  return { type: "webhook", state, product: product.id, id, webhook: facts };
}

/** Undefined rules are unknown, which is not the same as none. */
export function isUnused({ rules }: Webhook): boolean {
  return rules?.length === 0;
}
