import { findEvent, findFormat, findProduct, nearest } from "../model/event-names.ts";
import type { Product } from "../model/product.ts";
import type { Receipt } from "../model/receipt.ts";
import { isCustomSchema, pathText, type Shape, schemaShape } from "../model/schema.ts";
import { isObject } from "../recognition/members.ts";
import { eventIn } from "../recognition/reading.ts";
import { oneLine } from "../util/text.ts";

/** More names than a person misspells, and each is compared with all that are missing. */
const MAX_UNKNOWN = 50;
const MAX_NAMED = 3;

/**
 * Names members of an event that are spelt almost like one it lacks: `operaton: did you mean operation?`. Within the record
 * only required ones count, since users name fields as they like. Compares with the closest event where none is recognised.
 */
export function misspeltMembers(receipt: Receipt, products: readonly Product[]): readonly string[] {
  const { payload, nearest: closest } = receipt;
  const { product: id, format: formatId } = receipt.format === undefined ? (closest ?? receipt) : receipt;
  const product = id === undefined ? undefined : findProduct(products, id);
  const format = product && formatId !== undefined ? findFormat(product, formatId) : undefined;
  if (format === undefined || payload?.kind !== "json" || receipt.custom) return [];
  const event = eventIn(format, payload.data);
  const match = receipt.event === undefined ? undefined : findEvent(format, receipt.event);
  const schema = match?.event.schema ?? (isObject(event) ? format.body.envelope?.(event)?.() : undefined);
  if (schema === undefined || isCustomSchema(schema)) return [];
  const shape = schemaShape(schema);
  return misspeltIn(event, shape.element ?? shape, []).slice(0, MAX_NAMED);
}

function misspeltIn(value: unknown, { fields }: Shape, path: readonly string[]): readonly string[] {
  if (!isObject(value) || Array.isArray(value) || fields.size === 0) return [];
  const unknown = Object.keys(value).filter((name) => !fields.has(name));
  const missing = [...fields].flatMap(([name, { optional }]) =>
    Object.hasOwn(value, name) || (optional && path.length > 0) ? [] : [name],
  );
  const here = unknown.slice(0, MAX_UNKNOWN).flatMap((name) => {
    const [meant] = nearest(
      name,
      missing.filter((each) => looksLike(name, each)),
      1,
    );
    return meant === undefined ? [] : [`${oneLine(pathText([...path, name]))}: did you mean ${meant}?`];
  });
  const within = [...fields].flatMap(([name, { shape }]) =>
    misspeltIn((value as Record<string, unknown>)[name], shape, [...path, name]),
  );
  return [...here, ...within];
}

/** Short names are near to each other by chance. */
const MIN_LENGTH = 4;

function looksLike(name: string, meant: string): boolean {
  return name.length >= MIN_LENGTH && name[0]?.toLowerCase() === meant[0]?.toLowerCase();
}
