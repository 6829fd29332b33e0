import { echoChallenge } from "../../core/challenge.ts";
import { usageError } from "../../core/errors.ts";
import type { Format, Product } from "../../core/product.ts";

/** An app that never gets one must not be told that it answers it wrongly. */
export function requireChallenge(product: Product, format: Format): void {
  if (format.handshake === echoChallenge) return;
  const other = product.formats.find(({ handshake }) => handshake === echoChallenge);
  throw usageError(
    `${product.title} sends no challenge in its format ${format.id}`,
    other === undefined
      ? "leave --challenge out, and send one of its events"
      : `the challenge is the guide's: --format ${other.id}`,
  );
}
