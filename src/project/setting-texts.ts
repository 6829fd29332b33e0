import { maskRoute, maskSetting } from "../delivery/mask.ts";
import { parseDuration, parseSize, parseTimeout } from "../util/units.ts";
import { readers } from "./readers.ts";
import type { Settings } from "./settings.ts";

/** The values for people, with secrets in URLs masked; none for what is only on or off, or has many parts. */
export function settingTexts({ routes, ...settings }: Settings, key: keyof Settings): readonly string[] {
  if (key === "routes") return routes.map(maskRoute);
  const value = settings[key];
  if (Array.isArray(value)) return value.map((each) => maskSetting(String(each)));
  return typeof value === "string" ? [maskSetting(value)] : [];
}

/** A setting as a user would write it: `7d` and `1mib`, not milliseconds and bytes. */
export function settingText(key: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") {
    // The reader of the setting shows its unit.
    const reader = readers[key as keyof Settings];
    if (reader === parseDuration || reader === parseTimeout) return inUnits(value, DURATION_UNITS, "ms");
    return reader === parseSize ? inUnits(value, SIZE_UNITS, "b") : String(value);
  }
  const isEmpty = value === undefined || (typeof value === "object" && value && Object.keys(value).length === 0);
  return isEmpty ? "(not set)" : JSON.stringify(value);
}

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

/** In the largest unit that divides it. */
function inUnits(value: number, units: readonly (readonly [string, number])[], smallest: string): string {
  const found = units.find(([, size]) => value >= size && value % size === 0);
  return found === undefined ? `${value}${smallest}` : `${value / found[1]}${found[0]}`;
}
