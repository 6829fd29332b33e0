import { type HeaderPair, headerValue } from "../../core/delivery.ts";
import type { Product } from "../../core/product.ts";
import { requireProduct } from "../options.ts";

/**
 * The products whose public keys are needed to check these requests. Keys that lie at an address are fetched: what is checked
 * without any must not need the network.
 */
export function keyedProducts(
  products: readonly Product[],
  sent: readonly (readonly HeaderPair[])[],
  { product, signature }: { readonly product?: string; readonly signature?: string },
): readonly Product[] {
  const meant = product === undefined ? products : [requireProduct(products, product)];
  return signature === undefined ? meant.filter((each) => carriesToken(each, sent)) : meant;
}

/** Whether any of the requests has the header of a proof that public keys check. */
function carriesToken({ formats }: Product, sent: readonly (readonly HeaderPair[])[]): boolean {
  const proofs = formats.flatMap((format) => format.proofs).filter(({ credential }) => credential === "jwks");
  return proofs.some(({ header }) => header !== undefined && sent.some((headers) => headerValue({ headers }, header)));
}
