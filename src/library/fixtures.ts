import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { findEvent } from "../model/event-names.ts";
import type { Product, WebhookEvent } from "../model/product.ts";
import { products } from "../products/index.ts";
import { type Fixture, type FixtureKey, readBuiltInFixture } from "../samples/fixtures.ts";
import type { FormatId, NameIn, PayloadOf, ProductId, Schemas, SchemasIn } from "./event-types.ts";
import { formatOf, productOf, requireOneEvent, requireOptions } from "./input.ts";

/**
 * `fixture("crm", "Leads.create")`: the sample payload of an event, as Zoho's servers post it (`wire`) unless another format is
 * named, or alone has the event.
 */
export type ReadFixture = <
  P extends ProductId,
  const Name extends NameIn<P, F>,
  const F extends FormatId<P> | undefined = undefined,
>(
  product: P,
  event: Name,
  options?: { readonly format?: F },
) => PayloadOf<P, F, Name>;

/**
 * Reads the samples of the package in whose src/ or dist/ this file is, never those of a project. The URL is a function since
 * in a bundle it may not exist.
 */
export function fixtureReader(fileUrl: () => string | undefined): ReadFixture {
  return <P extends ProductId, Name extends NameIn<P, F>, F extends FormatId<P> | undefined>(
    product: P,
    event: Name,
    options: { readonly format?: F } = {},
  ) => {
    requireOptions(options, ["format"]);
    // A test validates every sample against its event's schema.
    return readSample(fileUrl(), product, event, options.format).fixture.data as PayloadOf<P, F, Name>;
  };
}

interface LoadedSample extends FixtureKey {
  readonly fixture: Fixture;
}

/** Throws a TypeError for an unknown product, format or event, and an Error where the samples are not found. */
export function readSample(
  fileUrl: string | undefined,
  product: string,
  event: string,
  formatId: string | undefined,
): LoadedSample {
  const found = productOf(product);
  const format = formatOf(found, formatId, event);
  const match = requireOneEvent(found, format, event);
  const packageRoot = packageRootOf(fileUrl);
  const sample = { product: found, format, name: match.name };
  const fixture = packageRoot === undefined ? undefined : readBuiltInFixture(packageRoot, sample);
  if (fixture !== undefined) return { ...sample, fixture };
  throw new Error(
    `the sample of ${product} ${event} was not found${packageRoot === undefined ? "" : ` below ${packageRoot}`}: the samples are files of the package zoho-hooks, and this code was bundled without them; make "zoho-hooks" external in your bundler, or call fixture in tests only`,
  );
}

/** Two folders above the entry, in src/ and in dist/. Not `new URL("..", …)`, which bundlers treat as a file to bundle. A CommonJS bundle has no URL. */
export function packageRootOf(fileUrl: string | undefined): string | undefined {
  return fileUrl?.startsWith("file:") === true ? dirname(dirname(dirname(fileURLToPath(fileUrl)))) : undefined;
}

/**
 * The zod schema of every event, by product and declared name: `schemas.crm["<Module>.create"]`. Each is that of what Zoho's
 * servers post (`wire`), for an event that only another format has that of the other. Loose: additional fields are allowed.
 * Built when first used.
 */
export const schemas: Schemas = schemasByProduct();

/** The schemas of one format: `schemasOf("crm", { format: "guide" })["Leads.create"]`; those of `schemas` without one. */
export function schemasOf<P extends ProductId, const F extends FormatId<P> | undefined = undefined>(
  product: P,
  options: { readonly format?: F } = {},
): SchemasIn<P, F> {
  requireOptions(options, ["format"]);
  // The type is derived from the same list, which the compiler cannot see.
  return schemasIn(productOf(product), options.format) as SchemasIn<P, F>;
}

function schemasIn(product: Product, formatId: string | undefined): object {
  if (formatId === undefined) return usualSchemas(product);
  const { events } = formatOf(product, formatId);
  return schemasByName(
    events.map(({ name }) => name),
    (name) => events.find((event) => event.name === name),
  );
}

function schemasByProduct(): Schemas {
  // As above.
  return Object.freeze(Object.fromEntries(products.map((product) => [product.id, usualSchemas(product)]))) as Schemas;
}

/** Schemas of a product's events, by their names in all formats. */
function usualSchemas(product: Product): object {
  const names = product.formats.flatMap(({ events }) => events.map(({ name }) => name));
  return schemasByName(names, (name) => findEvent(formatOf(product, undefined, name), name)?.event);
}

function schemasByName(names: readonly string[], find: (name: string) => WebhookEvent | undefined): object {
  const result = {};
  for (const name of new Set(names))
    Object.defineProperty(result, name, { enumerable: true, get: () => find(name)?.schema });
  return Object.freeze(result);
}
