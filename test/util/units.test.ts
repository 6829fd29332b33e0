import { expect, it } from "vitest";
import { counted, formatAge, formatBytes, formatDuration } from "../../src/util/units.ts";

it.each([
  [0, "0 ms"],
  [9.94, "9.9 ms"],
  [9.96, "10 ms"],
  [999.4, "999 ms"],
  [999.6, "1.0 s"],
  [59_940, "59.9 s"],
  [59_960, "1 min"],
  [89_000, "1 min 29 s"],
  [3_599_400, "59 min 59 s"],
  [3_599_600, "1 h"],
  [9_059_000, "2 h 30 min"],
])("formats %s ms as %s, never as 1000 or 60 of a unit", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

const HOUR_MS = 3_600_000;

it.each([
  [12 * 60_000, "12 min"],
  [35 * HOUR_MS, "35 h"],
  [36 * HOUR_MS, "2 days"],
  [59 * 24 * HOUR_MS, "59 days"],
  [60 * 24 * HOUR_MS, "2 months"],
  [400 * 24 * HOUR_MS, "13 months"],
  [17_059 * HOUR_MS, "2 years"],
])("formats an age of %d ms as %s", (ms, text) => {
  expect(formatAge(ms)).toBe(text);
});

it.each([
  [999, "999 B"],
  [1000, "1.0 kB"],
  [9949, "9.9 kB"],
  [9960, "10 kB"],
  [999_499, "999 kB"],
  [999_600, "1.0 MB"],
  [12_345_678, "12 MB"],
])("formats %i bytes as %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it("uses the singular for one and the plural for other counts", () => {
  const texts = [0, 1, 2].map((count) => `${counted(count, "line")}, ${counted(count, "delivery", "deliveries")}`);
  expect(texts).toEqual(["0 lines, 0 deliveries", "1 line, 1 delivery", "2 lines, 2 deliveries"]);
});
