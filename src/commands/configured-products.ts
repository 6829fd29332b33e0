import { join } from "node:path";
import { type Config, loadConfig, userFolder } from "../config/load.ts";
import type { Context } from "../context.ts";
import { configureProducts, type ProductSettings } from "../core/configure.ts";
import { usageError } from "../core/errors.ts";
import { findProduct, nearest } from "../core/event-name.ts";
import type { Product } from "../core/product.ts";
import type { Secrets } from "../core/secret.ts";
import { products } from "../products/index.ts";
import { withKeySets } from "../zoho/key-sets.ts";

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

function requireKnown(id: string): void {
  if (findProduct(products, id) !== undefined) return;
  const ids = products.map((each) => each.id);
  const [near] = nearest(id, ids, 1);
  throw usageError(
    `products.${id}: there is no product ${JSON.stringify(id)}`,
    near === undefined
      ? `one of your own has a folder that describes it: "${id}": { "path": "webhooks/${id}" }`
      : `did you mean ${near}?`,
  );
}

/** The secrets with the public keys that are given by an address, fetched. */
export function secretsWithKeys(
  context: Context,
  { env, secrets }: Pick<Config, "env" | "secrets">,
  used: readonly Product[],
): Promise<Secrets> {
  return withKeySets(secrets, {
    products: used,
    env,
    cacheFolder: join(userFolder(context), "key-sets"),
    signal: context.signal,
    now: context.now,
    warn: (message) => context.report({ type: "warning", message }),
  });
}
