import type { Context } from "../../context.ts";
import { usageError } from "../../core/errors.ts";
import { eventNames, findFormat, findProduct, nearest } from "../../core/event-name.ts";
import { products } from "../../products/index.ts";
import type { ManagedProduct } from "../../zoho/webhooks/managed-product.ts";

/**
 * The names in the product's own spelling. One that is not known is sent as it is written, with a warning: Zoho adds
 * names, and says no to those that it does not know.
 */
export function namesFor(context: Context, product: ManagedProduct, words: readonly string[]): readonly string[] {
  const { noun, many, aliases = {} } = product.events;
  const known = product.events.known ?? wireNames(product.id);
  if (words.length === 0) throw usageError(`which ${noun}? none is named`, `such as ${known.slice(0, 6).join(", ")}`);
  if (!many && words.length > 1)
    throw usageError(`a webhook of ${product.title} is of one ${noun}, and ${words.length} are named`, "make one each");
  const names = words
    .flatMap((word) => word.split(","))
    .filter((word) => word.trim() !== "")
    .map((word) => {
      const name = word.trim();
      const found = known.find((each) => each.toLowerCase() === name.toLowerCase()) ?? aliases[name.toLowerCase()];
      if (found === undefined) warnOfUnknown(context, product, name, known);
      return found ?? name;
    });
  return [...new Set(names)];
}

function wireNames(id: string): readonly string[] {
  const product = findProduct(products, id);
  const format = product === undefined ? undefined : findFormat(product, "wire");
  return format === undefined ? [] : eventNames(format);
}

function warnOfUnknown(context: Context, product: ManagedProduct, name: string, known: readonly string[]): void {
  const near = nearest(name, known, 3);
  context.report({
    type: "warning",
    message: `${JSON.stringify(name)} is no ${product.events.noun} of ${product.title} that is known here`,
    hint: near.length === 0 ? `known: ${known.join(", ")}` : `did you mean ${near.join(" or ")}?`,
  });
}
