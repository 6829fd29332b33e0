import { randomInt } from "node:crypto";
import { join } from "node:path";
import { warnIfTracked } from "../project/git.ts";
import type { Config } from "../project/load.ts";
import { KEYS_FOLDER } from "../project/secrets.ts";
import { trustOwn } from "../project/trust.ts";
import { usageError } from "../util/errors.ts";
import type { WebhookContext } from "./lines.ts";
import type { ManagedProduct } from "./product-api.ts";

export interface ChosenSecret {
  readonly value: string;
  /** The project does not have it yet. */
  readonly isNew: boolean;
}

/**
 * The secret that the webhook signs with: the one that `listen` verifies this product with, since all its webhooks share
 * one; else a new one. Undefined if the webhook does not sign, or signs with Zoho's key.
 */
export function chooseSecret(
  context: WebhookContext,
  { secrets }: Config,
  { id, title, secret: rule }: ManagedProduct,
): ChosenSecret | undefined {
  if (rule === undefined) return undefined;
  const [known] = secrets.for("secret", id);
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

/** Stores the secret in the project, so that `listen` verifies with it. */
export async function storeSecret(
  context: WebhookContext,
  config: Config,
  { id, title }: ManagedProduct,
  value: string,
): Promise<void> {
  await trustOwn(context, join(config.root, KEYS_FOLDER));
  const file = config.storeSecret(id, { credential: "secret", value });
  context.report({ type: "notice", message: `the secret of ${title} webhooks is stored in ${file}` });
  warnIfTracked(context, config.root, file);
}
