import { type Delivery, withHeader } from "./delivery.ts";
import { usageError } from "./errors.ts";
import type { Format, Product } from "./product.ts";
import type { Receipt } from "./receive.ts";

/**
 * The formats that a signature may be of: the body's own, or for a body of no known envelope any of its product, first the one
 * that users design themselves.
 */
export function signableFormats(product: Product | undefined, { format }: Receipt, guessed: Format): readonly Format[] {
  const signing = (product?.formats ?? []).filter(({ proofs }) => proofs.some(({ header }) => header !== undefined));
  if (format !== undefined || signing.length === 0) return [guessed];
  const isDesigned = ({ catchAll }: Format): number => (catchAll === undefined ? 0 : 1);
  return signing.toSorted((a, b) => isDesigned(b) - isDesigned(a));
}

/** A body may be signed as any of these formats: it is the one whose proof the signature passes, or else the first. */
export function signedAsItMatches(
  delivery: Delivery,
  signature: string,
  formats: readonly Format[],
  judge: (delivery: Delivery) => Receipt,
): Delivery {
  const tried = formats.map((format) => withHeader(delivery, signatureHeader(format), signature));
  const passed = tried.find((each) => judge(each).verdicts.some(({ verdict }) => verdict === "passed"));
  return passed ?? tried[0] ?? delivery;
}

/** That of a signature over the body; else, as with Desk's token, the only one that a proof of the sender has. */
export function signatureHeader(format: Format): string {
  const inHeaders = format.proofs.flatMap(({ proves, header }) => (header === undefined ? [] : [{ proves, header }]));
  const [first, second] = inHeaders;
  const chosen = inHeaders.find(({ proves }) => proves === "body") ?? (second === undefined ? first : undefined);
  if (chosen !== undefined) return chosen.header;
  throw usageError(
    `--signature: deliveries in this format (${format.id}) have no signature in a header`,
    format.proofs.length === 0
      ? "nothing in it can be checked"
      : `they have: ${format.proofs.map((each) => each.title).join(", ")}`,
  );
}
