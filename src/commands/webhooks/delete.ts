import type { Context } from "../../project/context.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { requireOperation } from "../../webhooks/index.ts";
import type { WebhookReport } from "../../webhooks/reports.ts";
import {
  addWebhookOptions,
  chosenProduct,
  showCalls,
  type WebhookOptions,
  type WebhookSession,
  withWebhooks,
} from "../../webhooks/session.ts";
import { requestedDeletions } from "../../zoho-api/collection.ts";
import { confirm } from "../../zoho-api/confirm.ts";
import type { Define } from "../command.ts";

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
    .option("--dry-run", "print the requests, delete nothing; needs no sign-in")
    .action(
      act(async (context, texts: readonly string[], options: DeleteOptions) => {
        const endpoint = requireOperation(chosenProduct(options), "remove");
        const ids = [...new Set(texts.map(webhookId))];
        return withWebhooks(context, options, async (session) => {
          if (options.dryRun === true) return showCalls(context, session, ids.map(endpoint.call));
          const what = ids.length === 1 ? `webhook ${ids[0]}` : `${ids.length} webhooks (${ids.join(", ")})`;
          if (await confirm(context, session, `Delete ${what} of ${session.product.title}?`, options))
            return deleteWebhooks(context, session, ids);
          context.report({ type: "notice", message: "nothing was changed" });
          return ExitCode.ok;
        });
      }),
    );
};

/** Ids stay text: they have up to 19 digits. */
function webhookId(text: string): string {
  if (/^\d{1,19}$/.test(text)) return text;
  throw usageError(
    `${JSON.stringify(text)} is not a webhook id`,
    "an id has up to 19 digits: see zoho-hooks webhooks list",
  );
}

/** Reports each webhook by what the list shows afterwards. The exit code is 7 unless all were deleted. */
async function deleteWebhooks(context: Context, session: WebhookSession, ids: readonly string[]): Promise<ExitCode> {
  const { product, command } = session;
  const client = await session.client();
  const requested = requestedDeletions();
  const warn = (message: string, hint: string): void => context.report({ type: "warning", message, hint });
  const warnOfUnread = (message: string, unread: ReadonlySet<string>): void => {
    if (unread.size > 0) warn(`${message}: ${[...unread].join(", ")}`, `see what is left: ${command("list")}`);
  };
  const { deleted, unknown, remaining } = await context
    .waiting("deleting webhooks", () => client.remove(ids, requested))
    .catch((error: unknown) => {
      const unread = "reported these webhooks as deleted, but its list could not be read afterwards";
      warnOfUnread(`${product.title} ${unread}`, requested.confirmed);
      warnOfUnread("these webhooks may have been deleted, but Zoho did not answer", requested.unanswered);
      throw error;
    });
  const report = (state: WebhookReport["state"], id: string, reason?: string): void =>
    context.report({ type: "webhook", state, product: product.id, id, reason });
  for (const { id, rules = [] } of deleted) {
    report("deleted", id);
    if (rules.length === 0) continue;
    warn(
      `workflow rule ${oneLine(rules.join(", "))}, which called webhook ${id}, is still there`,
      `look at it in ${product.title}'s settings, under workflow rules`,
    );
  }
  for (const id of unknown) report("unknown", id, "Zoho does not list it: it was deleted before, or the id is wrong");
  for (const { id, because } of remaining) report("not-deleted", id, because);
  return unknown.length + remaining.length > 0 ? ExitCode.zohoApi : ExitCode.ok;
}
