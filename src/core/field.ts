import { valueAt } from "./schema-check.ts";

/** The text at a path, as `["ticket", "id"]`; undefined where there is none, or an empty one. Never throws. */
export function textAt(data: unknown, path: readonly string[]): string | undefined {
  const value = valueAt(data, path);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The ids at a path, one or a list of them, as text. Empty for anything else. Never throws. */
export function idsAt(data: unknown, path: readonly (string | number)[]): readonly string[] {
  const value = valueAt(data, path);
  const ids: readonly unknown[] = Array.isArray(value) ? value : [value];
  return ids.filter((id) => typeof id === "number" || (typeof id === "string" && id !== "")).map(String);
}
