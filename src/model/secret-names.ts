import { secretFieldNames } from "../delivery/mask.ts";
import type { Product } from "./product.ts";

/** Names of all products, for text that may be about any of them. */
export function allSecretFieldNames(products: readonly Product[]): readonly string[] {
  return products.flatMap(({ formats }) => formats.flatMap(({ proofs }) => secretFieldNames(proofs)));
}
