import type { Delivery } from "./delivery.ts";
import type { Payload } from "./payload.ts";
import type { Format, Limits, Product, Proof, Verdict } from "./product.ts";
import type { Secrets } from "./secret.ts";

interface VerdictInput {
  readonly delivery: Delivery;
  readonly secrets: Secrets;
  readonly now: Date;
  readonly limits?: Limits | undefined;
}

/** What each of a format's proofs says of a delivery. */
export function verdictsOf(
  { delivery, secrets, now, limits }: VerdictInput,
  product: Product,
  format: Format,
  payload: Payload,
): readonly Verdict[] {
  return format.proofs.map((proof) => {
    const verdict = proof.verify(delivery, payload, secrets.for(proof.credential, product.id), now, limits);
    const told = verdict.verdict === "failed" ? withRepeats(verdict, delivery, proof) : verdict;
    return proof.secretIn === undefined ? told : { ...told, secretIn: proof.secretIn };
  });
}

/** Of a header that came with different values the first counts, and an app may read another, or all of them as one. */
function withRepeats(verdict: Verdict, { headers }: Delivery, { header, credential }: Proof): Verdict {
  const wanted = header?.toLowerCase();
  const values = new Set(headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value));
  // A fixed value says so itself.
  if (values.size < 2 || credential === "auth") return verdict;
  return {
    ...verdict,
    reason: `${verdict.reason}; ${header} came with ${values.size} values, of which the first counts`,
  };
}
