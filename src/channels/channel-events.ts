import { findEvent, findFormat, findProduct } from "../contract/event-names.ts";
import { products } from "../products/index.ts";
import { usageError } from "../util/errors.ts";
import { normaliseEvents } from "./events.ts";
import { findWatchProduct } from "./watch-products.ts";

/**
 * Reads the values of `--channel`: events, each of which may have the product before it, such as `bigin:Leads.create`. All
 * are of one product, since a run has one channel; default: crm.
 */
export function readChannelEvents(texts: readonly string[]) {
  const words = texts
    .flatMap((text) => text.split(","))
    .map((text) => /^(?:([^:]*):)?(.*)$/s.exec(text.trim()) ?? [])
    .map(([, product, name = ""]) => ({ product: product?.toLowerCase(), name }));
  const named = [...new Set(words.flatMap(({ product }) => product ?? []))];
  if (named.length > 1)
    throw usageError(
      `--channel names events of ${named.join(" and ")}, and listen creates one channel, for one product`,
      "start a second listen for the other product",
    );
  const product = findWatchProduct(named[0] ?? "crm");
  const names = words.map(({ name }) => name);
  return { product, events: channelEvents(product.id, names) };
}

/** The events of a subscription, in Zoho's spelling. Throws a usage error for a malformed one. */
export function channelEvents(product: string, names: readonly string[]): readonly string[] {
  return normaliseEvents(names).map((event) => event.replace(/^[^.]+/, (module) => moduleName(product, module)));
}

/** A known module in Zoho's spelling, which is case-sensitive. Unknown ones may be the user's, and stay as they are. */
function moduleName(product: string, name: string): string {
  const found = findProduct(products, product);
  const format = found && findFormat(found, "wire");
  const event = format && findEvent(format, `${name}.create`);
  return event?.name.replace(/\.create$/, "") ?? name;
}
