import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Delivery } from "../../src/core/delivery.ts";
import { type EventMatch, eventNames, findEvent } from "../../src/core/event-name.ts";
import { fixtureFiles } from "../../src/core/fixture-files.ts";
import { compactJson } from "../../src/core/json-text.ts";
import type { Format, Product } from "../../src/core/product.ts";
import { products } from "../../src/products/index.ts";

export const fixturesFolder = join(import.meta.dirname, "../../fixtures");

/** One event of one format under a concrete name, with the fixture that is found for it. */
export interface FixtureCase {
  readonly label: string;
  readonly product: Product;
  readonly format: Format;
  readonly name: string;
  readonly match: EventMatch;
  /** Below the folder of fixtures; undefined when there is none. */
  readonly path: string | undefined;
  readonly text: string;
}

/** Every event under every name it is listed with, and each family under a name that nobody has a fixture for. */
export function fixtureCases(): readonly FixtureCase[] {
  return products.flatMap((product: Product) =>
    product.formats.flatMap((format) =>
      [...eventNames(format), ...strangers(format)].map((name) => fixtureCase(product, format, name)),
    ),
  );
}

function fixtureCase(product: Product, format: Format, name: string): FixtureCase {
  const match = findEvent(format, name);
  if (match === undefined) throw new Error(`${product.id} lists ${name} but does not find it`);
  const file = fixtureFiles(product, format, match).find(({ path }) => existsSync(join(fixturesFolder, path)));
  const text = file === undefined ? "" : file.fill(readFileSync(join(fixturesFolder, file.path), "utf8"));
  return { label: `${product.id} ${format.id} ${name}`, product, format, name, match, path: file?.path, text };
}

function strangers(format: Format): readonly string[] {
  return format.events
    .filter((event) => event.members.length > 0)
    .map((event) => event.name.replace(/<\w+>/, "Greenhouse_Orders"));
}

/** The fixture as it is posted: compact, in key order. */
export function deliveryOf(product: Product, text: string): Delivery {
  return {
    method: "POST",
    url: `/webhooks/zoho/${product.id}`,
    headers: [["content-type", "application/json"]],
    body: Buffer.from(compactJson(JSON.parse(text))),
  };
}
