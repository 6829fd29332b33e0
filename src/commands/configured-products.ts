import type { Config } from "../config/load.ts";
import { configureProducts } from "../core/configure.ts";
import type { Product } from "../core/product.ts";
import { products } from "../products/index.ts";
import { requireProduct } from "./options.ts";

/** Every product, as the project's settings say that it is used. */
export function configuredProducts({ settings }: Pick<Config, "settings">): readonly Product[] {
  for (const id of Object.keys(settings.products)) requireProduct(products, id);
  return configureProducts(products, settings.products);
}
