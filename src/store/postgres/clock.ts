import { randomUUID } from "node:crypto";

/**
 * Due times are in the clock of the database, since the clocks of machines differ: a caller's time is shifted by the difference
 * between both clocks.
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
