import { createPublicKey } from "node:crypto";
import type { HeaderPair } from "../../src/delivery/delivery.ts";
import { type Secrets, secret } from "../../src/delivery/secrets.ts";
import { prepare } from "../../src/samples/prepare.ts";
import { writeKeySet } from "../../src/signatures/keys.ts";
import { ofTheOtherProducts } from "../support/corpus.ts";
import { fixtureCases } from "../support/fixture-cases.ts";
import { testKeys } from "../support/test-secrets.ts";

/** A request as it is sent. */
export interface Signed {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderPair[];
  readonly body: Buffer;
}

const credentials = {
  secret: "planted-secret-7f3a91c2",
  token: "planted-token-5e0d8871",
  auth: "planted-auth-1c9e40aa",
  hookSecret: "planted-hook-secret-0b44d1",
  publicKey: testKeys.publicKey,
  privateKey: testKeys.privateKey,
  jwks: writeKeySet(createPublicKey(testKeys.publicKey)),
};

/** The variables of a listener that accepts what is signed here. */
export const signedEnv = {
  ZOHO_WEBHOOK_SECRET: credentials.secret,
  ZOHO_WEBHOOK_TOKEN: credentials.token,
  ZOHO_WEBHOOK_HOOK_SECRET: credentials.hookSecret,
  ZOHO_WEBHOOK_PUBLIC_KEY: credentials.publicKey,
  ZOHO_WEBHOOK_JWKS: credentials.jwks,
};

/** Secrets that do not travel in a delivery, so no output may have them. */
export const neverShown: readonly string[] = [credentials.secret];

const secrets: Secrets = { for: (name) => [secret(credentials[name], name)], all: () => [] };

/** A delivery of every event of every format, by its name, and those that are written down from Zoho. */
export function signedDeliveries(): ReadonlyMap<string, Signed> {
  const fixtures = fixtureCases().map(({ label, product, format, name, text }): [string, Signed] => {
    const url = `http://127.0.0.1/webhooks/zoho/${product.id}`;
    const now = new Date();
    const body: unknown = JSON.parse(text);
    const { delivery } = prepare({ product: product.id, format, event: name, url, body, headers: [], secrets, now });
    return [label, { ...delivery, target: delivery.url.replace("http://127.0.0.1", "") }];
  });
  const seen = ofTheOtherProducts.map(([product, format, event, sent], i): [string, Signed] => {
    const { to, method = "POST", query = "", type = "application/json", headers = [], body } = sent;
    const target = `/webhooks/zoho${to === undefined ? "" : `/${to}`}${query}`;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const all: readonly HeaderPair[] = [["content-type", type], ...headers];
    return [`${product} ${format} ${event} as seen ${i}`, { method, target, headers: all, body: Buffer.from(text) }];
  });
  return new Map([...fixtures, ...seen]);
}
