import { usageError } from "../core/errors.ts";

/**
 * Zoho takes a time only without fractions of a second and with an offset: `2026-01-02T03:04:05+00:00`.
 * With `.123` it refuses the whole request (`INVALID_DATA` for `channel_expiry`).
 */
export function zohoTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}+00:00`;
}

const ZOHO_TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})$/i;

/** Reads a time of Zoho's, which is in the organisation's offset. Undefined for anything that is not one exact instant. */
export function parseZohoTime(text: unknown): Date | undefined {
  const match = typeof text === "string" ? ZOHO_TIME.exec(text.trim()) : null;
  if (match === null) return undefined;
  const [, day, time, offset = ""] = match;
  const colon = offset.length === 5 ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset.toUpperCase();
  const date = new Date(`${day}T${time}${colon}`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const WEEK_MS = 7 * DAY_MS;

/** Kept below the longest lifetime, for clocks that differ and requests that take their time. */
export const LIFETIME_MARGIN_MS = HOUR_MS;

const UNITS = { s: 1000, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS, w: WEEK_MS } as const;

/** Milliseconds of `24h`, `6d23h`, `90m`. Undefined when the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const compact = text.trim().toLowerCase();
  if (!/^(?:\d+(?:\.\d+)?[smhdw])+$/.test(compact)) return undefined;
  let totalMs = 0;
  for (const [, amount = "0", unit = "s"] of compact.matchAll(/(\d+(?:\.\d+)?)([smhdw])/g)) {
    totalMs += Number(amount) * UNITS[unit as keyof typeof UNITS];
  }
  return totalMs;
}

/** `6d 23h`, `4h 12m`, `45s`: the two largest units, rounded down. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
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

export interface LifetimeLimit {
  /** Undefined where Zoho documents none. */
  readonly longestMs: number | undefined;
  readonly defaultMs: number;
}

/**
 * When a channel asked for with `--expires` shall end: a duration (`24h`) or a time with its offset.
 * Farther away than the API version allows is refused here, because Zoho would not: it would silently grant one hour.
 */
export function chooseExpiry(asked: string | undefined, limit: LifetimeLimit, now: Date): Date {
  const lifetimeMs = asked === undefined ? limit.defaultMs : lifetimeOf(asked, now);
  if (lifetimeMs <= 0) {
    throw usageError(`The expiry ${JSON.stringify(asked)} is not in the future.`, "Give a duration such as 24h or 6d.");
  }
  if (limit.longestMs !== undefined && lifetimeMs > limit.longestMs) {
    throw usageError(
      `The expiry is ${formatDuration(lifetimeMs)} away, and this API grants at most ${formatDuration(limit.longestMs)}: Zoho would silently make it one hour.`,
      `Use ${formatDuration(limit.defaultMs).replaceAll(" ", "")} or less, and renew the channel in time.`,
    );
  }
  return new Date(Math.floor((now.getTime() + lifetimeMs) / 1000) * 1000);
}

function lifetimeOf(asked: string, now: Date): number {
  const durationMs = parseDuration(asked);
  if (durationMs !== undefined) return durationMs;
  const time = parseZohoTime(asked);
  if (time !== undefined) return time.getTime() - now.getTime();
  throw usageError(
    `The expiry ${JSON.stringify(asked)} is neither a duration nor a time with its offset.`,
    "Write it like 24h, 6d23h or 2026-01-02T03:04:05+00:00.",
  );
}
