import { onTestFinished, vi } from "vitest";

/** Until the test ends, a second passes by `performance.now()` every 20 ms. Dates and timers stay real. */
export function speedUpClock(): void {
  // Whole, so that the seconds that pass are exact.
  const now = Math.ceil(performance.now());
  vi.useFakeTimers({ toFake: ["performance"] });
  // It begins at 0.
  vi.advanceTimersByTime(now);
  const timer = setInterval(() => vi.advanceTimersByTime(1000), 20);
  onTestFinished(() => {
    clearInterval(timer);
    vi.useRealTimers();
  });
}
