import { maskUrl } from "../../delivery/mask.ts";
import type { TableReport } from "../../process/messages.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { requireOperation } from "../../webhooks/index.ts";
import { isUnused, warnOfUnused, webhookReport } from "../../webhooks/listing.ts";
import type { ManagedProduct, Webhook } from "../../webhooks/managed-product.ts";
import { addWebhookOptions, chosenProduct, type WebhookOptions, withWebhooks } from "../../webhooks/session.ts";
import type { Define } from "../command.ts";

interface ListOptions extends WebhookOptions {
  readonly unused?: boolean;
}

export const defineList: Define = (command, act) => {
  addWebhookOptions(command.command("list"))
    .description("List a product's webhooks, and point out those that no workflow rule calls.")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks webhooks list --product books",
        "zoho-hooks webhooks list --product books --unused     exits with 8 if any has no rule",
      ),
    )
    .option("--unused", "only those that no workflow rule calls; exits with 8 if there are any")
    .action(
      act(async (context, options: ListOptions) => {
        const product = chosenProduct(options);
        requireOperation(product, "list");
        const unused = options.unused === true;
        if (unused && product.rules === undefined)
          throw usageError(`--unused: ${product.title} needs no workflow rules`, "leave it out");
        return withWebhooks(context, options, async (session) => {
          const client = await session.client();
          const all = await context.waiting("asking Zoho for its webhooks", () => client.list());
          const shown = unused ? all.filter(isUnused) : all;
          if (context.json) for (const webhook of shown) context.report(webhookReport("listed", product, webhook));
          else if (shown.length > 0) context.report(tableOf(product, shown));
          warnOfUnused(context, session, all);
          if (shown.length === 0) {
            const message = `no ${product.title} webhook${unused ? " without a rule" : ""}`;
            context.report({ type: "notice", message });
          }
          return unused && shown.length > 0 ? ExitCode.expectation : ExitCode.ok;
        });
      }),
    );
};

/** Leaves out the columns that the product has no values for. */
function tableOf({ rules, events: { noun, many } }: ManagedProduct, webhooks: readonly Webhook[]): TableReport {
  type Column = readonly [name: string, cell: (webhook: Webhook) => string];
  const columns: Column[] = [
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
