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

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const watcher of this.#watchers) watcher();
  }

  onAdvance(watcher: () => void): void {
    this.#watchers.push(watcher);
  }
}
