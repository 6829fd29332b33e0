/**
 * Zoho accepts a time only with an offset and without fractions of a second: `2026-01-02T03:04:05+00:00`. With `.123` it
 * rejects the whole request (`INVALID_DATA` for `channel_expiry`).
 */
export function zohoTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}+00:00`;
}

const ZOHO_TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})$/i;

/** Undefined for anything that is not one exact instant. Zoho writes times in the organisation's offset. */
export function parseZohoTime(text: unknown): Date | undefined {
  const match = typeof text === "string" ? ZOHO_TIME.exec(text.trim()) : null;
  if (match === null) return undefined;
  const [, day, time, offset = ""] = match;
  const colon = offset.length === 5 ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset.toUpperCase();
  const date = new Date(`${day}T${time}${colon}`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
