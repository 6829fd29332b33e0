import { createHash } from "node:crypto";
import { type Delivery, type HeaderPair, headerValue } from "../delivery/delivery.ts";
import { type Credential, type Secret, type Secrets, secret } from "../delivery/secrets.ts";
import { withQuery } from "../delivery/target.ts";
import type { Encoded, Format, Proof } from "../model/product.ts";
import { writeJson } from "../util/json.ts";

/** The user agent of `send`. */
export const SAMPLE_SENDER = "zoho-hooks";

export interface PrepareInput {
  readonly product: string;
  readonly format: Format;
  /** The event that the body is a sample of. */
  readonly event?: string | undefined;
  /** The absolute URL of the target. */
  readonly url: string;
  /** Data is encoded by the format, as compact JSON by default; a Buffer is sent as it is. */
  readonly body: unknown;
  readonly contentType?: string | undefined;
  /** They replace a default of the same name, and may repeat. */
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
  /** How it was signed, or why not, for a person. */
  readonly notes: readonly string[];
  /** The note that says why there is no signature. */
  readonly unsigned: string | undefined;
}

/**
 * Builds the signed request that `send` posts. Data is compact JSON in key order, for which the guide's handler, which
 * hashes `JSON.stringify(req.body)`, and one that hashes the raw bytes agree.
 */
export function prepare(input: PrepareInput): Prepared {
  const encoded = encode(input);
  const { contentType = encoded.contentType, faults = {} } = input;
  let delivery: Delivery = {
    method: encoded.method ?? "POST",
    url: withQuery(input.url, encoded.query ?? ""),
    headers: [
      ...(contentType === "" ? [] : [["content-type", contentType] as const]),
      ["user-agent", SAMPLE_SENDER],
      ...(encoded.headers ?? []),
    ],
    body: encoded.body,
  };
  const notes: string[] = input.format.proofs.length === 0 ? ["not signed: this format has no known signature"] : [];
  const given = new Set(input.headers.map(([name]) => name.toLowerCase()));
  const isBroken = Object.values(faults).includes(true);
  let unsigned: string | undefined;
  for (const proof of input.format.proofs) {
    if (proof.header !== undefined && given.has(proof.header.toLowerCase()) && !isBroken) {
      notes.push(`${proof.header} from -H`);
      continue;
    }
    // A token would change the bytes of the user's own body.
    if (Buffer.isBuffer(input.body) && proof.credential === "token") continue;
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
  const defaults = delivery.headers.filter(([name]) => !given.has(name.toLowerCase()));
  return { delivery: { ...delivery, headers: [...defaults, ...input.headers] }, notes, unsigned };
}

/** How a sample of a format is signed: `note` says with what, or why not, and `signs` whether a secret is configured for it. */
export function signingOf(format: Pick<Format, "proofs">, product: string, secrets: Secrets) {
  return format.proofs.map((proof) => {
    const key = keyFor(proof, { product, secrets });
    return {
      title: proof.title,
      ...(typeof key === "string" ? { note: key, signs: false } : { note: key.note, signs: true }),
    };
  });
}

function encode({ body, contentType: given, format, event, url }: PrepareInput): Encoded {
  const contentType = "application/json";
  // JSON that a user gives stays JSON, whatever bodies of their own design usually are.
  const isOwnJson = given !== undefined && event !== undefined && event === format.body.customEvent;
  const encoded = Buffer.isBuffer(body)
    ? { contentType, body }
    : ((isOwnJson ? undefined : format.sender?.encode?.(body, event, url)) ?? {
        contentType,
        body: Buffer.from(writeJson(body)),
      });
  const { query = "", headers = [] } = event === undefined ? {} : (format.sender?.mark?.(event) ?? {});
  const queries = [encoded.query ?? "", query].filter((each) => each !== "");
  return { ...encoded, query: queries.join("&"), headers: [...(encoded.headers ?? []), ...headers] };
}

/** A note why the proof is left out, or the secret to sign with; without a secret the proof is forged. */
function keyFor(
  proof: Proof,
  { faults = {}, product, secrets }: Pick<PrepareInput, "faults" | "product" | "secrets">,
): string | { secret: Secret | undefined; note: string } {
  const credential = proof.signingCredential ?? proof.credential;
  const [configured] = secrets.for(credential, product);
  const signs = isSignature(proof);
  const broken = signs ? faults.badSignature : faults.badToken;
  const noun = signs ? "signature" : proof.credential === "auth" ? "auth value" : proof.credential;
  if (signs && faults.noSignature) return "not signed, as asked";
  if (broken) {
    return {
      secret: proof.forge === undefined ? wrongSecret(configured) : undefined,
      note: `with a wrong ${noun}, as asked`,
    };
  }
  if (configured === undefined) {
    if (!signs)
      return `no ${noun} is configured: ${noun === "token" ? "sending the one in the sample" : "sending none"}`;
    return `not signed: no ${SIGNED_WITH[credential] ?? "secret is configured (ZOHO_WEBHOOK_SECRET)"}`;
  }
  const [sampled] = proof.unboundWithout ?? [];
  const ofSample =
    sampled === undefined
      ? ""
      : `, with the sample's ${sampled}: "products": { "${product}": { "${sampled}": … } } in the config sets yours`;
  return {
    secret: configured,
    note: signs ? `signed with ${configured.origin}${ofSample}` : `${noun} from ${configured.origin}`,
  };
}

/** For credentials other than a shared secret. */
const SIGNED_WITH: Readonly<Partial<Record<Credential, string>>> = {
  privateKey: "private key is configured (ZOHO_WEBHOOK_PRIVATE_KEY; zoho-hooks keygen makes one)",
  hookSecret: "secret from Mail is configured (ZOHO_WEBHOOK_HOOK_SECRET)",
};

/** Neither a token nor a fixed value. Desk's JWT is a signature, though it proves the sender only. */
export function isSignature({ proves, signingCredential }: Proof): boolean {
  return proves === "body" || signingCredential !== undefined;
}

/** Certainly wrong, and the same each time, so that a seeded run stays reproducible. */
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
  /** Whether the body differs from the one that was signed. */
  readonly changed: boolean;
  readonly secrets: Secrets;
  readonly now: Date;
}

const HOUR_MS = 3_600_000;

/**
 * Renews the proofs of a delivery that is sent again: those over a changed body, and those with a time in them. Everything
 * else stays as received, the token in the body included.
 */
export function signAgain({
  delivery,
  product,
  format,
  changed,
  secrets,
  now,
}: SignAgainInput): Pick<Prepared, "delivery" | "notes"> {
  const notes: string[] = [];
  let signed = delivery;
  for (const proof of format.proofs) {
    const { header } = proof;
    // A proof in the body stays: replacing it would change the bytes.
    if (header === undefined) continue;
    const [key] = secrets.for(proof.signingCredential ?? proof.credential, product);
    const isTimed = hasTime(proof, delivery, key ?? secret("any", "any"), now);
    if (!(isTimed || (changed && proof.proves === "body"))) continue;
    const why = isTimed ? "with the current time" : "over the changed body";
    if (key !== undefined) {
      signed = proof.sign(signed, key, now);
      notes.push(`signed again ${why}, with ${key.origin}`);
    } else if (headerValue(delivery, header) !== undefined) {
      const flaw = changed ? "no longer matches the body" : "may be too old";
      notes.push(`${header} is sent as received and ${flaw}: no secret is configured to sign again`);
    }
  }
  return { delivery: signed, notes };
}

/** Whether the signature would differ an hour later. */
function hasTime(proof: Proof, delivery: Delivery, key: Secret, now: Date): boolean {
  const { header } = proof;
  if (header === undefined) return false;
  try {
    const at = (time: Date) => headerValue(proof.sign(delivery, key, time), header);
    return at(now) !== at(new Date(now.getTime() + HOUR_MS));
  } catch {
    // Signing takes the real key here.
    return false;
  }
}
