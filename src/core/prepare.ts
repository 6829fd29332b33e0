import { createHash } from "node:crypto";
import type { Delivery, HeaderPair } from "./delivery.ts";
import type { Format, Proof } from "./product.ts";
import { type Secret, type Secrets, secret } from "./secret.ts";

export interface PrepareInput {
  readonly product: string;
  readonly format: Format;
  /** The target, absolute. */
  readonly url: string;
  /** Data is written as compact JSON; bytes are sent as they are. */
  readonly body: unknown;
  readonly contentType?: string | undefined;
  /** The user's own headers: they replace a default of the same name, and may repeat. */
  readonly headers: readonly HeaderPair[];
  readonly secrets: Secrets;
  readonly now: Date;
  /** Deliberate faults. */
  readonly faults?: Faults | undefined;
}

export interface Faults {
  readonly badSignature?: boolean | undefined;
  readonly noSignature?: boolean | undefined;
  readonly badToken?: boolean | undefined;
}

export interface Prepared {
  readonly delivery: Delivery;
  /** What was done to prove it, or why not, for a person. */
  readonly notes: readonly string[];
}

/**
 * The signed request that `send` will post. Data is written compact and in key order, the form for which the guide's
 * handler, that hashes `JSON.stringify(req.body)`, and one that hashes the raw bytes agree.
 */
export function prepare(input: PrepareInput): Prepared {
  const exact = Buffer.isBuffer(input.body);
  let delivery: Delivery = {
    method: "POST",
    url: input.url,
    headers: [
      ["content-type", input.contentType ?? "application/json"],
      ["user-agent", "zoho-hooks"],
    ],
    body: exact ? (input.body as Buffer) : Buffer.from(JSON.stringify(input.body)),
  };
  const notes: string[] = [];
  for (const proof of input.format.proofs) {
    // A body of the user's own is sent as it is: a token would have to be written into it.
    if (exact && proof.credential === "token") continue;
    const key = keyFor(proof, input);
    if (typeof key === "string") notes.push(key);
    else {
      delivery = proof.sign(delivery, key.secret, input.now);
      notes.push(key.note);
    }
  }
  const named = new Set(input.headers.map(([name]) => name.toLowerCase()));
  const kept = delivery.headers.filter(([name]) => !named.has(name.toLowerCase()));
  return { delivery: { ...delivery, headers: [...kept, ...input.headers] }, notes };
}

function keyFor(
  proof: Proof,
  { faults = {}, product, secrets }: PrepareInput,
): string | { secret: Secret; note: string } {
  const [configured] = secrets.for(proof.credential, product);
  const broken = proof.proves === "body" ? faults.badSignature : faults.badToken;
  const what = proof.proves === "body" ? "signature" : proof.credential;
  if (proof.proves === "body" && faults.noSignature) return "not signed, as asked";
  if (broken) return { secret: wrongSecret(configured), note: `with a wrong ${what}, as asked` };
  if (configured === undefined) {
    return proof.proves === "body"
      ? "not signed: no secret is configured"
      : `no ${what} is configured: the sample's own is sent`;
  }
  return {
    secret: configured,
    note: proof.proves === "body" ? `signed with ${configured.origin}` : `${what} from ${configured.origin}`,
  };
}

/** Wrong for certain, and the same each time, so that a seeded run stays reproducible. */
function wrongSecret(configured: Secret | undefined): Secret {
  const value = createHash("sha256")
    .update(`wrong ${configured?.reveal() ?? ""}`)
    .digest("hex")
    .slice(0, 40);
  return secret(value, "a wrong value");
}
