import { findEvent, findProduct, nearest } from "../core/event-name.ts";
import type { Product } from "../core/product.ts";
import { products } from "../products/index.ts";

/** Throws a TypeError that names the nearest product for an id that is none. */
export function productOf(id: string): Product {
  const product = findProduct(products, id);
  if (product !== undefined) return product;
  const ids = products.map((each) => each.id);
  const near = nearest(id, ids, 1);
  throw new TypeError(
    `there is no product ${JSON.stringify(id)}: ${near.length > 0 ? `did you mean ${near[0]}?` : `there are ${ids.join(", ")}`}`,
  );
}

/** The event's declared name: a family's for one of its members. */
export function declaredName(productId: string, formatId: string, name: string): string | undefined {
  const format = findProduct(products, productId)?.formats.find((each) => each.id === formatId);
  return format === undefined ? undefined : findEvent(format, name)?.event.name;
}
