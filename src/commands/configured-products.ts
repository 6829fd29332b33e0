import { type Config, loadConfig } from "../config/load.ts";
import type { Context } from "../context.ts";
import { configureProducts, type ProductSettings } from "../core/configure.ts";
import { usageError } from "../core/errors.ts";
import { nearest } from "../core/event-name.ts";
import type { Product } from "../core/product.ts";
import { products } from "../products/index.ts";

type ProductConfig = Pick<Config, "root" | "importModule"> & {
  readonly settings: Pick<Config["settings"], "products">;
  readonly origins: Pick<Config["origins"], "products">;
};

/**
 * Every product, as the project's settings say that it is used, the user's own behind the others. What reads their files
 * is loaded only where there are any; `schemas: false` leaves out what would have to be run to be read.
 */
export async function configuredProducts(
  { settings, origins, root, importModule }: ProductConfig,
  { schemas = true } = {},
): Promise<readonly Product[]> {
  const entries = Object.entries(settings.products);
  for (const [id, { path }] of entries) if (path === undefined) requireKnown(id);
  if (!entries.some(([, { path, schema }]) => path !== undefined || schema !== undefined))
    return configureProducts(products, settings.products as Readonly<Record<string, ProductSettings>>);
  const { withOwnProducts } = await import("../config/own/own-products.ts");
  const all = await withOwnProducts(products, settings.products, {
    root,
    configFile: origins.products,
    importModule: schemas ? importModule : undefined,
  });
  return configureProducts(all.products, all.settings);
}

/** The products of the project that a command is called in. */
export function projectProducts(context: Context): Promise<readonly Product[]> {
  return configuredProducts(loadConfig(context));
}

/** As it is written: an entry that is found in another case would be right, and have no effect. */
function requireKnown(id: string): void {
  const ids: readonly string[] = products.map((each) => each.id);
  if (ids.includes(id)) return;
  const [near] = nearest(id, ids, 1);
  throw usageError(
    `products.${id}: there is no product ${JSON.stringify(id)}`,
    near === undefined
      ? `one of your own has a folder that describes it: "${id}": { "path": "webhooks/${id}" }`
      : `did you mean ${near}?`,
  );
}
