import type { Context } from "../../context.ts";
import { usageError } from "../../core/errors.ts";
import { eventNames, findEvent, findProduct, nearest } from "../../core/event-name.ts";
import type { Product } from "../../core/product.ts";

/** A family of any name at all, which tells nothing of one. */
const ANY_NAME = /^<[A-Za-z]+>$/;

/**
 * Looks at the events that a run waits for: a mistyped one would never come. A product that is none is an error; an event
 * that nobody knows may be a user's own, and is told.
 */
export function tellUnknownEvents(context: Context, products: readonly Product[], expected: readonly string[]): void {
  for (const text of expected) {
    const pattern = text.replace(/=\d+$/, "");
    const at = pattern.indexOf(":");
    const id = at === -1 ? undefined : pattern.slice(0, at);
    const name = pattern.slice(at + 1);
    if (/[*?]/.test(pattern)) continue;
    const product = id === undefined ? undefined : findProduct(products, id);
    if (id !== undefined && product === undefined) {
      const [near] = nearest(
        id,
        products.map((each) => each.id),
        1,
      );
      throw usageError(
        `--expect ${text}: there is no product ${JSON.stringify(id)}`,
        near === undefined ? "zoho-hooks products lists them" : `did you mean ${near}?`,
      );
    }
    const formats = (product === undefined ? products : [product]).flatMap((each) => each.formats);
    const isKnown = formats.some((format) => {
      const match = findEvent(format, name);
      return match !== undefined && (product !== undefined || !ANY_NAME.test(match.event.name));
    });
    if (isKnown) continue;
    const near = nearest(name, [...new Set(formats.flatMap(eventNames))], 1);
    context.report({
      type: "warning",
      message: `no known event is called ${name}: --expect waits for one of that name`,
      ...(near[0] === undefined ? {} : { hint: `did you mean ${near[0]}?` }),
    });
  }
}
