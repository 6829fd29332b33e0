import { usageError } from "../util/errors.ts";
import {
  type EventMatch,
  eventNames,
  familyExample,
  findEvent,
  findFormat,
  findProduct,
  formatFor,
  nearest,
  nearestProduct,
} from "./event-names.ts";
import { defaultFirst, type Format, type Product } from "./product.ts";

/** `where`: the place of the name, unless it is an argument. */
export function requireProduct(products: readonly Product[], id: string, where?: string): Product {
  const product = findProduct(products, id);
  if (product !== undefined) return product;
  const near = nearestProduct(products, id);
  throw usageError(
    `${where === undefined ? "" : `${where}: `}there is no product ${JSON.stringify(id)}`,
    near !== undefined
      ? `did you mean ${near}?`
      : (eventHint(products, id) ?? `products: ${products.map((each) => each.id).join(", ")}`),
  );
}

/** For an event, `Leads.create` or `crm:Leads.create`, where a product is expected. */
function eventHint(products: readonly Product[], text: string): string | undefined {
  const [product, name] = text.includes(":") ? text.toLowerCase().split(":", 2) : [undefined, text.toLowerCase()];
  for (const { id, formats } of products) {
    if (product !== undefined && product !== id) continue;
    const event = formats.flatMap(eventNames).find((each) => each.toLowerCase() === name);
    if (event !== undefined) return `it is an event of ${id}: ${id} ${event}`;
  }
  return undefined;
}

/** `crm.Leads.create` or `crm:Leads.create`, where `crm Leads.create` is meant. */
export function splitEvent(
  products: readonly Product[],
  text: string,
): readonly [product: string, event: string] | undefined {
  const [, product = "", event = ""] = /^([^.:]+)[.:](.+)$/.exec(text) ?? [];
  return findProduct(products, product) === undefined ? undefined : [product, event];
}

export function requireFormat(product: Product, id: string): Format {
  const format = findFormat(product, id);
  if (format !== undefined) return format;
  throw usageError(
    `${product.id} has no format ${JSON.stringify(id)}`,
    `formats: ${defaultFirst(product)
      .map((each) => each.id)
      .join(", ")}`,
  );
}

/** The format of the flag; else the default one, or for an event that only others have one of those. */
export function chosenFormat(product: Product, flag: string | undefined, event?: string): Format {
  const format = flag === undefined ? formatFor(product, event) : requireFormat(product, flag);
  if (format === undefined) throw new Error(`${product.id} has no format`);
  return format;
}

export function requireEvent(product: Product, format: Format, name: string): EventMatch {
  const match = findEvent(format, name);
  if (match !== undefined) return match;
  const other = product.formats.find((each) => findEvent(each, name) !== undefined);
  const own = nearestNames(name, eventNames(format));
  if (other !== undefined) {
    const some = (own.length > 0 ? own : eventNames(format).slice(0, 3)).join(", ");
    throw usageError(
      `${name} is not an event of ${product.id}'s ${format.id} format`,
      `it has ${some}, …: see zoho-hooks products ${product.id}; or add --format ${other.id}`,
    );
  }
  const near = nearestNames(name, [...new Set([format, ...product.formats].flatMap(eventNames))]);
  throw usageError(
    `${product.id} has no event ${JSON.stringify(name)}`,
    near.length === 0 ? `run zoho-hooks products ${product.id} for its events` : `did you mean ${near.join(" or ")}?`,
  );
}

/** Rejects the name of a family, such as `<Module>.create`. */
export function requireOneEvent(product: Product, format: Format, name: string): EventMatch {
  const match = requireEvent(product, format, name);
  const example = familyExample(match);
  if (example === undefined) return match;
  throw usageError(`${match.name} stands for many events`, `name one of them, such as ${example}`);
}

/** For a mistyped name, or a part of one: `Completed` for `RequestCompleted`. */
function nearestNames(word: string, names: readonly string[]): readonly string[] {
  const near = nearest(word, names, 3);
  if (near.length > 0 || word.length < 4) return near;
  return names.filter((each) => each.toLowerCase().includes(word.toLowerCase())).slice(0, 3);
}
