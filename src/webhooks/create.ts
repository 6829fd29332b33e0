import { randomInt } from "node:crypto";
import { join } from "node:path";
import { notifyUrl } from "../channels/notify-url.ts";
import { eventNames, findFormat, findProduct, nearest } from "../contract/event-names.ts";
import { differentUrl, MASK } from "../delivery/mask.ts";
import { products } from "../products/index.ts";
import type { Context } from "../project/context.ts";
import { warnIfTracked } from "../project/git.ts";
import type { Config } from "../project/load.ts";
import { KEYS_FOLDER } from "../project/secrets.ts";
import { trustOwn } from "../project/trust.ts";
import { errorText, UserError, usageError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { isRejection } from "../zoho-api/errors.ts";
import { usesLocalZoho } from "../zoho-api/session.ts";
import type { ManagedProduct, Webhook, WebhookConfig } from "./product-api.ts";
import {
  deletion,
  failureOf,
  type WebhookOptions,
  type WebhookSession,
  warnOfUnused,
  webhookReport,
  withWebhooks,
} from "./session.ts";

export interface CreateOptions extends WebhookOptions {
  readonly name: string;
  readonly rule?: string;
  readonly showSecrets?: boolean;
}

/** Creates a webhook, or with `dryRun` shows the requests. `findUrl`: the URL that Zoho, which may be local, is to post to. */
export async function createWebhook(
  context: Context,
  config: Config,
  product: ManagedProduct,
  words: readonly string[],
  options: CreateOptions,
  findUrl: (isZohoLocal: boolean) => Promise<string>,
): Promise<void> {
  const { name, rule } = options;
  requireRuleKind(product, rule);
  const events = readEvents(context, product, words);
  const isZohoLocal = await usesLocalZoho(context, config, options.profile);
  const url = notifyUrl(context, await findUrl(isZohoLocal), { isZohoLocal, plainHttp: product.plainHttp === true });
  await withWebhooks(context, config, product, options, async (session) => {
    const chosen = chooseSecret(context, session);
    const config: WebhookConfig = { name, url, events, secret: chosen?.value };
    const refusal = product.rejection?.(config);
    if (refusal !== undefined) throw usageError(refusal);
    const warning = product.warn?.(config);
    if (warning !== undefined) context.report({ type: "warning", message: warning });
    if (options.dryRun !== true) return create(context, session, config, chosen, options);
    session.show((requests) => {
      const addRule = rule === undefined ? undefined : requests.addRule({ id: "<its id>", config }, rule);
      return [requests.create(config), ...(addRule === undefined ? [] : [addRule])];
    });
  });
}

function requireRuleKind({ title, rules }: ManagedProduct, kind: string | undefined): void {
  if (kind === undefined || rules?.kinds.includes(kind)) return;
  throw rules === undefined
    ? usageError(`--rule: ${title} needs no workflow rules`, "leave it out")
    : usageError(`--rule ${kind} is not known`, `use one of ${rules.kinds.join(", ")}`);
}

/** Names in the product's spelling. Unknown ones are sent with a warning: Zoho adds names, and rejects wrong ones. */
function readEvents(context: Context, product: ManagedProduct, words: readonly string[]): readonly string[] {
  const { noun, many, aliases = {} } = product.events;
  const known = product.events.known ?? wireNames(product.id);
  if (words.length === 0) throw usageError(`no ${noun} given`, `name one, such as ${known.slice(0, 6).join(", ")}`);
  if (!many && words.length > 1)
    throw usageError(
      `a ${product.title} webhook has one ${noun}, but ${words.length} are given`,
      "create one for each",
    );
  const names = words
    .flatMap((word) => word.split(","))
    .flatMap((word) => word.trim() || [])
    .map((name) => {
      const found = known.find((each) => each.toLowerCase() === name.toLowerCase()) ?? aliases[name.toLowerCase()];
      if (found !== undefined) return found;
      const near = nearest(name, known, 3);
      context.report({
        type: "warning",
        message: `${JSON.stringify(name)} is not a known ${noun} of ${product.title}`,
        hint: near.length === 0 ? `known: ${known.join(", ")}` : `did you mean ${near.join(" or ")}?`,
      });
      return name;
    });
  return [...new Set(names)];
}

function wireNames(id: string): readonly string[] {
  const product = findProduct(products, id);
  const format = product && findFormat(product, "wire");
  return format === undefined ? [] : eventNames(format);
}

interface ChosenSecret {
  readonly value: string;
  /** The project does not have it yet. */
  readonly isNew: boolean;
}

/**
 * The secret that the webhook signs with: the one that `listen` verifies this product with, since all its webhooks share
 * one; else a new one. Undefined if the webhook does not sign, or signs with Zoho's key.
 */
function chooseSecret(
  context: Context,
  { config, product: { id, title, secret: rule } }: WebhookSession,
): ChosenSecret | undefined {
  if (rule === undefined) return undefined;
  const [known] = config.secrets.for("secret", id);
  if (known !== undefined && !rule.pattern.test(known.reveal())) {
    throw usageError(
      `${known.origin}: a secret for ${title} must be ${rule.rule}`,
      `set ZOHO_WEBHOOK_SECRET_${id.toUpperCase()} to one`,
    );
  }
  const value = known?.reveal() ?? newSecret();
  context.knownSecrets.remember(value);
  return { value, isNew: known === undefined };
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** 238 bits, in characters that every product accepts. */
const SECRET_LENGTH = 40;

function newSecret(): string {
  return Array.from({ length: SECRET_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}

/** Creates a webhook, stores its secret, creates its rule, and reports what Zoho lists afterwards. */
async function create(
  context: Context,
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
  const name = `webhook ${oneLine(id)}`;
  const toDelete = command(deletion(id));
  // Before anything else can fail, since Sign never shows a secret again.
  try {
    if (chosen?.isNew) await storeSecret(context, session.config, product.id, chosen.value);
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
  context.report(webhookReport("created", product, { ...listed, secret }));
  if (listed.url !== config.url) warn(differentUrl(listed.url, config.url));
  const missing = config.events.filter((event) => !listed.events.includes(event));
  if (missing.length > 0) warn(`Zoho does not list ${missing.join(", ")} for ${name}`);
  if (listed.enabled === false) warn(`Zoho created ${name} but did not enable it`);
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

/** Stores the secret in the project, so that `listen` verifies with it. */
async function storeSecret(context: Context, config: Config, product: string, value: string): Promise<void> {
  await trustOwn(context, join(config.root, KEYS_FOLDER));
  const file = config.storeSecret(product, { credential: "secret", value });
  context.report({ type: "notice", message: `its secret is stored in ${file}` });
  warnIfTracked(context, config.root, file);
}
