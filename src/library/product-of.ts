import { configureProducts } from "../core/configure.ts";
import {
  type EventMatch,
  eventNames,
  familyExample,
  findEvent,
  findFormat,
  findProduct,
  nearest,
} from "../core/event-name.ts";
import type { FormatSettings } from "../core/format-settings.ts";
import type { Format, Product } from "../core/product.ts";
import { products } from "../products/index.ts";

/** Throws a TypeError that names the nearest product for an id that is none. */
export function productOf(id: string): Product {
  if (typeof id !== "string") throw new TypeError('the product is missing: name it by its id, such as "crm"');
  const product = findProduct(products, id);
  if (product !== undefined) return product;
  throw new TypeError(
    `there is no product ${JSON.stringify(id)}: ${nearestText(
      id,
      products.map((each) => each.id),
    )}`,
  );
}

/** The format of that id, the first where none is named. Throws a TypeError for one that the product has not. */
export function formatOf(product: Product, id: string | undefined): Format {
  const format = id === undefined ? product.formats[0] : findFormat(product, id);
  if (format !== undefined) return format;
  const ids = product.formats.map((each) => each.id);
  throw new TypeError(`${product.id} has no format ${JSON.stringify(id)}: ${nearestText(id ?? "", ids)}`);
}

/** The event of that name, and no family's. Throws a TypeError that names the nearest, or another format. */
export function requireOneEvent(product: Product, format: Format, name: string): EventMatch {
  if (typeof name !== "string") throw new TypeError(`the event is missing: name it, such as ${eventNames(format)[0]}`);
  const match = findEvent(format, name);
  const example = match === undefined ? undefined : familyExample(match);
  if (example !== undefined) throw new TypeError(`${name} stands for many events: name one, such as ${example}`);
  if (match !== undefined) return match;
  const other = product.formats.find((each) => findEvent(each, name) !== undefined);
  const near = nearest(name, eventNames(format));
  const hint =
    other === undefined
      ? near.length > 0
        ? `: did you mean ${near.join(" or ")}?`
        : ""
      : ` in its format ${format.id}: add { format: ${JSON.stringify(other.id)} }`;
  throw new TypeError(`${product.id} has no event ${JSON.stringify(name)}${hint}`);
}

/** The products with what some of them take: each the settings that one of its formats has a use for. */
export function withSettings(chosen: readonly Product[], settings: FormatSettings): readonly Product[] {
  const given = Object.entries(settings);
  if (given.length === 0) return chosen;
  const taken = chosen.map((product) => {
    const known = product.formats.flatMap((format): readonly string[] => format.settings ?? []);
    return [product.id, Object.fromEntries(given.filter(([name]) => known.includes(name)))] as const;
  });
  for (const [name] of given) {
    if (taken.some(([, own]) => Object.hasOwn(own, name))) continue;
    throw new TypeError(`${name} has no meaning for ${chosen.map(({ id }) => id).join(", ")}`);
  }
  return configureProducts(chosen, Object.fromEntries(taken));
}

/** The event's declared name: a family's for one of its members. */
export function declaredName(productId: string, formatId: string, name: string): string | undefined {
  const format = findProduct(products, productId)?.formats.find((each) => each.id === formatId);
  return format === undefined ? undefined : findEvent(format, name)?.event.name;
}

function nearestText(word: string, ids: readonly string[]): string {
  const [near] = nearest(word, ids, 1);
  return near === undefined ? `there are ${ids.join(", ")}` : `did you mean ${near}?`;
}
