import { randomInt } from "node:crypto";
import { join } from "node:path";
import { differentUrl, MASK } from "../delivery/mask.ts";
import { sameText } from "../delivery/secret.ts";
import type { Context } from "../project/context.ts";
import { warnIfTracked } from "../project/git.ts";
import { givenSecrets } from "../project/given-secrets.ts";
import { KEYS_FOLDER } from "../project/secrets.ts";
import { trustOwn } from "../project/trust.ts";
import { ExitCode, errorText, UserError, usageError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { isRejection } from "../zoho-api/errors.ts";
import { deleteCommand, warnOfUnused, webhookReport } from "./listing.ts";
import type { Webhook, WebhookConfig } from "./managed-product.ts";
import type { WebhookSession } from "./session.ts";

interface Wanted {
  readonly config: WebhookConfig;
  readonly chosen: ChosenSecret | undefined;
  /** The kind of the workflow rule to create. */
  readonly rule: string | undefined;
  readonly showSecret: boolean;
}

/** Creates a webhook, stores its secret, creates its rule, and reports what Zoho lists afterwards. */
export async function makeWebhook(
  context: Context,
  session: WebhookSession,
  { config, chosen, rule, showSecret }: Wanted,
): Promise<ExitCode> {
  const { product, signIn, command } = session;
  const warn = (message: string, hint?: string): void =>
    context.report({ type: "warning", message, ...(hint && { hint }) });
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
  const name = `webhook ${oneLine(id)}`;
  // Before anything else can fail, since Sign never shows a secret again.
  try {
    if (chosen?.store !== undefined) await trustOwn(context, join(session.config.root, KEYS_FOLDER));
    const file = chosen?.store?.();
    if (file !== undefined) {
      context.report({ type: "notice", message: `its secret is stored in ${file}` });
      warnIfTracked(context, session.config.root, file);
    }
  } catch (error) {
    throw usageError(
      `${name} was created, but its secret could not be stored: ${errorText(error)}`,
      `delete it and create it again: ${deleteCommand(session, id)}`,
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
      `to delete it: ${deleteCommand(session, id)}`,
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
  const secret = chosen === undefined ? undefined : showSecret ? chosen.value : MASK;
  context.report(webhookReport("created", product, { ...listed, secret }));
  if (listed.url !== config.url) warn(differentUrl(listed.url, config.url));
  const missing = config.events.filter((event) => !listed.events.includes(event));
  if (missing.length > 0) warn(`Zoho does not list ${missing.join(", ")} for ${name}`);
  if (listed.enabled === false) warn(`Zoho created ${name} but did not enable it`);
  if (failure !== undefined) {
    throw new UserError(
      "zohoApi",
      `${name} was created, but its workflow rule ${isRejection(failure) ? "was not" : "may not have been"}: ${failure.message}`,
      `create the rule in ${product.title}'s settings, or delete the webhook: ${deleteCommand(session, id)}`,
      "no_rule",
    );
  }
  warnOfUnused(context, session, [listed]);
  const note = product.note?.(config, oneLine(id), signIn.centre);
  if (note !== undefined) context.report({ type: "notice", message: note });
  return ExitCode.ok;
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

export interface SecretOptions {
  readonly secretFile?: string;
  readonly unsigned?: boolean;
}

interface ChosenSecret {
  readonly value: string;
  /** Stores it in the project, so that `listen` verifies with it. Undefined if the project has it already. */
  readonly store: (() => string) | undefined;
}

/**
 * The secret that the webhook signs with: the one that `listen` verifies this product with, since all its webhooks share
 * one; else a new one. Undefined if the webhook does not sign, or signs with Zoho's key.
 */
export async function chooseSecret(
  context: Context,
  { config, product: { id, title, secret: rule } }: Pick<WebhookSession, "config" | "product">,
  { secretFile, unsigned }: SecretOptions,
): Promise<ChosenSecret | undefined> {
  if (rule === undefined) {
    if (secretFile === undefined && unsigned !== true) return undefined;
    const flag = secretFile === undefined ? "--unsigned" : "--secret-file";
    throw usageError(`${flag}: ${title} always signs with Zoho's own key`, "leave it out");
  }
  if (unsigned === true) {
    if (secretFile !== undefined) throw usageError("--unsigned and --secret-file exclude each other");
    return undefined;
  }
  const [known] = config.secrets.for("secret", id);
  const given = (await givenSecrets(context, secretFile === undefined ? {} : { secretFile })).secret;
  if (given !== undefined && known !== undefined && !sameText(given.reveal(), known.reveal())) {
    throw usageError(
      `--secret-file: listen uses another secret for ${id} in this project, ${known.origin}`,
      "leave --secret-file out to sign with that one",
    );
  }
  const chosen = given ?? known;
  if (chosen !== undefined && !rule.pattern.test(chosen.reveal())) {
    throw usageError(
      `${chosen.origin}: a secret for ${title} must be ${rule.rule}`,
      given === undefined
        ? `set ZOHO_WEBHOOK_SECRET_${id.toUpperCase()} to one, or add --unsigned to create the webhook without a secret`
        : "choose another one",
    );
  }
  const value = chosen?.reveal() ?? newSecret();
  context.knownSecrets.remember(value);
  const store = known === undefined ? () => config.storeSecret(id, { credential: "secret", value }) : undefined;
  return { value, store };
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** 238 bits, in characters that every product accepts. */
const SECRET_LENGTH = 40;

function newSecret(): string {
  return Array.from({ length: SECRET_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}
