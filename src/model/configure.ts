import { usageError } from "../util/errors.ts";
import { nearest } from "./event-names.ts";
import type { FormatSettings } from "./format-settings.ts";
import type { Format, Product } from "./product.ts";

/** A product's settings: its default format, and the settings of its formats. */
export interface ProductSettings extends FormatSettings {
  readonly format?: string | undefined;
}

/** The products with the user's settings applied. Throws a usage error for a setting that does not apply. */
export function configureProducts(
  products: readonly Product[],
  settings: Readonly<Record<string, ProductSettings>>,
): readonly Product[] {
  return products.map((product) => {
    const own = settings[product.id];
    if (own === undefined) return product;
    const formats = configureFormats(product, own);
    return own.format === undefined ? { ...product, formats } : { ...product, formats, chosenFormat: own.format };
  });
}

function configureFormats(product: Product, { format: chosen, ...settings }: ProductSettings): readonly Format[] {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  for (const [name] of given) {
    if (product.formats.some((format) => format.setup?.settings?.some((each) => each === name))) continue;
    throw usageError(`the setting products.${product.id}.${name} does not apply to ${product.title}`);
  }
  const formats = product.formats.map((format) => format.setup?.configure?.(settings) ?? format);
  if (chosen === undefined) return formats;
  const first = formats.filter(({ id }) => id === chosen);
  if (first.length > 0) return [...first, ...formats.filter(({ id }) => id !== chosen)];
  const ids = formats.map(({ id }) => id);
  const [near] = nearest(chosen, ids, 1);
  throw usageError(
    `products.${product.id}.format: ${product.id} has no format ${JSON.stringify(chosen)}`,
    near === undefined ? `formats: ${ids.join(", ")}` : `did you mean ${near}?`,
  );
}
