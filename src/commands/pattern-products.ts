import { usageError } from "../core/errors.ts";
import { findProduct, isNamed } from "../core/event-name.ts";
import type { Product } from "../core/product.ts";
import { requireProduct } from "./options.ts";

const GLOB = /[*?]/;

/**
 * The products that a pattern of events speaks of, all unless it names one. Throws for one that there is not, with `where`
 * it stands: nothing would ever fit.
 */
export function patternProducts(products: readonly Product[], text: string, where: string): readonly Product[] {
  const [left = "", right] = text.split(":", 2);
  if (right === undefined) {
    const meant = findProduct(products, left);
    const isEvent = products.some(({ formats }) => formats.some((format) => isNamed(format, left, true)));
    if (meant !== undefined && !isEvent)
      throw usageError(`${where}: ${left} is a product, not an event`, `write it as ${left}:*`);
    return products;
  }
  return GLOB.test(left) ? products : [requireProduct(products, left, where)];
}
