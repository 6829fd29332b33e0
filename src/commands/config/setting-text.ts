import { readers } from "../../config/readers.ts";
import type { Settings } from "../../config/settings.ts";
import { parseDuration, parseSize, parseTimeout } from "../../core/units.ts";

const DURATION_UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;
const SIZE_UNITS = [
  ["gib", 2 ** 30],
  ["mib", 2 ** 20],
  ["kib", 2 ** 10],
  ["gb", 1e9],
  ["mb", 1e6],
  ["kb", 1e3],
] as const;

/** A setting as a user would write it: `7d` and `1mib`, not milliseconds and bytes. */
export function settingText(key: string, value: unknown): string {
  if (value === undefined) return "(not set)";
  if (typeof value === "string") return value;
  if (typeof value === "number") return numberText(readers[key as keyof Settings], value);
  const empty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return empty ? "(not set)" : JSON.stringify(value);
}

/** How a setting is read from text tells what its number counts. */
function numberText(reader: unknown, value: number): string {
  if (reader === parseDuration || reader === parseTimeout) return inUnits(value, DURATION_UNITS, "ms");
  if (reader === parseSize) return inUnits(value, SIZE_UNITS, "b");
  return String(value);
}

/** In the largest unit that it is a whole number of. */
function inUnits(value: number, units: readonly (readonly [string, number])[], smallest: string): string {
  const found = units.find(([, size]) => value >= size && value % size === 0);
  return found === undefined ? `${value}${smallest}` : `${value / found[1]}${found[0]}`;
}
