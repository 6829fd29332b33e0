import type { Config } from "../config/load.ts";
import type { Context } from "../context.ts";
import type { Product } from "../core/product.ts";

/** Where the config names products, those are the ones that the project uses. */
export function usedProducts(
  context: Context,
  { settings }: Pick<Config, "settings">,
  products: readonly Product[],
): readonly Product[] {
  const used = products.filter(({ id }) => Object.hasOwn(settings.products, id));
  if (used.length === 0) return products;
  const ids = used.map(({ id }) => id).join(", ");
  context.report({
    type: "notice",
    message: `only the products in the config: ${ids}; to send the events of another one, name it`,
  });
  return used;
}
