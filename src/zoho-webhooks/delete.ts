import type { Config } from "../project/load.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { requestedDeletions } from "../zoho-api/collection.ts";
import { confirm } from "../zoho-api/session.ts";
import type { WebhookContext, WebhookLine } from "./lines.ts";
import type { ManagedProduct } from "./product-api.ts";
import { type WebhookOptions, type WebhookSession, withWebhooks } from "./session.ts";

/** Deletes webhooks after a question, or with `dryRun` shows the requests. */
export async function deleteWebhooks(
  context: WebhookContext,
  config: Config,
  product: ManagedProduct,
  texts: readonly string[],
  options: WebhookOptions & { readonly yes?: boolean },
): Promise<ExitCode> {
  const ids = [...new Set(texts.map(webhookId))];
  return withWebhooks(context, config, product, options, async (session) => {
    if (options.dryRun === true) {
      session.show(({ remove }) => ids.map(remove));
      return ExitCode.ok;
    }
    const subject = ids.length === 1 ? `webhook ${ids[0]}` : `${ids.length} webhooks (${ids.join(", ")})`;
    if (await confirm(context, session, `Delete ${subject} of ${product.title}?`, options))
      return remove(context, session, ids);
    context.report({ type: "notice", message: "nothing was changed" });
    return ExitCode.ok;
  });
}

/** Ids stay text: they have up to 19 digits. */
function webhookId(text: string): string {
  if (/^\d{1,19}$/.test(text)) return text;
  throw usageError(
    `${JSON.stringify(text)} is not a webhook id`,
    "an id has up to 19 digits: see zoho-hooks webhooks list",
  );
}

/** Reports each webhook by what the list shows afterwards. The exit code is 7 unless all were deleted. */
async function remove(context: WebhookContext, session: WebhookSession, ids: readonly string[]): Promise<ExitCode> {
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
  const report = (state: WebhookLine["state"], id: string, reason?: string): void =>
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
  for (const { id, because } of remaining) report("not_deleted", id, because);
  return unknown.length + remaining.length > 0 ? ExitCode.zohoApi : ExitCode.ok;
}
