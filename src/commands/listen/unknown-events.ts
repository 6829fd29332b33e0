import type { Context } from "../../context.ts";
import { eventNames, isNamed, nearest } from "../../core/event-name.ts";
import type { Product } from "../../core/product.ts";
import { patternProducts } from "../pattern-product.ts";

/** A pattern of events that the user has written, and what comes of it where there is no such event. */
export interface NamedEvents {
  readonly text: string;
  readonly outcome: string;
}

/**
 * Looks at the events that a run is about: a mistyped one would never come. A product that is none is an error; an event
 * that nobody knows may be a user's own, and is told.
 */
export function tellUnknownEvents(
  context: Context,
  products: readonly Product[],
  patterns: readonly NamedEvents[],
): void {
  for (const { text, outcome } of patterns) {
    const named = patternProducts(products, text);
    if (/[*?]/.test(text)) continue;
    const [name = "", id] = text.split(":", 2).toReversed();
    const formats = named.flatMap((each) => each.formats);
    if (formats.some((format) => isNamed(format, name, id === undefined))) continue;
    const [near] = nearest(name, [...new Set(formats.flatMap(eventNames))], 1);
    context.report({
      type: "warning",
      message: `no known event is called ${name}: ${outcome}`,
      ...(near === undefined ? {} : { hint: `did you mean ${near}?` }),
    });
  }
}
