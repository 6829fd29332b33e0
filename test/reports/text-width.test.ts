import { expect, it } from "vitest";
import { textWidth } from "../../src/util/text.ts";
import { cpuMs } from "../support/cpu-time.ts";

it.each([
  ["Müller", 6],
  ["東京", 4],
  ["e\u0301", 1],
  ["👩‍👩‍👧", 2],
  ["ｱ", 1],
])("%s takes %i columns", (text, width) => {
  expect(textWidth(text)).toBe(width);
});

it("takes linear time", () => {
  const text = "東".repeat(250_000);
  expect(cpuMs(() => expect(textWidth(text)).toBe(500_000))).toBeLessThan(5000);
});
