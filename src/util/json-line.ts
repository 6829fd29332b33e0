/**
 * A time as ISO 8601, in UTC.
 * @format date-time
 */
export type Time = string;

export type HeaderPair = readonly [name: string, value: string];

/** `not-deleted` is `not_deleted`. */
export function withoutDashes<const Word extends string>(word: Word): WithoutDashes<Word> {
  return word.replaceAll("-", "_") as WithoutDashes<Word>;
}

type WithoutDashes<Word extends string> = Word extends `${infer Start}-${infer Rest}`
  ? `${Start}_${WithoutDashes<Rest>}`
  : Word;

/** A duration as it was measured, without digits that say nothing. */
export function rounded(ms: number): number {
  return Number(ms.toFixed(2));
}

/** A time as in JSON; null if there is none. */
export function timeOf(date: Date | undefined): Time | null {
  return date === undefined ? null : date.toJSON();
}
