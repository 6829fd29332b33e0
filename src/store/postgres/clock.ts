import { randomUUID } from "node:crypto";

/**
 * What is due is so by the clock of the database, for those of the machines differ: a time that a caller gives is as far from
 * the database's as it is from the caller's own.
 */
export type Clock = ReturnType<typeof createClock>;

export function createClock(now: () => Date, isDatabase: boolean) {
  return {
    /** False for callers whose clock is the only one. */
    isDatabase,
    /** Of the caller. */
    now: (): number => now().getTime(),
    newLease: (): string => randomUUID(),
    /** SQL for what to add to a caller's time, and a parameter of it. */
    shift: isDatabase ? "(clock_ms() - ?::bigint)" : "(0 * ?::bigint)",
  };
}
