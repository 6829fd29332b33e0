import { randomInt } from "node:crypto";
import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { usageError } from "../../core/errors.ts";
import { sameText } from "../../core/secret.ts";
import type { ManagedProduct } from "../../zoho/webhooks/managed-product.ts";
import { givenSecrets } from "../options.ts";

export interface SecretOptions {
  readonly secretFile?: string;
  readonly unsigned?: boolean;
}

export interface ChosenSecret {
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
      `${chosen.origin}: a secret of ${title} has to be ${rule.says}`,
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
