import { usageError } from "../core/errors.ts";
import { writeKeySet } from "../core/key-set.ts";
import type { Product } from "../core/product.ts";
import { readPrivateKey } from "../core/proofs/public-key.ts";
import type { Secrets } from "../core/secret.ts";

/** The key set (JWKS) of the private keys that `send` signs these products' deliveries with. */
export function localKeySet(secrets: Secrets, products: readonly Product[]): string {
  const signing = products.filter(({ formats }) =>
    formats.some(({ proofs }) => proofs.some((proof) => proof.signingCredential === "privateKey")),
  );
  if (signing.length === 0) {
    throw usageError(
      `--serve-jwks: nothing of ${products.map(({ id }) => id).join(", ")} is signed with a private key`,
      "leave it out",
    );
  }
  const keys = signing.flatMap(({ id }) => secrets.for("privateKey", id).map(readPrivateKey));
  if (keys.length > 0) return writeKeySet(...keys);
  throw usageError(
    "--serve-jwks: there is no private key whose public half could be served",
    "make one with zoho-hooks keygen, and name it: ZOHO_WEBHOOK_PRIVATE_KEY=.zoho-hooks/keys/private.pem",
  );
}
