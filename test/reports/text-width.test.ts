import { expect, it } from "vitest";
import { textWidth } from "../../src/reports/layout.ts";

it.each([
  ["Müller", 6],
  ["東京", 4],
  ["e\u0301", 1],
  ["👩‍👩‍👧", 2],
  ["ｱ", 1],
])("%s takes %i columns", (text, width) => {
  expect(textWidth(text)).toBe(width);
});

it("takes linear time", { timeout: 5000 }, () => {
  expect(textWidth("東".repeat(250_000))).toBe(500_000);
});
