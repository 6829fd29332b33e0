import type { Context } from "../../context.ts";
import { examples } from "../../reports/help.ts";
import type { WebhookReport } from "../../reports/webhook.ts";
import { ExitCode } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import type { RequestedDeletions } from "../../zoho/collection.ts";
import { requestedDeletions } from "../../zoho/collection.ts";
import { requestFor } from "../../zoho/webhooks/client.ts";
import { requireOperation } from "../../zoho/webhooks/index.ts";
import type { WebhookCall } from "../../zoho/webhooks/managed-product.ts";
import type { Define } from "../command.ts";
import { confirm, showRequest } from "../helpers/notices.ts";
import {
  addWebhookOptions,
  chosenProduct,
  type WebhookOptions,
  type WebhookSession,
  webhookId,
  withWebhooks,
} from "./session.ts";

interface DeleteOptions extends WebhookOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export const defineDelete: Define = (command, act) => {
  addWebhookOptions(command.command("delete"))
    .description("Delete webhooks, and read the list again to make sure.")
    .addHelpText("before", examples("zoho-hooks webhooks delete 460000000026049 --product inventory"))
    .argument("<id...>", "the webhooks' ids")
    .option("-y, --yes", "do not ask")
    .option("--dry-run", "print the requests, delete nothing")
    .action(
      act(async (context, texts: readonly string[], options: DeleteOptions) => {
        const endpoint = requireOperation(chosenProduct(options), "remove");
        const ids = [...new Set(texts.map(webhookId))];
        return withWebhooks(context, options, async (session) => {
          if (options.dryRun === true) return showCalls(context, session, ids.map(endpoint.call));
          const what = ids.length === 1 ? `webhook ${ids[0]}` : `${ids.length} webhooks (${ids.join(", ")})`;
          if (!(await confirm(context, `Delete ${what} of ${session.product.title}?`, options.yes))) {
            context.report({ type: "notice", message: "nothing was changed" });
            return ExitCode.ok;
          }
          return deleteWebhooks(context, session, ids);
        });
      }),
    );
};

/** Deletes webhooks and reports each by what the list says afterwards. Exits with 7 unless all were deleted. */
async function deleteWebhooks(context: Context, session: WebhookSession, ids: readonly string[]): Promise<ExitCode> {
  const { product } = session;
  const client = await session.client();
  const asked = requestedDeletions();
  const { deleted, unknown, remaining } = await context
    .waiting("deleting webhooks", () => client.remove(ids, asked))
    .catch((error: unknown) => {
      warnOfUnread(context, session, asked);
      throw error;
    });
  const report = (state: WebhookReport["state"], id: string, reason?: string): void =>
    context.report({ type: "webhook", state, product: product.id, id, reason });
  for (const { id, rules = [] } of deleted) {
    report("deleted", id);
    if (rules.length === 0) continue;
    context.report({
      type: "warning",
      message: `workflow rule ${oneLine(rules.join(", "))} has called webhook ${id}, and is still there`,
      hint: `look at it in ${product.title}'s settings, under workflow rules`,
    });
  }
  for (const id of unknown) report("unknown", id, "Zoho does not list it: it was deleted before, or the id is wrong");
  for (const { id, because } of remaining) report("not-deleted", id, because);
  return unknown.length + remaining.length > 0 ? ExitCode.zohoApi : ExitCode.ok;
}

function warnOfUnread(
  context: Context,
  { product, flags }: WebhookSession,
  { confirmed, unanswered }: RequestedDeletions,
): void {
  const warn = (said: string, ids: ReadonlySet<string>): void => {
    if (ids.size === 0) return;
    const message = `${said}: ${[...ids].join(", ")}`;
    context.report({
      type: "warning",
      message,
      hint: `see what is left: ${context.invocation} webhooks list ${flags}`,
    });
  };
  warn(
    `${product.title} said that it has deleted these webhooks, and its list could not be read afterwards`,
    confirmed,
  );
  warn("these webhooks may have been deleted: Zoho's answer did not come", unanswered);
}

/** Stands for an organisation that only a request could find out. */
const TO_BE_FOUND = "yours";

/** Shows calls to Zoho, with their secrets masked, instead of making them. */
export function showCalls(context: Context, session: WebhookSession, calls: readonly WebhookCall[]): ExitCode {
  const { product, org } = session;
  const isNeeded = product.organisation.discover !== undefined;
  const organisation = org ?? (isNeeded ? TO_BE_FOUND : undefined);
  for (const call of calls) showRequest(context, session, requestFor(product, call, organisation));
  return ExitCode.ok;
}
