import { readBuiltInFixture } from "../config/fixture-store.ts";
import { eventNames, findEvent, nearest } from "../core/event-name.ts";
import type { EventName, PayloadOf, ProductId } from "./event-types.ts";
import { productOf } from "./product-of.ts";

/** `fixture("crm", "Leads.create")`: the payload of an event by any of its names. */
export type ReadFixture = <P extends ProductId, const Name extends EventName<P>>(
  product: P,
  event: Name,
) => PayloadOf<P, Name>;

/** Reads the samples below the package's folder; never the project's own, since a library has no project. */
export function fixtureReader(packageRoot: string): ReadFixture {
  return <P extends ProductId, Name extends EventName<P>>(product: P, event: Name) => {
    const found = productOf(product);
    const [format] = found.formats;
    const match = format === undefined ? undefined : findEvent(format, event);
    if (format === undefined || match === undefined) {
      const near = nearest(event, format === undefined ? [] : eventNames(format));
      const hint = near.length > 0 ? `: did you mean ${near.join(" or ")}?` : "";
      throw new TypeError(`${product} has no event ${JSON.stringify(event)}${hint}`);
    }
    const sample = readBuiltInFixture({ packageRoot }, found, format, match);
    if (sample === undefined) throw new TypeError(`there is no sample of ${product} ${event}`);
    // The conformance suite holds every sample to its event's schema.
    return sample.data as PayloadOf<P, Name>;
  };
}
