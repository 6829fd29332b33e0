import type { Context } from "../context.ts";
import { findProduct } from "../core/event-name.ts";
import { mistypedModule } from "../core/mistyped-module.ts";
import type { Product } from "../core/product.ts";

/**
 * Tells which modules that the user has named are taken as custom ones and look like known ones, each once. A name may be
 * an event or a pattern, with a product before a colon: `crm:Lead.*`.
 */
export function tellMistypedModules(context: Context, products: readonly Product[], names: readonly string[]): void {
  const told = new Set<string>();
  for (const name of names) {
    const [left = "", right] = name.split(":", 2);
    const named = right === undefined ? undefined : findProduct(products, left);
    if (right !== undefined && named === undefined) continue;
    const found = mistypedModule(named === undefined ? products : [named], right ?? left);
    if (found === undefined || told.has(found.module)) continue;
    told.add(found.module);
    context.report({
      type: "warning",
      message: `${found.module} is treated as a custom module`,
      hint: `did you mean ${found.near}?`,
    });
  }
}
