import { eventNames, eventPattern, findFormat, findProduct, nearest } from "../model/event-names.ts";
import { products } from "../products/index.ts";
import { usageError } from "../util/errors.ts";
import type { WebhookContext } from "./lines.ts";
import type { ManagedProduct } from "./product-api.ts";

/**
 * Names in the product's spelling; `Ticket_*` stands for all known ones that match. Unknown names are sent with a warning: Zoho
 * adds names, and rejects wrong ones. `refuses`: they are a usage error instead.
 */
export function readWebhookEvents(
  context: WebhookContext,
  product: ManagedProduct,
  words: readonly string[],
  refuses = false,
): readonly string[] {
  const { noun, many, aliases = {} } = product.events;
  const known = product.events.known ?? wireNames(product.id);
  const names = words.flatMap((word) => word.split(",")).flatMap((word) => word.trim() || []);
  if (names.length === 0)
    throw usageError(`no ${noun} of ${product.title} given`, `name one, such as ${known.slice(0, 6).join(", ")}`);
  const found = names.flatMap((name) => {
    if (/[*?]/.test(name)) return matching(product, name, known);
    const own = known.find((each) => each.toLowerCase() === name.toLowerCase()) ?? aliases[name.toLowerCase()];
    if (own !== undefined) return [own];
    const near = nearest(name, known, 3);
    const message = `${JSON.stringify(name)} is not a known ${noun} of ${product.title}`;
    const hint = near.length === 0 ? `known: ${known.join(", ")}` : `did you mean ${near.join(" or ")}?`;
    if (refuses) throw usageError(message, hint);
    context.report({ type: "warning", message, hint });
    return [name];
  });
  const events = [...new Set(found)];
  if (many || events.length === 1) return events;
  throw usageError(`a ${product.title} webhook has one ${noun}, but ${events.length} are given`, "create one for each");
}

function matching({ title, events }: ManagedProduct, pattern: string, known: readonly string[]): readonly string[] {
  const { matches } = eventPattern(pattern);
  const found = known.filter((name) => matches(undefined, name));
  if (found.length > 0) return found;
  throw usageError(`no known ${events.noun} of ${title} matches ${pattern}`, `known: ${known.join(", ")}`);
}

function wireNames(id: string): readonly string[] {
  const product = findProduct(products, id);
  const format = product && findFormat(product, "wire");
  return format === undefined ? [] : eventNames(format);
}
