import { expect, it } from "vitest";
import { setLongTimeout } from "../../src/util/timing.ts";

it("splits a time that is longer than a timer can be", async () => {
  const startedAt = performance.now();
  await new Promise<void>((resolve) => void setLongTimeout(100, resolve, 30));
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(95);
});

it("can be cancelled at any time", async () => {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  const callOff = setLongTimeout(60, done, 20);
  await new Promise<void>((resolve) => void setLongTimeout(30, resolve));
  callOff();
  await new Promise<void>((resolve) => void setLongTimeout(60, resolve));
  expect(isDone).toBe(false);
});
