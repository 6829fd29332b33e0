import type { Context } from "../../context.ts";
import { eventNames, isNamed, nearest } from "../../core/event-name.ts";
import type { Product } from "../../core/product.ts";
import type { Expectation } from "../../receiver/tally.ts";
import { requireProduct } from "../options.ts";

/**
 * Looks at the events that a run waits for: a mistyped one would never come. A product that is none is an error; an event
 * that nobody knows may be a user's own, and is told.
 */
export function tellUnknownEvents(
  context: Context,
  products: readonly Product[],
  expected: readonly Expectation[],
): void {
  for (const { pattern } of expected) {
    if (/[*?]/.test(pattern.text)) continue;
    const [name = "", id] = pattern.text.split(":", 2).toReversed();
    const formats = (id === undefined ? products : [requireProduct(products, id)]).flatMap((each) => each.formats);
    if (formats.some((format) => isNamed(format, name, id === undefined))) continue;
    const [near] = nearest(name, [...new Set(formats.flatMap(eventNames))], 1);
    context.report({
      type: "warning",
      message: `no known event is called ${name}: --expect waits for one of that name`,
      ...(near === undefined ? {} : { hint: `did you mean ${near}?` }),
    });
  }
}
