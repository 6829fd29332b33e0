import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { setLongTimeout, withTimeout } from "../../src/util/timing.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** Ends only with its signal. */
const neverEnding = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

it("aborts in time after a garbage collection", async () => {
  const { signal } = new AbortController();
  const work = withTimeout(200, [signal, undefined], neverEnding);
  const collecting = setInterval(collectGarbage, 20);
  await expect(work).rejects.toMatchObject({ name: "TimeoutError", message: "no answer in 0.2 s" });
  clearInterval(collecting);
});

it("aborts with any of the signals and its reason, also one that was aborted before", async () => {
  const one = new AbortController();
  const work = withTimeout(60_000, [new AbortController().signal, one.signal], neverEnding);
  one.abort("enough");
  await expect(work).rejects.toBe("enough");
  await expect(withTimeout(60_000, [one.signal], async (signal) => signal.reason)).resolves.toBe("enough");
});

it("uses as many timers as a long delay needs", async () => {
  const startedAt = performance.now();
  await new Promise<void>((resolve) => void setLongTimeout(100, resolve, 30));
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(95);
});

it("can be cancelled during any of its timers", async () => {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  const cancel = setLongTimeout(60, done, 20);
  await new Promise<void>((resolve) => void setLongTimeout(30, resolve));
  cancel();
  await new Promise<void>((resolve) => void setLongTimeout(60, resolve));
  expect(isDone).toBe(false);
});
