import { usageError } from "../../core/errors.ts";
import { BY_HAND } from "./by-hand.ts";
import { desk } from "./desk.ts";
import { books, inventory } from "./finance.ts";
import type { ManagedProduct } from "./managed-product.ts";
import { sign } from "./sign.ts";

export const managedProducts: readonly ManagedProduct[] = [desk, books, inventory, sign];

function findManagedProduct(id: string): ManagedProduct | undefined {
  return managedProducts.find((each) => each.id === id.toLowerCase());
}

/** The product, or a usage error that says where in Zoho's settings its webhooks are made. */
export function requireManagedProduct(id: string, title: string | undefined): ManagedProduct {
  const found = findManagedProduct(id);
  if (found !== undefined) return found;
  const ids = managedProducts.map((each) => each.id).join(", ");
  if (title === undefined) throw usageError(`there is no product ${JSON.stringify(id)}`, `with webhooks here: ${ids}`);
  const byHand = BY_HAND[id.toLowerCase()];
  throw usageError(
    `${title}: ${byHand?.why ?? "Zoho is not known to document an API that manages its webhooks"}`,
    `${byHand?.how ?? `set it up in the settings of ${title}`}; products with webhooks here: ${ids}`,
  );
}

/** An operation of a product, or a usage error that says where it is done by hand. */
export function requireOperation<Name extends "list" | "create" | "remove">(
  product: ManagedProduct,
  name: Name,
): NonNullable<ManagedProduct[Name]> {
  const endpoint = product[name];
  if (endpoint !== undefined) return endpoint;
  throw usageError(
    `${product.title}: Zoho is not known to document a call that would ${name} a webhook`,
    `do it by hand: ${product.settings}`,
  );
}
