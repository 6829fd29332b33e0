import type { Context } from "../../context.ts";
import { ExitCode, errorText, UserError, usageError } from "../../core/errors.ts";
import { differentUrl, MASK } from "../../core/mask.ts";
import { oneLine } from "../../core/one-line.ts";
import { isRefusal } from "../../zoho/api-error.ts";
import type { Webhook, WebhookConfig } from "../../zoho/webhooks/managed-product.ts";
import { deletion, nameOrphans, webhookReport } from "./list.ts";
import type { ChosenSecret } from "./webhook-secret.ts";
import type { WebhookSession } from "./webhooks-session.ts";

interface Wanted {
  readonly config: WebhookConfig;
  readonly chosen: ChosenSecret | undefined;
  /** The kind of the workflow rule that is to call it. */
  readonly rule: string | undefined;
  /** Whether its secret may be shown. */
  readonly show: boolean;
}

/** Creates a webhook, keeps its secret, makes its rule, and reports what Zoho lists then. */
export async function makeWebhook(
  context: Context,
  session: WebhookSession,
  { config, chosen, rule, show }: Wanted,
): Promise<ExitCode> {
  const { product, centre } = session;
  const client = await session.client();
  const id = await context
    .waiting("creating the webhook", () => client.create(config))
    .catch((error: unknown) => {
      if (!isRefusal(error)) warnOfLeftover(context, session);
      throw error;
    });
  // Kept before anything else can fail: Sign never shows a secret again.
  keepSecret(context, session, id, chosen);
  let isRuleOpen = rule !== undefined;
  const addRule = async () => (rule === undefined ? undefined : failureOf(client.addRule({ id, config }, rule)));
  const readBack = async () => {
    const failure = await addRule();
    isRuleOpen = failure !== undefined && !isRefusal(failure);
    return { failure, webhooks: await client.list() };
  };
  const { failure, webhooks } = await readBack().catch((error: unknown) => {
    warnOfUnread(context, session, id, isRuleOpen);
    throw error;
  });
  const listed = webhooks.find((webhook) => webhook.id === id);
  if (listed === undefined) {
    throw new UserError(
      "zohoApi",
      `${product.title} says that it has made webhook ${oneLine(id)}, and does not list it`,
      `look again in a moment: ${context.invocation} webhooks list ${session.flags}`,
      "not_listed",
    );
  }
  const secret = chosen === undefined ? undefined : show ? chosen.value : MASK;
  context.report(webhookReport("created", product, listed, secret));
  warnOfDifferences(context, config, listed);
  if (failure !== undefined) {
    throw new UserError(
      "zohoApi",
      `webhook ${oneLine(id)} was created, and the workflow rule that is to call it ${isRefusal(failure) ? "was not" : "may not have been"}: ${failure.message}`,
      `make the rule in ${product.title}'s settings, or delete the webhook: ${deletion(context, session, id)}`,
      "no_rule",
    );
  }
  nameOrphans(context, session, [listed]);
  const note = product.note?.(config, oneLine(id), centre);
  if (note !== undefined) context.report({ type: "notice", message: note });
  return ExitCode.ok;
}

function keepSecret(context: Context, session: WebhookSession, id: string, chosen: ChosenSecret | undefined) {
  try {
    const file = chosen?.keep?.();
    if (file !== undefined) context.report({ type: "notice", message: `its secret is kept in ${file}` });
  } catch (error) {
    throw usageError(
      `webhook ${oneLine(id)} was created, and its secret could not be kept: ${errorText(error)}`,
      `delete it, and make it again: ${deletion(context, session, id)}`,
    );
  }
}

function warnOfLeftover(context: Context, { flags }: WebhookSession): void {
  context.report({
    type: "warning",
    message: "whether Zoho has made the webhook is not known, and no secret of it was kept",
    hint: `look, and delete what is there: ${context.invocation} webhooks list ${flags}`,
  });
}

function warnOfUnread(context: Context, session: WebhookSession, id: string, isRuleOpen: boolean): void {
  const rule = isRuleOpen ? ", the workflow rule that is to call it may have been" : "";
  context.report({
    type: "warning",
    message: `webhook ${oneLine(id)} was created${rule}, and could not be read back`,
    hint: `it is there: ${deletion(context, session, id)} takes it away again`,
  });
}

async function failureOf(work: Promise<void>): Promise<UserError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

/** Tells where what Zoho lists is not what was asked for. */
function warnOfDifferences(context: Context, asked: WebhookConfig, { id, url, events, enabled }: Webhook): void {
  const warn = (message: string): void => context.report({ type: "warning", message });
  if (url !== asked.url) warn(differentUrl(url, asked.url));
  const missing = asked.events.filter((event) => !events.includes(event));
  if (missing.length > 0) warn(`Zoho does not list ${missing.join(", ")} for webhook ${oneLine(id)}`);
  if (enabled === false) warn(`Zoho has made webhook ${oneLine(id)}, and not switched it on`);
}
