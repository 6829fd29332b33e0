import { secretFieldNames } from "../delivery/mask.ts";
import type { Product } from "./product.ts";

/** Those of all products, for where it is not known which of them a text is about. */
export function allSecretFieldNames(products: readonly Product[]): readonly string[] {
  return products.flatMap(({ formats }) => formats.flatMap(({ proofs }) => secretFieldNames(proofs)));
}
