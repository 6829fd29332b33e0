import { findEvent, findFormat, findProduct } from "../core/event-name.ts";
import { products } from "../products/index.ts";
import { normaliseEvents } from "../zoho/channel-events.ts";

/** A known module in the case that Zoho writes it in: there a `leads` is no module at all. Another is taken as it is written. */
export function moduleName(product: string, name: string): string {
  const found = findProduct(products, product);
  const format = found && findFormat(found, "wire");
  const event = format && findEvent(format, `${name}.create`);
  return event?.name.replace(/\.create$/, "") ?? name;
}

/** The events of a subscription as Zoho takes them. Throws a usage error for what is none. */
export function channelEvents(product: string, names: readonly string[]): readonly string[] {
  return normaliseEvents(names).map((event) => event.replace(/^[^.]+/, (module) => moduleName(product, module)));
}
