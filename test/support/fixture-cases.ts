import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Delivery } from "../../src/delivery/delivery.ts";
import { noSecrets, type Secrets } from "../../src/delivery/secrets.ts";
import { type EventMatch, eventNames, findEvent } from "../../src/model/event-names.ts";
import type { Format, Product } from "../../src/model/product.ts";
import { products } from "../../src/products/index.ts";
import { fixtureFiles } from "../../src/samples/fixtures.ts";
import { prepare } from "../../src/samples/prepare.ts";

export const fixturesFolder = join(import.meta.dirname, "../../fixtures");
/** When the world of the fixtures is. */
export const fixtureTime = new Date("2025-01-15T10:30:00Z");

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

/**
 * Every event under every name it is listed with, and each family under a name that nobody has a fixture for. A family without
 * a known name has no samples.
 */
export function fixtureCases(): readonly FixtureCase[] {
  return products.flatMap((product: Product) =>
    product.formats.flatMap((format) =>
      [...eventNames(format).filter((name) => !name.includes("<")), ...strangers(format)].map((name) =>
        fixtureCase(product, format, name),
      ),
    ),
  );
}

function fixtureCase(product: Product, format: Format, name: string): FixtureCase {
  const match = findEvent(format, name);
  if (match === undefined) throw new Error(`${product.id} lists ${name} but does not find it`);
  const folder = `${product.id}/${format.id}`;
  const files = fixtureFiles({ format, name: match.name });
  const file = files.find((each) => existsSync(join(fixturesFolder, folder, each.name)));
  const path = file && `${folder}/${file.name}`;
  const text = path === undefined ? "" : file?.fill(readFileSync(join(fixturesFolder, path), "utf8"));
  return { label: `${product.id} ${format.id} ${name}`, product, format, name, match, path, text: text ?? "" };
}

function strangers(format: Format): readonly string[] {
  return format.events
    .filter((event) => event.members.length > 0)
    .map((event) => event.name.replace(/<\w+>/, "Greenhouse_Orders"));
}

/** The fixture as `send` posts it, signed where there are secrets for it. */
export function deliveryOf(
  { product, format, name }: Pick<FixtureCase, "product" | "format" | "name">,
  data: unknown,
  secrets: Secrets = noSecrets,
): Delivery {
  const url = `http://127.0.0.1:4460/webhooks/zoho/${product.id}`;
  return prepare({ product: product.id, format, event: name, url, body: data, headers: [], secrets, now: fixtureTime })
    .delivery;
}
