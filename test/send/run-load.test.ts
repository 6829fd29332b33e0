import { describe, expect, it } from "vitest";
import { runLoad } from "../../src/send/deliver.ts";

const signal = new AbortController().signal;

function* numbers(count: number): Generator<number, void> {
  for (let i = 0; i < count; i++) yield i;
}

describe("runLoad", () => {
  it("processes every item once, in order, within the concurrency", async () => {
    const begun: number[] = [];
    let underWay = 0;
    let most = 0;
    await runLoad(numbers(50), { concurrency: 3, ratePerSecond: undefined, signal }, async (n) => {
      begun.push(n);
      most = Math.max(most, ++underWay);
      await new Promise(setImmediate);
      underWay--;
    });
    expect(begun).toEqual([...numbers(50)]);
    expect(most).toBe(3);
  });

  it("starts no more per second than the rate", async () => {
    const startedAt = performance.now();
    const at: number[] = [];
    await runLoad(numbers(6), { concurrency: 4, ratePerSecond: 20, signal }, async () => {
      at.push(performance.now() - startedAt);
    });
    // Timers may come up to a millisecond early.
    at.forEach((ms, i) => {
      expect(ms).toBeGreaterThan(i * 50 - 2 * (i + 1));
    });
    expect(at).toHaveLength(6);
  });

  it("starts nothing after it is stopped, and waits for what is running", async () => {
    const stop = new AbortController();
    const ended: number[] = [];
    await runLoad(numbers(1000), { concurrency: 2, ratePerSecond: undefined, signal: stop.signal }, async (n) => {
      if (n === 5) stop.abort();
      await new Promise(setImmediate);
      ended.push(n);
    });
    expect(ended.length).toBeLessThan(8);
    expect(ended).toContain(5);
  });

  it("ends a pause when it is stopped", async () => {
    const stop = new AbortController();
    let done = 0;
    await runLoad(numbers(3), { concurrency: 1, ratePerSecond: 0.001, signal: stop.signal }, async () => {
      done++;
      setImmediate(() => stop.abort());
    });
    expect(done).toBe(1);
  });
});
