/** A timer of Node's that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Resolves when one of the signals aborts or the time is up, with which of them it was. */
export function firstOf(signals: readonly AbortSignal[], timeoutMs: number | undefined): Promise<"signal" | "time"> {
  return new Promise((resolve) => {
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(() => resolve("time"), Math.min(timeoutMs, LONGEST_TIMER_MS));
    const done = (): void => {
      clearTimeout(timer);
      resolve("signal");
    };
    for (const signal of signals) {
      if (signal.aborted) return done();
      signal.addEventListener("abort", done, { once: true });
    }
  });
}
