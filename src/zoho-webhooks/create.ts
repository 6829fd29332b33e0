import { notifyUrl } from "../channels/notify-url.ts";
import { differentUrl, MASK } from "../delivery/mask.ts";
import type { Config } from "../project/load.ts";
import { errorText, UserError, usageError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { isRejection } from "../zoho-api/errors.ts";
import { usesLocalZoho } from "../zoho-api/session.ts";
import { readWebhookEvents } from "./events.ts";
import type { WebhookContext } from "./lines.ts";
import { recordProduct } from "./owner.ts";
import type { ManagedProduct, Webhook, WebhookConfig } from "./product-api.ts";
import { type ChosenSecret, chooseSecret, storeSecret } from "./secret.ts";
import {
  deletion,
  failureOf,
  type WebhookOptions,
  type WebhookSession,
  warnOfUnused,
  webhookLine,
  withWebhooks,
} from "./session.ts";

export interface CreateOptions extends WebhookOptions {
  readonly name: string;
  readonly rule?: string;
  readonly showSecrets?: boolean;
}

/** Creates a webhook, or with `dryRun` shows the requests. `findUrl`: the URL that Zoho, which may be local, is to post to. */
export async function createWebhook(
  context: WebhookContext,
  config: Config,
  product: ManagedProduct,
  words: readonly string[],
  options: CreateOptions,
  findUrl: (isZohoLocal: boolean) => Promise<string>,
): Promise<void> {
  const { name, rule } = options;
  requireRuleKind(product, rule);
  const events = readWebhookEvents(context, product, words);
  const isZohoLocal = await usesLocalZoho(context, config, options.profile);
  const url = notifyUrl(context, await findUrl(isZohoLocal), { isZohoLocal, plainHttp: product.plainHttp === true });
  await withWebhooks(context, config, product, options, async (session) => {
    const chosen = chooseSecret(context, config, product);
    const webhook: WebhookConfig = { name, url, events, secret: chosen?.value };
    checkWebhook(context, product, webhook);
    if (options.dryRun !== true) return create(context, session, webhook, chosen, options);
    session.show((requests) => {
      const addRule = rule === undefined ? undefined : requests.addRule({ id: "<its id>", config: webhook }, rule);
      return [requests.create(webhook), ...(addRule === undefined ? [] : [addRule])];
    });
  });
}

function requireRuleKind({ title, rules }: ManagedProduct, kind: string | undefined): void {
  if (kind === undefined || rules?.kinds.includes(kind)) return;
  throw rules === undefined
    ? usageError(`--rule: ${title} needs no workflow rules`, "leave it out")
    : usageError(`--rule ${kind} is not known`, `use one of ${rules.kinds.join(", ")}`);
}

/** Throws a usage error for what Zoho would reject, and warns of what it may. */
export function checkWebhook(context: WebhookContext, product: ManagedProduct, webhook: WebhookConfig): void {
  const refusal = product.rejection?.(webhook);
  if (refusal !== undefined) throw usageError(refusal);
  const warning = product.warn?.(webhook);
  if (warning !== undefined) context.report({ type: "warning", message: warning });
}

/** Warns where a webhook that was just created is listed otherwise than it was asked for. */
export function warnOfDifferences(context: WebhookContext, asked: WebhookConfig, listed: Webhook): void {
  const warn = (message: string): void => context.report({ type: "warning", message });
  const name = `webhook ${oneLine(listed.id)}`;
  if (listed.url !== asked.url) warn(differentUrl(listed.url, asked.url));
  const missing = asked.events.filter((event) => !listed.events.includes(event));
  if (missing.length > 0) warn(`Zoho does not list ${missing.join(", ")} for ${name}`);
  if (listed.enabled === false) warn(`Zoho created ${name} but did not enable it`);
}

/** Creates a webhook, stores its secret, creates its rule, and reports what Zoho lists afterwards. */
async function create(
  context: WebhookContext,
  session: WebhookSession,
  config: WebhookConfig,
  chosen: ChosenSecret | undefined,
  { rule }: CreateOptions,
): Promise<void> {
  const { product, signIn, command } = session;
  const warn = (message: string, hint?: string): void => context.report({ type: "warning", message, hint });
  const client = await session.client();
  const id = await context
    .waiting("creating the webhook", () => client.create(config))
    .catch((error: unknown) => {
      if (!isRejection(error))
        warn(
          "Zoho may have created the webhook, but its secret was not stored",
          `look for it and delete it: ${command("list")}`,
        );
      throw error;
    });
  // Without it, no later listen warns that the webhook posts to nobody.
  await recordProduct(context.userFolder, session.config.root, product.id).catch(() => undefined);
  const name = `webhook ${oneLine(id)}`;
  const toDelete = command(deletion(id));
  // Before anything else can fail, since Sign never shows a secret again.
  try {
    if (chosen?.isNew) await storeSecret(context, session.config, product, chosen.value);
  } catch (error) {
    throw usageError(
      `${name} was created, but its secret could not be stored: ${errorText(error)}`,
      `delete it and create it again: ${toDelete}`,
    );
  }
  let isRuleOpen = rule !== undefined;
  let failure: UserError | undefined;
  let listed: Webhook | undefined;
  try {
    if (rule !== undefined) failure = await failureOf(client.addRule({ id, config }, rule));
    isRuleOpen = failure !== undefined && !isRejection(failure);
    listed = (await client.list()).find((webhook) => webhook.id === id);
  } catch (error) {
    warn(
      `${name} was created${isRuleOpen ? ", perhaps with its workflow rule," : ""} but could not be read back`,
      `to delete it: ${toDelete}`,
    );
    throw error;
  }
  if (listed === undefined) {
    throw new UserError(
      "zohoApi",
      `${product.title} reported that it created ${name}, but does not list it`,
      `look again in a moment: ${command("list")}`,
      "not_listed",
    );
  }
  const secret = chosen && MASK;
  context.report(webhookLine("created", product, { ...listed, secret }));
  warnOfDifferences(context, config, listed);
  if (failure !== undefined) {
    throw new UserError(
      "zohoApi",
      `${name} was created, but its workflow rule ${isRuleOpen ? "may not have been" : "was not"}: ${failure.message}`,
      `create the rule in ${product.title}'s settings, or delete the webhook: ${toDelete}`,
      "no_rule",
    );
  }
  warnOfUnused(context, session, [listed]);
  const note = product.note?.(config, oneLine(id), signIn);
  if (note !== undefined) context.report({ type: "notice", message: note });
}
