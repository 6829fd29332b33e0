import { join } from "node:path";
import { type Config, userFolder } from "../config/load.ts";
import type { Context } from "../context.ts";
import { configureProducts } from "../core/configure.ts";
import type { Product } from "../core/product.ts";
import type { Secrets } from "../core/secret.ts";
import { products } from "../products/index.ts";
import { withKeySets } from "../zoho/key-sets.ts";
import { requireProduct } from "./options.ts";

/** Every product, as the project's settings say that it is used. */
export function configuredProducts({ settings }: Pick<Config, "settings">): readonly Product[] {
  for (const id of Object.keys(settings.products)) requireProduct(products, id);
  return configureProducts(products, settings.products);
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
