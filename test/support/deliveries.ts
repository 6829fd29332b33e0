import { type Delivery, type HeaderPair, headerValue } from "../../src/delivery/delivery.ts";
import { type Payload, readPayload } from "../../src/delivery/payload.ts";
import { type Secret, type Secrets, secret } from "../../src/delivery/secrets.ts";
import type { Proof, Verdict } from "../../src/model/product.ts";

interface Parts {
  readonly url?: string;
  readonly method?: string;
  readonly type?: string;
  readonly headers?: readonly HeaderPair[];
}

export function posted(
  body: string | Buffer,
  { url = "/", method = "POST", type, headers = [] }: Parts = {},
): Delivery {
  return {
    method,
    url,
    headers: [["Content-Type", type ?? "application/json"], ...headers],
    body: Buffer.from(body),
  };
}

export function payloadOf(delivery: Delivery): Payload {
  const read = readPayload(delivery);
  if (!read.ok) throw new Error(read.problem.reason);
  return read.payload;
}

export function named(value: string, origin = "THE_SECRET"): Secret {
  return secret(value, origin);
}

export function verdictOf(
  proof: Proof,
  delivery: Delivery,
  secrets: readonly Secret[],
  now: Date = new Date("2025-01-15T10:30:00Z"),
): Pick<Verdict, "verdict" | "reason" | "match"> {
  const { verdict, reason, match } = proof.verify({ delivery, payload: payloadOf(delivery), secrets, now });
  return match === undefined ? { verdict, reason } : { verdict, reason, match };
}

/** The findings of an explanation that match, by id. */
export function matchesOf(proof: Proof, delivery: Delivery, key: Secret): readonly string[] {
  const secrets: Secrets = { for: () => [key], all: () => [key] };
  const payload = payloadOf(delivery);
  const explanation = proof.explain?.({ delivery, payload, secrets, product: "any", now: new Date() });
  return (explanation?.findings ?? []).filter(({ matches }) => matches).map(({ id }) => id);
}

export function canonicalOf(proof: Proof, delivery: Delivery, key: Secret): string | undefined {
  const secrets: Secrets = { for: () => [key], all: () => [key] };
  const payload = payloadOf(delivery);
  return proof.explain?.({ delivery, payload, secrets, product: "any", now: new Date() }).canonical;
}

export function signatureOf(proof: Proof, delivery: Delivery, key: Secret, now = new Date(0)): string | undefined {
  return proof.header === undefined ? undefined : headerValue(proof.sign(delivery, key, now), proof.header);
}
