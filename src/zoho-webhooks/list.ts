import { maskUrl } from "../delivery/mask.ts";
import type { TableReport } from "../process/messages.ts";
import type { Config } from "../project/load.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import type { WebhookContext } from "./lines.ts";
import type { ManagedProduct, Webhook } from "./product-api.ts";
import { isUnused, type WebhookOptions, warnOfUnused, webhookLine, withWebhooks } from "./session.ts";

/** Shows a product's webhooks. With `unused`, only those that no rule calls, and exits with 8 if there are any. */
export async function listWebhooks(
  context: WebhookContext,
  config: Config,
  product: ManagedProduct,
  { unused = false, ...options }: WebhookOptions & { readonly unused?: boolean },
): Promise<ExitCode> {
  if (unused && product.rules === undefined)
    throw usageError(`--unused: ${product.title} needs no workflow rules`, "leave it out");
  return withWebhooks(context, config, product, options, async (session) => {
    const client = await session.client();
    const all = await context.waiting("asking Zoho for its webhooks", () => client.list());
    const shown = unused ? all.filter(isUnused) : all;
    if (context.json) for (const webhook of shown) context.report(webhookLine("listed", product, webhook));
    else if (shown.length > 0) context.report(tableOf(product, shown));
    warnOfUnused(context, session, all);
    if (shown.length === 0) {
      const message = `no ${product.title} webhook${unused ? " without a rule" : ""}`;
      context.report({ type: "notice", message });
    }
    return unused && shown.length > 0 ? ExitCode.expectation : ExitCode.ok;
  });
}

/** Leaves out the columns that the product has no values for. */
function tableOf({ rules, events: { noun, many } }: ManagedProduct, webhooks: readonly Webhook[]): TableReport {
  const columns: (readonly [name: string, cell: (webhook: Webhook) => string])[] = [
    ["webhook", ({ id }) => id],
    ["name", ({ name }) => name ?? ""],
    [many ? `${noun}s` : noun, ({ events }) => events.join(" ")],
  ];
  if (webhooks.some(({ enabled }) => enabled !== undefined))
    columns.push(["enabled", ({ enabled }) => (enabled === undefined ? "unknown" : enabled ? "yes" : "no")]);
  columns.push(["URL", ({ url }) => maskUrl(url ?? "")]);
  if (rules !== undefined)
    columns.push(["rules", (webhook) => (webhook.rules === undefined ? "unknown" : webhook.rules.join(" ") || "none")]);
  return {
    type: "table",
    columns: columns.map(([name]) => name),
    rows: webhooks.map((webhook) => columns.map(([, cell]) => cell(webhook))),
    json: [],
  };
}
