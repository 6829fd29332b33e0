import { usageError } from "../util/errors.ts";
import { formatSpan, readDuration } from "../util/units.ts";
import { parseZohoTime, zohoTime } from "../zoho-api/time.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const WEEK_MS = 7 * DAY_MS;

/** Below the longest lifetime, because clocks differ and requests take time. */
export const LIFETIME_MARGIN_MS = 60 * MINUTE_MS;

/** Clocks differ: a channel this close to its expiry may have expired by Zoho's, or not yet. */
const EXPIRY_TOLERANCE_MS = 5 * MINUTE_MS;

/** Whether a channel that Zoho no longer lists has expired. Otherwise something deleted it earlier. */
export function hasExpired(expiresAt: Date, now: Date): boolean {
  return expiresAt.getTime() <= now.getTime() + EXPIRY_TOLERANCE_MS;
}

/** Whether a channel that Zoho lists posts no more. */
export function isPast(expiresAt: Date, now: Date): boolean {
  return expiresAt.getTime() <= now.getTime() - EXPIRY_TOLERANCE_MS;
}

/** Why Zoho no longer lists a channel. */
export const GONE = {
  expired: "it expired: Zoho no longer lists it",
  "gone early": "something else deleted it, or made it expire early: Zoho no longer lists it",
  "not listed": "Zoho does not list it: it was not created, has expired, or was deleted elsewhere",
} as const;

export function goneReason(expiresAt: Date | undefined, now: Date): string {
  return GONE[expiresAt === undefined ? "not listed" : hasExpired(expiresAt, now) ? "expired" : "gone early"];
}

export interface LifetimeLimit {
  /** Undefined if Zoho documents none. */
  readonly longestMs: number | undefined;
  readonly defaultMs: number;
}

/**
 * The expiry of a channel from `--expires`: a duration (`24h`) or a time with its offset. Rejects one that is farther away
 * than the API allows, because Zoho would silently grant one hour instead.
 */
export function chooseExpiry(requested: string | undefined, limit: LifetimeLimit, now: Date): Date {
  const lifetimeMs = lifetimeOf(requested, limit, now);
  if (lifetimeMs <= 0) {
    throw usageError(
      `the expiry ${JSON.stringify(requested)} is not in the future`,
      "give a duration such as 24h or 6d",
    );
  }
  if (limit.longestMs !== undefined && lifetimeMs > limit.longestMs) {
    throw usageError(
      `the expiry is ${formatSpan(lifetimeMs)} away, and this API grants at most ${formatSpan(limit.longestMs)}: Zoho would silently make it one hour`,
      `use ${formatSpan(limit.defaultMs).replaceAll(" ", "")} or less, and renew the channel before it expires`,
    );
  }
  return endAfter(lifetimeMs, now);
}

/** Reads the same expiry by another clock, without a limit. */
export function expiryBy(now: Date, requested: string | undefined, limit: LifetimeLimit): Date {
  return endAfter(lifetimeOf(requested, limit, now), now);
}

function lifetimeOf(requested: string | undefined, { defaultMs }: LifetimeLimit, now: Date): number {
  if (requested === undefined) return defaultMs;
  const durationMs = readDuration(requested);
  if (durationMs !== undefined) return durationMs;
  const time = parseZohoTime(requested);
  if (time !== undefined) return time.getTime() - now.getTime();
  throw usageError(
    `the expiry ${JSON.stringify(requested)} is neither a duration nor a time with its offset`,
    "write it like 24h, 6d23h or 2026-01-02T03:04:05+00:00",
  );
}

export function endAfter(lifetimeMs: number, now: Date): Date {
  return new Date(Math.floor((now.getTime() + lifetimeMs) / 1000) * 1000);
}

/** A warning if Zoho granted another expiry than requested. */
export function grantWarning(requested: Date, granted: Date | undefined, now: Date): string | undefined {
  if (granted === undefined) return "Zoho does not say when the channel expires";
  const toleranceMs = 60_000;
  if (granted.getTime() >= requested.getTime() - toleranceMs) return undefined;
  if (granted <= now) {
    return `the channel expires at ${zohoTime(granted)}, but this machine's clock says ${zohoTime(now)}: one of them is wrong`;
  }
  const left = (date: Date): string => formatSpan(date.getTime() - now.getTime());
  return `Zoho granted ${left(granted)} instead of ${left(requested)}: the channel expires at ${zohoTime(granted)}`;
}

/** Undefined if one of them is, because it may be the soonest. */
export function soonest(times: readonly (Date | undefined)[]): Date | undefined {
  const known = times.flatMap((time) => time?.getTime() ?? []);
  return known.length === 0 || known.length < times.length ? undefined : new Date(Math.min(...known));
}
