/**
 * A time as ISO 8601, in UTC.
 * @format date-time
 */
export type Time = string;

export type HeaderPair = readonly [name: string, value: string];

/** A duration as it was measured, without digits that say nothing. */
export function rounded(ms: number): number {
  return Number(ms.toFixed(2));
}

/** A time as in JSON; null if there is none. */
export function timeOf(date: Date | undefined): Time | null {
  return date === undefined ? null : date.toJSON();
}
