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
    await runLoad(numbers(50), { concurrency: 3, signal }, async (n) => {
      begun.push(n);
      most = Math.max(most, ++underWay);
      await new Promise(setImmediate);
      underWay--;
    });
    expect(begun).toEqual([...numbers(50)]);
    expect(most).toBe(3);
  });

  it("starts nothing after it is stopped, and waits for what is running", async () => {
    const stop = new AbortController();
    const ended: number[] = [];
    await runLoad(numbers(1000), { concurrency: 2, signal: stop.signal }, async (n) => {
      if (n === 5) stop.abort();
      await new Promise(setImmediate);
      ended.push(n);
    });
    expect(ended.length).toBeLessThan(8);
    expect(ended).toContain(5);
  });
});
