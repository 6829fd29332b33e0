import { join } from "node:path";
import type { Product } from "../contract/product.ts";
import type { Secrets } from "../delivery/secret.ts";
import type { Context } from "../project/context.ts";
import { type Config, userFolder } from "../project/load.ts";
import { writeKeySet } from "../proofs/keys.ts";
import { readPrivateKey } from "../proofs/rsa-signature.ts";
import { usageError } from "../util/errors.ts";
import { type KeySets, openKeySets } from "./jwks.ts";

/** The key set (JWKS) for the private keys that `send` signs these products' deliveries with. */
export function localKeySet(secrets: Secrets, products: readonly Product[]): string {
  const signing = products.filter(({ formats }) =>
    formats.some(({ proofs }) => proofs.some((proof) => proof.signingCredential === "privateKey")),
  );
  if (signing.length === 0) {
    throw usageError(
      `--serve-jwks: no delivery of ${products.map(({ id }) => id).join(", ")} is signed with a private key`,
      "leave --serve-jwks out",
    );
  }
  const keys = signing.flatMap(({ id }) => secrets.for("privateKey", id).map(readPrivateKey));
  if (keys.length > 0) return writeKeySet(...keys);
  throw usageError(
    "--serve-jwks: no private key is set",
    "create one with zoho-hooks keygen, then set ZOHO_WEBHOOK_PRIVATE_KEY=.zoho-hooks/keys/private.pem",
  );
}

/** The secrets, with the public keys that have to be fetched from a URL. */
export function openPublicKeys(
  context: Context,
  { env, secrets }: Pick<Config, "env" | "secrets">,
  products: readonly Product[],
): Promise<KeySets> {
  return openKeySets(secrets, {
    products,
    env,
    cacheFolder: join(userFolder(context), "key-sets"),
    // Reading the signal installs the handlers for Ctrl-C: not before there is something to fetch.
    get signal() {
      return context.signal;
    },
    now: context.now,
    warn: (message) => context.report({ type: "warning", message }),
    notify: (message) => context.report({ type: "notice", message }),
  });
}
