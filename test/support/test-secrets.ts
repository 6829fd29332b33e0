import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { type Secrets, secret } from "../../src/delivery/secrets.ts";
import { writeKeySet } from "../../src/signatures/keys.ts";

const pair = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

export const testKeys: { readonly publicKey: string; readonly privateKey: string } = pair;

const text = { ...secret("a secret of the tests", "TEST_SECRET"), shared: true };
const keys = new Map([
  ["publicKey", secret(pair.publicKey, "TEST_PUBLIC_KEY")],
  ["privateKey", secret(pair.privateKey, "TEST_PRIVATE_KEY")],
  ["jwks", secret(writeKeySet(createPublicKey(pair.publicKey)), "TEST_JWKS")],
]);

/** One secret for whatever is checked with a text, and a key pair made for this run. */
export const testSecrets: Secrets = {
  for: (credential) => [keys.get(credential) ?? text],
  all: () => [text],
};
