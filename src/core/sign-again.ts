import { type Delivery, headerValue } from "./delivery.ts";
import type { Format, Proof } from "./product.ts";
import { type Secret, type Secrets, secret } from "./secret.ts";

export interface SignAgainInput {
  readonly delivery: Delivery;
  readonly product: string;
  readonly format: Pick<Format, "proofs">;
  /** The body is not the one that was signed. */
  readonly changed: boolean;
  readonly secrets: Secrets;
  readonly now: Date;
}

export interface SignedAgain {
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
