import { readFixture } from "../config/fixture-store.ts";
import { eventNames, findEvent, nearest } from "../core/event-name.ts";
import { packageRoot } from "../package-root.ts";
import type { EventName, PayloadOf, ProductId } from "./event-types.ts";
import { productOf } from "./product-of.ts";

/**
 * A realistic payload of an event, a new copy each time, to change and to `sign` in a test. Any module of a family will do:
 * `fixture("crm", "Invoices.create")`.
 *
 * @throws TypeError for a product or event that is not known.
 */
export function fixture<P extends ProductId, const Name extends EventName<P>>(
  product: P,
  event: Name,
): PayloadOf<P, Name> {
  const found = productOf(product);
  const [format] = found.formats;
  const match = format === undefined ? undefined : findEvent(format, event);
  if (format === undefined || match === undefined) {
    const near = nearest(event, format === undefined ? [] : eventNames(format));
    throw new TypeError(
      `${product} has no event ${JSON.stringify(event)}${near.length > 0 ? `: did you mean ${near.join(" or ")}?` : ""}`,
    );
  }
  const sample = readFixture({ root: packageRoot, packageRoot }, found, format, match);
  if (sample === undefined) throw new TypeError(`there is no sample of ${product} ${event}`);
  // The conformance suite holds every sample to its event's schema.
  return sample.data as PayloadOf<P, Name>;
}
