import type { Delivery } from "./delivery.ts";
import type { Payload } from "./payload.ts";
import type { Format, Limits, Product, Verdict } from "./product.ts";
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
  return format.proofs.map((proof) =>
    proof.verify(delivery, payload, secrets.for(proof.credential, product.id), now, limits),
  );
}
