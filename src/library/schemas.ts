import type { WebhookEvent } from "../core/product.ts";
import { products } from "../products/index.ts";
import type { DefaultFormatId, FormatId, ProductId, Schemas, SchemasIn } from "./event-types.ts";
import { requireOptions } from "./options.ts";
import { formatOf, productOf } from "./product-of.ts";

/**
 * The zod schema of every event, by product and declared name: `schemas.crm["Leads.create"]`; `"<Module>.create"` is that
 * of a module without one of its own. Loose: fields that a schema does not name are kept. Built when first asked for.
 */
export const schemas: Schemas = byProduct();

/** The schemas of another format than a product's first: `schemasOf("desk", { format: "wire" }).Ticket_Add`. */
export function schemasOf<P extends ProductId, const F extends FormatId<P> = DefaultFormatId<P>>(
  product: P,
  options: { readonly format?: F } = {},
): SchemasIn<P, F> {
  requireOptions(options, ["format"]);
  // The compiler cannot follow names through a list; both sides come from the same one.
  return byName(formatOf(productOf(product), options.format).events) as SchemasIn<P, F>;
}

function byProduct(): Schemas {
  const entries = products.map((product) => [product.id, byName(product.formats[0].events)]);
  // The compiler cannot follow names through Object.fromEntries; both sides come from the same list.
  return Object.freeze(Object.fromEntries(entries)) as Schemas;
}

function byName(events: readonly WebhookEvent[]): object {
  const found = {};
  for (const event of events) Object.defineProperty(found, event.name, { enumerable: true, get: () => event.schema });
  return Object.freeze(found);
}
