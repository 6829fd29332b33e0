import { join } from "node:path";
import { type Config, userFolder } from "../config/load.ts";
import type { Context } from "../context.ts";
import type { Product } from "../core/product.ts";
import { type KeySets, openKeySets } from "../zoho/key-sets.ts";

/** The secrets with the public keys that are given by an address, fetched. */
export function openPublicKeys(
  context: Context,
  { env, secrets }: Pick<Config, "env" | "secrets">,
  used: readonly Product[],
): Promise<KeySets> {
  return openKeySets(secrets, {
    products: used,
    env,
    cacheFolder: join(userFolder(context), "key-sets"),
    // Asked for when there is something to fetch: until then an interrupt ends the process as it ends any other.
    get signal() {
      return context.signal;
    },
    now: context.now,
    warn: (message) => context.report({ type: "warning", message }),
    tell: (message) => context.report({ type: "notice", message }),
  });
}
