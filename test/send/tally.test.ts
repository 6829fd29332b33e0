import { describe, expect, it } from "vitest";
import { latencies } from "../../src/send/tally.ts";

describe("latencies", () => {
  it("is within about one per cent", () => {
    const all = latencies();
    for (let ms = 1; ms <= 1000; ms++) all.add(ms);
    for (const share of [0.5, 0.95, 0.99]) {
      expect(Math.abs(all.percentile(share) / (share * 1000) - 1)).toBeLessThan(0.011);
    }
    expect(all.max()).toBe(1000);
  });

  it("is exact for one value, and 0 for none", () => {
    const one = latencies();
    expect(one.percentile(0.99)).toBe(0);
    one.add(7.3);
    expect(one.percentile(0.5)).toBe(7.3);
    expect(one.percentile(0.99)).toBe(7.3);
  });

  it("accepts durations outside its scale", () => {
    const all = latencies();
    all.add(0);
    all.add(90_000_000);
    expect(all.percentile(0.5)).toBeLessThanOrEqual(0.01);
    expect(all.max()).toBe(90_000_000);
  });
});
