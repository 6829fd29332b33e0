import type { Context } from "../../context.ts";
import { eventNames, isNamed, nearest } from "../../core/event-name.ts";
import { eventPattern, patternParts } from "../../core/event-pattern.ts";
import type { Format, Product } from "../../core/product.ts";
import { patternProducts } from "../pattern-products.ts";

/** A pattern of events that the user has written, and what comes of it where there is no such event. */
export interface NamedEvents {
  /** The flag, or the setting and what sets it. */
  readonly where: string;
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
  for (const { text, where, outcome } of patterns) {
    const named = patternProducts(products, text, where);
    const { product: id, event: name } = patternParts(text);
    const formats = named.flatMap((each) => each.formats);
    const isGlob = /[*?]/.test(text);
    if (formats.some((format) => (isGlob ? mayFit(format, name) : isNamed(format, name, id === undefined)))) continue;
    if (isGlob) {
      context.report({ type: "warning", message: `no known event matches ${name}; only an unknown one could` });
      continue;
    }
    const [near] = nearest(name, [...new Set(formats.flatMap(eventNames))], 1);
    context.report({
      type: "warning",
      message: `there is no known event ${name}: ${outcome}`,
      ...(near === undefined ? {} : { hint: `did you mean ${near}?` }),
    });
  }
}

/** Whether a pattern fits an event of a format, or may fit one of a family: whatever stands for the placeholder. */
function mayFit(format: Format, pattern: string): boolean {
  const { matches } = eventPattern(pattern);
  if (eventNames(format).some((name) => matches(undefined, name))) return true;
  const [first = ""] = pattern.toLowerCase().split(/[*?]/, 1);
  const last = pattern.toLowerCase().split(/[*?]/).at(-1) ?? "";
  return format.events.some(({ name }) => {
    const [before = "", after] = name.toLowerCase().split(/<[a-z]+>/);
    if (after === undefined) return false;
    const begins = before.startsWith(first) || first.startsWith(before);
    return begins && (after.endsWith(last) || last.endsWith(after));
  });
}
