import type { Sleep } from "../../src/zoho/backoff.ts";

/** A clock that stands still until something sleeps by it: then it jumps, and whoever watches is told. */
export class TestClock {
  #nowMs: number;
  readonly #watchers: (() => void)[] = [];

  constructor(start = "2026-03-01T09:00:00Z") {
    this.#nowMs = Date.parse(start);
  }

  readonly now = (): Date => new Date(this.#nowMs);

  readonly sleep: Sleep = async (ms, signal) => {
    if (!signal?.aborted) this.advance(ms);
  };

  /** Sleeps until the test has moved the clock that far, in place of moving it. */
  readonly wait: Sleep = (ms, signal) =>
    new Promise((resolve) => {
      const dueMs = this.#nowMs + ms;
      const look = (): void => {
        if (this.#nowMs >= dueMs || signal?.aborted) resolve();
      };
      this.onAdvance(look);
      signal?.addEventListener("abort", look, { once: true });
      look();
    });

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const watcher of this.#watchers) watcher();
  }

  onAdvance(watcher: () => void): void {
    this.#watchers.push(watcher);
  }
}
