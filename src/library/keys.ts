import type { Product, Proof } from "../core/product.ts";
import { type Credential, type Secret, type Secrets, secret } from "../core/secret.ts";
import { products } from "../products/index.ts";

/** One secret, or several of which any will do while one replaces the other. */
export type Key = string | readonly string[];

/**
 * What deliveries are proven with. `secret` makes and checks signatures (the guide: `ZOHO_WEBHOOK_SECRET`), `token` is the
 * one in the body (`ZOHO_WEBHOOK_TOKEN`). One that is named must have a value.
 */
export interface Keys {
  readonly secret?: Key | undefined;
  readonly token?: Key | undefined;
}

/**
 * Throws a TypeError when there is no key, one of an unknown name, an empty one, or one that is named and undefined: a missing environment
 * variable must not switch a check off.
 */
export function secretsFrom(keys: Keys | undefined): Secrets {
  const given = new Map<Credential, readonly Secret[]>();
  const known = new Set(products.flatMap(proofsOf).map((proof) => proof.credential));
  for (const [credential, key] of Object.entries(keys ?? {})) {
    if (!known.has(credential))
      throw new TypeError(`there is no key named ${JSON.stringify(credential)}: there are ${[...known].join(", ")}`);
    const values: readonly unknown[] = Array.isArray(key) ? key : [key];
    if (values.length === 0 || !values.every((value) => typeof value === "string" && value.trim() !== ""))
      throw new TypeError(
        `the ${credential} is ${key === undefined ? "undefined" : "empty or no text"}: see that its environment variable is set`,
      );
    given.set(
      credential,
      values.map((value) => secret(String(value), `the ${credential}`)),
    );
  }
  if (given.size === 0)
    throw new TypeError("no secret and no token was given, so nothing could be proven: pass { secret } or { token }");
  return {
    for: (credential) => given.get(credential) ?? [],
    all: () => [...given.values()].flat(),
  };
}

function proofsOf(product: Product): readonly Proof[] {
  return product.formats.flatMap((format) => format.proofs);
}

/** Throws a TypeError when no key fits any proof of the products: what is meant as a check would be none. */
export function requireUse(secrets: Secrets, candidates: readonly Product[]): void {
  const proofs = candidates.flatMap(proofsOf);
  if (proofs.some((proof) => secrets.for(proof.credential, "").length > 0)) return;
  const names = [...new Set(proofs.map((proof) => proof.credential))].join(" or ");
  throw new TypeError(
    `none of the keys proves a delivery of ${candidates.map(({ id }) => id).join(", ")}: ${names === "" ? "nothing does" : `it takes { ${names} }`}`,
  );
}
