import { afterLong } from "../../core/long-timer.ts";

/** Resolves when one of the signals aborts or the time is up, with which of them it was. */
export function firstOf(signals: readonly AbortSignal[], timeoutMs: number | undefined): Promise<"signal" | "time"> {
  return new Promise((resolve) => {
    const stopWaiting = timeoutMs === undefined ? undefined : afterLong(timeoutMs, () => resolve("time"));
    const done = (): void => {
      stopWaiting?.();
      resolve("signal");
    };
    for (const signal of signals) {
      if (signal.aborted) return done();
      signal.addEventListener("abort", done, { once: true });
    }
  });
}
