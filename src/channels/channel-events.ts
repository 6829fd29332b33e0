import { findEvent, findFormat, findProduct } from "../model/event-names.ts";
import { products } from "../products/index.ts";
import { normaliseEvents } from "./events.ts";

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
