import { withBody } from "../delivery.ts";
import { readExact, writeJson } from "../exact-number.ts";
import type { Payload } from "../payload.ts";
import type { Proof } from "../product.ts";
import { type Secret, sameText } from "../secret.ts";
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
    const data = readExact(delivery.body.toString("utf8"));
    if (typeof data !== "object" || data === null || Array.isArray(data)) return delivery;
    return withBody(delivery, Buffer.from(writeJson({ ...data, token: secret.reveal() })));
  },
  verify(_delivery, payload, secrets) {
    const token = tokenOf(payload);
    const { called, required, accepted } = tokensFor(payload, secrets);
    const isAsked = called.length > 0 || required.length > 0;
    const whose = called[0] === undefined ? "a token is configured" : `${called[0].origin} has a token`;
    if (token === undefined) {
      return !isAsked
        ? says(this, "absent", "no token in the body")
        : says(this, "failed", `${whose}, but the body has none`);
    }
    const match = accepted.find((secret) => sameText(token, secret.reveal()));
    if (match !== undefined) return says(this, "passed", `the token is ${match.origin}`);
    if (!isAsked) return says(this, "unconfigured", "has a token, but none is configured to compare it with");
    const right = called[0] === undefined ? "the configured one" : `that of ${called[0].origin}`;
    return says(this, "failed", `the token in the body is not ${right}`);
  },
  explain(_delivery, payload, secrets, product) {
    const tokens = secrets.for(this.credential, product);
    return {
      canonical: "the token in the body, exactly as it is configured",
      findings: explainToken(tokenOf(payload), tokensFor(payload, tokens).accepted, [...tokens, ...secrets.all()]),
      // The right value is the secret itself.
      expected: undefined,
      received: undefined,
    };
  },
};

/** A token that the body itself calls for, by the channel that it names, is not made up for by another channel's. */
function tokensFor({ data }: Payload, secrets: readonly Secret[]) {
  const called = secrets.filter(({ askedBy }) => askedBy?.(data) === true);
  const required = secrets.filter(({ optional }) => optional !== true);
  return { called, required, accepted: called.length > 0 ? [...called, ...required] : secrets };
}

function tokenOf(payload: Payload): string | undefined {
  const data = payload.data;
  if (typeof data !== "object" || data === null) return undefined;
  const token: unknown = Reflect.get(data, "token");
  if (token === undefined || token === null || token === "") return undefined;
  // Anything may stand here, also what cannot be made a text.
  return typeof token === "string" ? token : JSON.stringify(token);
}
