import { z } from "zod";
import { valueAt } from "../../src/delivery/payload.ts";

/** The paths that a schema requires, below objects that the sample has. */
export function requiredPaths(schema: z.ZodType, sample: unknown, path: readonly string[] = []): readonly string[][] {
  return partsOf(schema).flatMap(([key, part]) => {
    const here = [...path, key];
    const inner = valueAt(sample, here) === undefined ? [] : requiredPaths(part, sample, here);
    return part.safeParse(undefined).success ? inner : [here, ...inner];
  });
}

function partsOf(schema: z.ZodType): readonly (readonly [string, z.ZodType])[] {
  if (schema instanceof z.ZodObject) return Object.entries<z.ZodType>(schema.shape);
  if (!(schema instanceof z.ZodTuple)) return [];
  return schema.def.items.flatMap((item, i) => (item instanceof z.ZodType ? [[String(i), item] as const] : []));
}

/** A copy with the value at a path replaced, or taken out where it is undefined. */
export function changedAt(data: unknown, path: readonly string[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof data !== "object" || data === null) throw new Error(`no ${key} to change`);
  const changed = changedAt(Reflect.get(data, key), rest, value);
  if (Array.isArray(data))
    return data.flatMap((old, i) => (String(i) !== key ? [old] : changed === undefined ? [] : [changed]));
  const entries = Object.entries(data).filter(([name]) => name !== key || changed !== undefined);
  return Object.fromEntries(entries.map(([name, old]) => [name, name === key ? changed : old]));
}
