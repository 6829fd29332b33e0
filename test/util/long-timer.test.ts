import { expect, it } from "vitest";
import { setLongTimeout } from "../../src/util/timing.ts";

it("takes as many turns as a time needs that is longer than a timer can be set for", async () => {
  const startedAt = performance.now();
  await new Promise<void>((resolve) => void setLongTimeout(100, resolve, 30));
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(95);
});

it("is called off in any of its turns", async () => {
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
