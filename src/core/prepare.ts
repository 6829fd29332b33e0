import { createHash } from "node:crypto";
import { type Delivery, type HeaderPair, headerValue } from "../body/delivery.ts";
import { type Credential, type Secret, type Secrets, secret } from "../body/secret.ts";
import { withQuery } from "../body/target-url.ts";
import { writeJson } from "../util/json.ts";
import type { Encoded, Format, Proof } from "./product.ts";

/** The user agent of what `send` posts. */
export const SAMPLE_SENDER = "zoho-hooks";

export interface PrepareInput {
  readonly product: string;
  readonly format: Format;
  /** The name of the event that the body is a sample of. */
  readonly event?: string | undefined;
  /** The target, absolute. */
  readonly url: string;
  /** Data is written as the format does, compact JSON unless it says otherwise; bytes are sent as they are. */
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
  /** The one of them that says what a signature was lacking. */
  readonly unsigned: string | undefined;
}

/**
 * The signed request that `send` will post. Data is written compact and in key order, the form for which the guide's
 * handler, that hashes `JSON.stringify(req.body)`, and one that hashes the raw bytes agree.
 */
export function prepare(input: PrepareInput): Prepared {
  const exact = Buffer.isBuffer(input.body);
  const encoded = encode(input);
  let delivery: Delivery = {
    method: encoded.method ?? "POST",
    url: withQuery(input.url, encoded.query ?? ""),
    headers: [
      ...contentTypeOf(input.contentType ?? encoded.contentType),
      ["user-agent", SAMPLE_SENDER],
      ...(encoded.headers ?? []),
    ],
    body: encoded.body,
  };
  const notes: string[] = input.format.proofs.length === 0 ? ["not signed: this format has no known signature"] : [];
  const named = new Set(input.headers.map(([name]) => name.toLowerCase()));
  let unsigned: string | undefined;
  for (const proof of input.format.proofs) {
    if (proof.header !== undefined && named.has(proof.header.toLowerCase()) && !isBroken(input)) {
      notes.push(`${proof.header} as given with -H`);
      continue;
    }
    // A body of the user's own is sent as it is: a token would have to be written into it.
    if (exact && proof.credential === "token") continue;
    const key = keyFor(proof, input);
    if (typeof key === "string") {
      notes.push(key);
      if (isSignature(proof)) unsigned = key;
    } else if (key.secret === undefined) {
      delivery = proof.forge?.(delivery, input.now) ?? delivery;
      notes.push(key.note);
    } else {
      delivery = proof.sign(delivery, key.secret, input.now);
      notes.push(key.note);
    }
  }
  const kept = delivery.headers.filter(([name]) => !named.has(name.toLowerCase()));
  return { delivery: { ...delivery, headers: [...kept, ...input.headers] }, notes, unsigned };
}

function isBroken({ faults = {} }: PrepareInput): boolean {
  return Object.values(faults).includes(true);
}

/** None for a request without a body. */
function contentTypeOf(value: string): readonly HeaderPair[] {
  return value === "" ? [] : [["content-type", value]];
}

/** With what names the event outside of the body. */
function encode({ body, format, event, url }: PrepareInput): Encoded {
  const contentType = "application/json";
  const encoded = Buffer.isBuffer(body)
    ? { contentType, body }
    : (format.encode?.(body, event, url) ?? { contentType, body: Buffer.from(writeJson(body)) });
  const { query = "", headers = [] } = event === undefined ? {} : (format.mark?.(event) ?? {});
  const queries = [encoded.query ?? "", query].filter((each) => each !== "");
  return { ...encoded, query: queries.join("&"), headers: [...(encoded.headers ?? []), ...headers] };
}

/** Without a secret the proof forges. */
function keyFor(
  proof: Proof,
  { faults = {}, product, secrets }: PrepareInput,
): string | { secret: Secret | undefined; note: string } {
  const credential = proof.signingCredential ?? proof.credential;
  const [configured] = secrets.for(credential, product);
  const signs = isSignature(proof);
  const broken = signs ? faults.badSignature : faults.badToken;
  const what = signs ? "signature" : proof.credential === "auth" ? "auth value" : proof.credential;
  if (signs && faults.noSignature) return "not signed, as asked";
  if (broken) {
    return {
      secret: proof.forge === undefined ? wrongSecret(configured) : undefined,
      note: `with a wrong ${what}, as asked`,
    };
  }
  if (configured === undefined) {
    if (!signs) return `no ${what} is configured: ${what === "token" ? "the sample's own is sent" : "sent without"}`;
    return `not signed: no ${SIGNED_WITH[credential] ?? "secret is configured (ZOHO_WEBHOOK_SECRET)"}`;
  }
  return {
    secret: configured,
    note: signs ? `signed with ${configured.origin}` : `${what} from ${configured.origin}`,
  };
}

/** What signs, where it is not just a secret. */
const SIGNED_WITH: Readonly<Partial<Record<Credential, string>>> = {
  privateKey: "private key is configured (ZOHO_WEBHOOK_PRIVATE_KEY; zoho-hooks keygen makes one)",
  hookSecret: "secret from Mail is configured (ZOHO_WEBHOOK_HOOK_SECRET)",
};

/** A signature, as against a token or a fixed value: Desk's shows the sender alone and is one. */
export function isSignature({ proves, signingCredential }: Proof): boolean {
  return proves === "body" || signingCredential !== undefined;
}

/** Wrong for certain, and the same each time, so that a seeded run stays reproducible. */
function wrongSecret(configured: Secret | undefined): Secret {
  const value = createHash("sha256")
    .update(`wrong ${configured?.reveal() ?? ""}`)
    .digest("hex")
    .slice(0, 40);
  return secret(value, "a wrong value");
}

interface SignAgainInput {
  readonly delivery: Delivery;
  readonly product: string;
  readonly format: Pick<Format, "proofs">;
  /** The body is not the one that was signed. */
  readonly changed: boolean;
  readonly secrets: Secrets;
  readonly now: Date;
}

interface SignedAgain {
  readonly delivery: Delivery;
  /** What was done to it, or what could not be, for a person. */
  readonly notes: readonly string[];
}

const HOUR_MS = 3_600_000;

/**
 * A delivery that is sent once more, with proofs that hold now: those over a body that was changed, and those that have
 * a time in them. All else stays as it came, the token in the body included.
 */
export function signAgain({ delivery, product, format, changed, secrets, now }: SignAgainInput): SignedAgain {
  const notes: string[] = [];
  let signed = delivery;
  for (const proof of format.proofs) {
    const { header } = proof;
    // What stands in the body is the sender's own; writing it anew would change the bytes.
    if (header === undefined) continue;
    const [key] = secrets.for(proof.signingCredential ?? proof.credential, product);
    const timed = hasTime(proof, delivery, key ?? secret("any", "any"), now);
    if (!(timed || (changed && proof.proves === "body"))) continue;
    const why = timed ? "with a fresh time" : "over the changed body";
    if (key !== undefined) {
      signed = proof.sign(signed, key, now);
      notes.push(`signed again ${why}, with ${key.origin}`);
    } else if (headerValue(delivery, header) !== undefined) {
      const flaw = changed ? "no longer fits the body" : "may be too old";
      notes.push(`${header} is the one that came and ${flaw}: no secret is configured to sign again`);
    }
  }
  return { delivery: signed, notes };
}

/** Whether the same delivery is signed in another way an hour later. */
function hasTime(proof: Proof, delivery: Delivery, key: Secret, now: Date): boolean {
  const { header } = proof;
  if (header === undefined) return false;
  try {
    const at = (time: Date) => headerValue(proof.sign(delivery, key, time), header);
    return at(now) !== at(new Date(now.getTime() + HOUR_MS));
  } catch {
    // Without its real key it cannot be signed at all, so nothing can be told.
    return false;
  }
}
