import { type Delivery, headerValue } from "./delivery.ts";
import type { Payload } from "./payload.ts";
import type { Format, Product, Verdict } from "./product.ts";
import type { ReceiveInput } from "./receive.ts";
import { verdictsOf } from "./verdicts.ts";

/** Whether a delivery has the header of a signature that the format's deliveries carry. */
export function carriesSignature({ proofs }: Format, delivery: Delivery): boolean {
  return proofs.some(
    ({ proves, header }) => proves === "body" && header !== undefined && headerValue(delivery, header) !== undefined,
  );
}

/**
 * What the proofs of a delivery say: those of its format, or, where it has nothing of theirs, those of another format of the
 * product whose signature it has. Users may write any envelope into a body of their own design, and it is signed as whatever
 * else they design.
 */
export function carriedProofs(
  input: ReceiveInput,
  product: Product,
  format: Format,
  payload: Payload,
): readonly Verdict[] {
  const own = verdictsOf(input, product, format, payload);
  const fails = own.some(({ verdict }) => verdict === "failed");
  const isUnsigned = own.length > 0 && own.every(({ verdict }) => verdict === "absent");
  if (!(fails || isUnsigned) || carriesSignature(format, input.delivery)) return own;
  const other = product.formats.find((each) => carriesSignature(each, input.delivery));
  if (other === undefined) return own;
  const its = verdictsOf(input, product, other, payload);
  // One that nobody here can check makes up for nothing.
  const isJudged = its.some(({ verdict }) => verdict === "passed" || verdict === "failed");
  return isJudged || !fails ? its : own;
}
