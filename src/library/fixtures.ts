import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { readBuiltInFixture } from "../config/fixtures.ts";
import type { WebhookEvent } from "../core/product.ts";
import { products } from "../products/index.ts";
import type { DefaultFormatId, FormatId, NameIn, PayloadOf, ProductId, Schemas, SchemasIn } from "./event-types.ts";
import { formatOf, productOf, requireOneEvent, requireOptions } from "./input.ts";

/** `fixture("crm", "Leads.create")`: the payload of an event by any of its names, in a product's first format unless told. */
export type ReadFixture = <
  P extends ProductId,
  const Name extends NameIn<P, F>,
  const F extends FormatId<P> = DefaultFormatId<P>,
>(
  product: P,
  event: Name,
  options?: { readonly format?: F },
) => PayloadOf<P, F, Name>;

/**
 * Reads the samples of the package that a file at this URL lies in, in src/ or in dist/; never the project's own, since a
 * library has no project. Where it lies is asked when a sample is: a bundle may have no answer.
 */
export function fixtureReader(fileUrl: () => string | undefined): ReadFixture {
  return <P extends ProductId, Name extends NameIn<P, F>, F extends FormatId<P>>(
    product: P,
    event: Name,
    options: { readonly format?: F } = {},
  ) => {
    requireOptions(options, ["format"]);
    const found = productOf(product);
    const format = formatOf(found, options.format);
    const match = requireOneEvent(found, format, event);
    const packageRoot = folderAbove(fileUrl());
    const sample = packageRoot === undefined ? undefined : readBuiltInFixture({ packageRoot }, found, format, match);
    // Every event has a sample in the package.
    if (sample === undefined) {
      throw new Error(
        `the sample of ${product} ${event} is not ${packageRoot === undefined ? "to be found" : `below ${packageRoot}`}: the samples lie in the package zoho-hooks, which a bundler has taken this code out of; name "zoho-hooks" as external there, or call fixture in tests only`,
      );
    }
    // The conformance suite holds every sample to its event's schema.
    return sample.data as PayloadOf<P, F, Name>;
  };
}

/** Not `new URL("..", …)`, which bundlers take for a file to bundle. A bundle as CommonJS has no URL. */
function folderAbove(fileUrl: string | undefined): string | undefined {
  return fileUrl?.startsWith("file:") === true ? dirname(dirname(fileURLToPath(fileUrl))) : undefined;
}

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
