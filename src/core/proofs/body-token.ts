import { withBody } from "../delivery.ts";
import { compactJson } from "../json-text.ts";
import type { Payload } from "../payload.ts";
import type { Proof } from "../product.ts";
import { sameText } from "../secret.ts";
import { explainToken } from "./explain-token.ts";
import { says } from "./says.ts";

/**
 * The guide's "Method 1": `token` in the body equals the one given when the webhook was set up.
 * Shows who sent the delivery; anyone who has seen one can write another, so it says nothing of the body.
 */
export const bodyToken: Proof = {
  id: "token",
  proves: "sender",
  credential: "token",
  title: "token in the body",
  sign(delivery, secret) {
    const data: unknown = JSON.parse(delivery.body.toString("utf8"));
    if (typeof data !== "object" || data === null || Array.isArray(data)) return delivery;
    return withBody(delivery, Buffer.from(compactJson({ ...data, token: secret.reveal() })));
  },
  verify(_delivery, payload, secrets) {
    const token = tokenOf(payload);
    const isAsked = secrets.some(({ optional }) => optional !== true);
    if (token === undefined) {
      return !isAsked
        ? says(this, "absent", "no token in the body")
        : says(this, "failed", "a token is configured, but the body carries none");
    }
    const match = secrets.find((secret) => sameText(token, secret.reveal()));
    if (match !== undefined) return says(this, "passed", `the token is ${match.origin}`);
    return isAsked
      ? says(this, "failed", "the token in the body is not the configured one")
      : says(this, "unconfigured", "carries a token, but none is configured to compare it with");
  },
  explain(_delivery, payload, secrets, product) {
    return {
      canonical: "the token in the body, exactly as it is configured",
      findings: explainToken(tokenOf(payload), secrets.for(this.credential, product), secrets.all()),
      // The right value is the secret itself.
      expected: undefined,
      received: undefined,
    };
  },
};

function tokenOf(payload: Payload): string | undefined {
  const data = payload.data;
  if (typeof data !== "object" || data === null) return undefined;
  const token: unknown = Reflect.get(data, "token");
  return token === undefined || token === null || token === "" ? undefined : String(token);
}
