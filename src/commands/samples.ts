import type { Settings } from "../config/settings.ts";
import { usageError } from "../core/errors.ts";
import { type EventMatch, eventNames, findEvent } from "../core/event-name.ts";
import type { Format, Product } from "../core/product.ts";
import { products } from "../products/index.ts";
import { chosenFormat, requireEvent, requireProduct } from "./options.ts";

export interface FixtureOptions {
  readonly format?: string;
}

/** A sample together with what it is a sample of. */
export interface Sample {
  readonly product: Product;
  readonly format: Format;
  readonly match: EventMatch;
}

/** The one event that a user named. A family's own name is no event. */
export function requireSample(id: string, name: string, options: FixtureOptions, settings: Settings): Sample {
  const product = requireProduct(products, id);
  const format = chosenFormat(product, options.format, settings);
  const match = requireEvent(product, format, name);
  if (match.name.includes("<")) {
    const [member = "Leads"] = match.event.members;
    const example = match.name.replace(/<\w+>/, member);
    throw usageError(`${match.name} stands for many events`, `name one of them, such as ${example}`);
  }
  return { product, format, match };
}

/** Every event that a format lists, families under each name that is known. */
export function allSamples(product: Product, format: Format): readonly Sample[] {
  return eventNames(format).flatMap((name) => {
    const match = findEvent(format, name);
    return match === undefined ? [] : [{ product, format, match }];
  });
}
