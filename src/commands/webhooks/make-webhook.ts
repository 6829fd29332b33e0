import { randomInt } from "node:crypto";
import { sameText } from "../../body/secret.ts";
import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { differentUrl, MASK } from "../../core/mask.ts";
import { ExitCode, errorText, UserError, usageError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { isRejection } from "../../zoho/errors.ts";
import type { ManagedProduct, Webhook, WebhookConfig } from "../../zoho/webhooks/managed-product.ts";
import { givenSecrets } from "../helpers/options.ts";
import { deletion, nameOrphans, webhookReport } from "./list.ts";
import type { WebhookSession } from "./session.ts";

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
      if (!isRejection(error)) warnOfLeftover(context, session);
      throw error;
    });
  // Kept before anything else can fail: Sign never shows a secret again.
  keepSecret(context, session, id, chosen);
  let isRuleOpen = rule !== undefined;
  const addRule = async () => (rule === undefined ? undefined : failureOf(client.addRule({ id, config }, rule)));
  const readBack = async () => {
    const failure = await addRule();
    isRuleOpen = failure !== undefined && !isRejection(failure);
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
      `webhook ${oneLine(id)} was created, and the workflow rule that is to call it ${isRejection(failure) ? "was not" : "may not have been"}: ${failure.message}`,
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

export interface SecretOptions {
  readonly secretFile?: string;
  readonly unsigned?: boolean;
}

interface ChosenSecret {
  readonly value: string;
  /** Keeps it in the project, once Zoho has it, so that `listen` checks with it; undefined where it does already. */
  readonly keep: (() => string) | undefined;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** 238 bits; what every product takes. */
const LENGTH = 40;

/**
 * The secret that a webhook is to sign with: the one that `listen` checks this product with in the project, for that is
 * one for all its webhooks; else a new one. Undefined where it is not to sign, or signs with a key of Zoho's.
 */
export async function chooseSecret(
  context: Context,
  config: Config,
  { id, title, secret: rule }: ManagedProduct,
  options: SecretOptions,
): Promise<ChosenSecret | undefined> {
  const { secretFile, unsigned } = options;
  if (rule === undefined) {
    if (secretFile === undefined && unsigned !== true) return undefined;
    throw usageError(
      `${secretFile === undefined ? "--unsigned" : "--secret-file"}: ${title} signs with a key of Zoho's own, always`,
      "leave it out",
    );
  }
  if (unsigned === true) {
    if (secretFile !== undefined) throw usageError("--unsigned and --secret-file exclude each other");
    return undefined;
  }
  const [known] = config.secrets.for("secret", id);
  const given = (await givenSecrets(context, secretFile === undefined ? {} : { secretFile })).secret;
  if (given !== undefined && known !== undefined && !sameText(given.reveal(), known.reveal())) {
    throw usageError(
      `--secret-file: listen checks ${id} in this project with ${known.origin}, which is another secret`,
      "leave --secret-file out to sign with that one",
    );
  }
  const chosen = given ?? known;
  if (chosen !== undefined && !rule.pattern.test(chosen.reveal())) {
    throw usageError(
      `${chosen.origin}: a secret of ${title} has to be ${rule.rule}`,
      given === undefined
        ? `set ZOHO_WEBHOOK_SECRET_${id.toUpperCase()} to one, or add --unsigned to go without`
        : "choose another one",
    );
  }
  const value = chosen?.reveal() ?? newSecret();
  return {
    value,
    keep: known === undefined ? () => config.keepSecret(id, { credential: "secret", value }) : undefined,
  };
}

function newSecret(): string {
  return Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}
