import { createHmac } from "node:crypto";
import { headerValue, withHeader } from "../delivery.ts";
import type { Payload } from "../payload.ts";
import type { Proof, Verdict } from "../product.ts";
import { type Secret, sameText } from "../secret.ts";
import { whyAltered } from "./altered.ts";
import type { BodyVariant } from "./body-variants.ts";
import { explainHmac } from "./explain-hmac.ts";
import { says } from "./says.ts";

const HEADER = "x-zoho-signature";
const SHA256_HEX = /^[0-9a-f]{64}$/;

/**
 * The guide's "Method 3": lower-case hex HMAC-SHA256 of the body. The guide's own handler hashes
 * `JSON.stringify(req.body)`, so it equals ours for every body that is already in that form, as those of `send` are.
 */
export const guideSignature: Proof = {
  id: "guide-signature",
  proves: "body",
  credential: "secret",
  title: `${HEADER}: HMAC-SHA256 of the body, hex`,
  header: HEADER,
  sign: (delivery, secret) => withHeader(delivery, HEADER, hmacHex(delivery.body, secret)),
  verify(delivery, payload, secrets) {
    const signature = headerValue(delivery, HEADER);
    if (signature === undefined) {
      return secrets.length === 0
        ? says(this, "absent", `no ${HEADER} header`)
        : says(this, "failed", `a secret is configured, but there is no ${HEADER} header`);
    }
    if (secrets.length === 0) return says(this, "unconfigured", "signed, but no secret is configured to check it");
    const match = secrets.find((secret) => sameText(signature, hmacHex(delivery.body, secret)));
    if (match !== undefined) return says(this, "passed", `signed with ${match.origin}`);
    return { id: this.id, proves: this.proves, ...whyNot(signature, delivery.body, payload, secrets) };
  },
  explain(delivery, payload, secrets, product) {
    return explainHmac({
      algorithm: "sha256",
      encoding: "hex",
      body: delivery.body,
      text: payload.text,
      readings: unwrapped(payload),
      signature: headerValue(delivery, HEADER),
      header: HEADER,
      configured: secrets.for(this.credential, product),
      others: secrets.all(),
    });
  },
};

/** A form that holds a JSON body in one of its fields: the signer may know nothing of the form. */
function unwrapped({ wrappedIn, text }: Payload): readonly BodyVariant[] {
  if (wrappedIn === undefined || text === undefined) return [];
  const meaning = `the signature is over the JSON within the field ${wrappedIn}, not over the form`;
  return [
    { id: "unwrapped", body: Buffer.from(text), meaning, remedy: "sign and check the same bytes: the whole body" },
  ];
}

function whyNot(
  signature: string,
  body: Buffer,
  payload: Payload,
  secrets: readonly Secret[],
): Pick<Verdict, "verdict" | "reason" | "match"> {
  const altered = whyAltered(body, payload.text, (bytes) =>
    secrets.some((secret) => sameText(signature, hmacHex(bytes, secret))),
  );
  if (altered !== undefined) return altered;
  if (!SHA256_HEX.test(signature)) return { verdict: "failed", reason: `${HEADER} is not 64 lower-case hex digits` };
  return { verdict: "failed", reason: "the signature does not match the body: another secret, or changed bytes" };
}

function hmacHex(body: Buffer, secret: Secret): string {
  return createHmac("sha256", secret.reveal()).update(body).digest("hex");
}
