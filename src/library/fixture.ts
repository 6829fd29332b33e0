import { readBuiltInFixture } from "../config/fixture-store.ts";
import type { DefaultFormatId, EventName, FormatId, PayloadOf, ProductId } from "./event-types.ts";
import { formatOf, productOf, requireOneEvent } from "./product-of.ts";

/** `fixture("crm", "Leads.create")`: the payload of an event by any of its names, in a product's first format unless told. */
export type ReadFixture = <
  P extends ProductId,
  const Name extends EventName<P>,
  const F extends FormatId<P> = DefaultFormatId<P>,
>(
  product: P,
  event: Name,
  options?: { readonly format?: F },
) => PayloadOf<P, F, Name>;

/** Reads the samples below the package's folder; never the project's own, since a library has no project. */
export function fixtureReader(packageRoot: string): ReadFixture {
  return <P extends ProductId, Name extends EventName<P>, F extends FormatId<P>>(
    product: P,
    event: Name,
    options: { readonly format?: F } = {},
  ) => {
    const found = productOf(product);
    const format = formatOf(found, options.format);
    const match = requireOneEvent(found, format, event);
    const sample = readBuiltInFixture({ packageRoot }, found, format, match);
    if (sample === undefined) throw new TypeError(`there is no sample of ${product} ${event}`);
    // The conformance suite holds every sample to its event's schema.
    return sample.data as PayloadOf<P, F, Name>;
  };
}
