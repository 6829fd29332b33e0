import { usageError } from "../core/errors.ts";
import { findWatchProduct, watchProductIds } from "./watch-products.ts";
import { managedProducts } from "./webhooks/index.ts";

interface SignInProduct {
  readonly id: string;
  readonly scopes: readonly string[];
}

/** The products whose APIs are called here, with what a sign-in needs for them. */
export function signInProducts(): readonly SignInProduct[] {
  return [...watchProductIds.map((id) => findWatchProduct(id)), ...managedProducts];
}

export function findSignInProduct(id: string): SignInProduct {
  const found = signInProducts().find((each) => each.id === id.toLowerCase());
  if (found !== undefined) return found;
  const ids = signInProducts().map((each) => each.id);
  throw usageError(`there is nothing to sign in for of ${JSON.stringify(id)}`, `products: ${ids.join(", ")}`);
}
