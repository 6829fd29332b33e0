import type { Context } from "../../context.ts";
import { maskUrl } from "../../core/mask.ts";
import { examples } from "../../reports/help.ts";
import type { TableReport } from "../../reports/layout.ts";
import type { WebhookReport } from "../../reports/webhook.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { oneLine, shellQuoted } from "../../util/text.ts";
import { requireOperation } from "../../zoho/webhooks/index.ts";
import type { ManagedProduct, Webhook } from "../../zoho/webhooks/managed-product.ts";
import type { Define } from "../command.ts";
import { addWebhookOptions, chosenProduct, type WebhookOptions, type WebhookSession, withWebhooks } from "./session.ts";

interface ListOptions extends WebhookOptions {
  readonly orphans?: boolean;
}

export const defineList: Define = (command, act) => {
  addWebhookOptions(command.command("list"))
    .description("List a product's webhooks, and point out those that no workflow rule calls.")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks webhooks list --product books",
        "zoho-hooks webhooks list --product books --orphans     exits with 8 if any has no rule",
      ),
    )
    .option("--orphans", "only those that no workflow rule calls; exits with 8 if there are any")
    .action(
      act(async (context, options: ListOptions) => {
        const product = chosenProduct(options);
        requireOperation(product, "list");
        if (options.orphans === true && product.rules === undefined)
          throw usageError(`--orphans: ${product.title} posts without workflow rules`, "leave it out");
        return withWebhooks(context, options, async (session) => {
          const client = await session.client();
          const all = await context.waiting("asking Zoho for its webhooks", () => client.list());
          const shown = options.orphans === true ? all.filter(isOrphan) : all;
          showWebhooks(context, product, shown);
          nameOrphans(context, session, all);
          if (shown.length === 0)
            context.report({
              type: "notice",
              message: `no ${product.title} webhook${options.orphans ? " without a rule" : ""}`,
            });
          return options.orphans === true && shown.length > 0 ? ExitCode.expectation : ExitCode.ok;
        });
      }),
    );
};

function showWebhooks(context: Context, product: ManagedProduct, webhooks: readonly Webhook[]): void {
  if (context.json) {
    for (const webhook of webhooks) context.report(webhookReport("listed", product, webhook));
  } else if (webhooks.length > 0) context.report(tableOf(product, webhooks));
}

/** A column only where there is something to say in it. */
function tableOf({ rules: rule, events: { noun, many } }: ManagedProduct, webhooks: readonly Webhook[]): TableReport {
  const columns: readonly (readonly [name: string, cell: (webhook: Webhook) => string])[] = [
    ["webhook", ({ id }) => id],
    ["name", ({ name }) => name ?? ""],
    [many ? `${noun}s` : noun, ({ events }) => events.join(" ")],
    ...(webhooks.every(({ enabled }) => enabled === undefined)
      ? []
      : [
          ["enabled", ({ enabled }: Webhook) => (enabled === undefined ? "not said" : enabled ? "yes" : "no")] as const,
        ]),
    ["URL", ({ url }) => maskUrl(url ?? "")],
    ...(rule === undefined
      ? []
      : [["rules", ({ rules }: Webhook) => (rules === undefined ? "not said" : rules.join(" ") || "none")] as const]),
  ];
  return {
    type: "table",
    columns: columns.map(([name]) => name),
    rows: webhooks.map((webhook) => columns.map(([, cell]) => cell(webhook))),
    json: [],
  };
}

/** What is known to have no rule; one of which Zoho does not say is none. */
function isOrphan({ rules }: Webhook): boolean {
  return rules?.length === 0;
}

/** The command that deletes a webhook, to be copied: its id is Zoho's to choose. */
export function deletion(context: Context, { flags }: WebhookSession, id: string): string {
  return `${context.invocation} webhooks delete ${shellQuoted(oneLine(id))} ${flags}`;
}

export function nameOrphans(context: Context, session: WebhookSession, webhooks: readonly Webhook[]): void {
  for (const { id, name } of webhooks.filter(isOrphan)) {
    context.report({
      type: "warning",
      message: `webhook ${oneLine(id)}${name === undefined ? "" : ` (${oneLine(name)})`} is an orphan: no workflow rule calls it, so it never fires`,
      hint: `give it a rule in ${session.product.title}'s settings, or delete it: ${deletion(context, session, id)}`,
    });
  }
}

export function webhookReport(
  state: WebhookReport["state"],
  product: ManagedProduct,
  { id, name, url, events, enabled, rules }: Webhook,
  secret?: string,
): WebhookReport {
  const facts = { name, url: url === undefined ? undefined : maskUrl(url), events, enabled, rules, secret };
  return { type: "webhook", state, product: product.id, id, webhook: facts };
}
