import type { Sleep } from "../../src/util/timing.ts";

/** Longer than any back-off between tries of a request, and shorter than what a command waits for. */
const SHORT_MS = 2_500;

/** A clock that stands still until something sleeps by it: then it jumps, and whoever watches is told. */
export class TestClock {
  #nowMs: number;
  readonly #watchers: (() => void)[] = [];
  readonly #sleepers = new Set<() => void>();
  #onAsleep: (() => void)[] = [];

  constructor(start = "2026-03-01T09:00:00Z") {
    this.#nowMs = Date.parse(start);
  }

  readonly now = (): Date => new Date(this.#nowMs);

  readonly sleep: Sleep = async (ms, signal) => {
    if (!signal?.aborted) this.advance(ms);
  };

  /** Sleeps until the test has moved the clock that far. The short pauses between tries of a request pass at once. */
  readonly wait: Sleep = (ms, signal) =>
    new Promise((resolve) => {
      if (ms < SHORT_MS) {
        resolve();
        return;
      }
      const dueMs = this.#nowMs + ms;
      const look = (): void => {
        if (this.#nowMs < dueMs && signal?.aborted !== true) return;
        this.#sleepers.delete(look);
        signal?.removeEventListener("abort", look);
        resolve();
      };
      this.#sleepers.add(look);
      signal?.addEventListener("abort", look);
      look();
      for (const tell of this.#onAsleep.splice(0)) tell();
    });

  /** Resolves once so many wait for this clock at the same time. */
  async asleep(count: number): Promise<void> {
    while (this.#sleepers.size < count)
      await new Promise<void>((resolve) => {
        this.#onAsleep.push(resolve);
      });
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const look of [...this.#sleepers, ...this.#watchers]) look();
  }

  onAdvance(watcher: () => void): void {
    this.#watchers.push(watcher);
  }
}
