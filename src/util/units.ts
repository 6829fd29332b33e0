import { usageError } from "./errors.ts";

const MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const NAMES = { s: "s", m: "min", h: "h" } as const;
const BYTES = {
  b: 1,
  kb: 1000,
  mb: 1_000_000,
  gb: 1_000_000_000,
  kib: 1024,
  mib: 1_048_576,
  gib: 1_073_741_824,
} as const;

/** `250ms`, `30s`, `5m`, `24h`, `6d23h` as milliseconds. A bare number is rejected: its unit would be a guess. */
export function parseDuration(text: string, name: string): number {
  const durationMs = readDuration(text);
  if (durationMs !== undefined) return durationMs;
  const number = text.trim();
  const examples = /^\d+$/.test(number)
    ? `${number}s, ${number}m, ${number}h or ${number}d`
    : "500ms, 30s, 5m, 24h or 6d23h";
  throw usageError(`${name}: ${JSON.stringify(text)} is not a duration`, `write it as ${examples}`);
}

/** A duration that fits a timer of Node, which is at most 2^31 - 1 ms. */
export function parseTimeout(text: string, name: string): number {
  const durationMs = parseDuration(text, name);
  if (!(durationMs > 0 && durationMs <= 86_400_000)) throw usageError(`${name} must be more than 0 and at most 24h`);
  return durationMs;
}

/** A duration of any length but 0. */
export function parseRunTime(text: string, name: string): number {
  const durationMs = parseDuration(text, name);
  if (durationMs > 0) return durationMs;
  throw usageError(`${name}: ${JSON.stringify(text)} is too short`, "leave it out for no limit");
}

/** Like `parseDuration`, but undefined for anything else. */
export function readDuration(text: string): number | undefined {
  const compact = text.trim().toLowerCase();
  if (compact === "0") return 0;
  if (!/^(?:\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)\s*)+$/.test(compact)) return undefined;
  const parts = compact.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/g);
  return [...parts].reduce((totalMs, [, amount, unit]) => totalMs + Number(amount) * MS[unit as keyof typeof MS], 0);
}

/** `1048576`, `500kb`, `1mib` as bytes. */
export function parseSize(text: string, name: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb|kib|mib|gib)?$/i.exec(text.trim());
  if (match === null)
    throw usageError(`${name}: ${JSON.stringify(text)} is not a size`, "write it as 1048576, 500kb or 1mib");
  const bytes = Math.floor(Number(match[1]) * BYTES[(match[2]?.toLowerCase() ?? "b") as keyof typeof BYTES]);
  if (bytes < 1) throw usageError(`${name}: ${JSON.stringify(text)} is too small`, "it must be at least one byte");
  return bytes;
}

/** A whole number within bounds. */
export function parseInteger(text: string, name: string, min: number, max: number): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw usageError(`${name}: ${JSON.stringify(text)} is not a whole number from ${min} to ${max}`);
  return value;
}

/** `1.2 kB` */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  // 999,600 bytes are 1.0 MB, not 1000 kB.
  const [value, unit] = bytes < 999_500 ? [bytes / 1000, "kB"] : [bytes / 1_000_000, "MB"];
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** `840 ms`, `12.3 s`, `5 min`, `5 min 20 s`, `2 h 5 min` */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0 ms";
  // The limits allow for rounding: 999.6 ms are 1.0 s, and 59.96 s are 1 min.
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const [large, small] = seconds < 3600 ? (["m", "s"] as const) : (["h", "m"] as const);
  const rest = Math.floor((seconds * 1000) / MS[small]) % 60;
  return `${Math.floor((seconds * 1000) / MS[large])} ${NAMES[large]}${rest === 0 ? "" : ` ${rest} ${NAMES[small]}`}`;
}

/** `2 years`, `3 months`, `5 days`; below two days as `formatDuration`. */
export function formatAge(ms: number): string {
  const days = Math.round(ms / MS.d);
  if (days < 2) return formatDuration(ms);
  if (days < 60) return counted(days, "day");
  return days < 548 ? counted(Math.round(days / 30.44), "month") : counted(Math.round(days / 365.25), "year");
}

/** `6d 23h`, `4h 12m`, `45s`: the two largest units. */
export function formatSpan(ms: number): string {
  // From an hour on, minutes are rounded: a new channel of 6d 23h still shows that after a few seconds.
  const seconds = ms >= MS.h ? Math.round(ms / MS.m) * 60 : Math.max(0, Math.floor(ms / 1000));
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first === -1) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(" ");
}

/** `1 delivery`, `3 deliveries`; the plural is the singular with an s unless it is given. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `2026-05-01` in local time. */
export function formatDay(at: Date): string {
  const part = (value: number): string => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${part(at.getMonth() + 1)}-${part(at.getDate())}`;
}
