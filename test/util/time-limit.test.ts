import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { withTimeout } from "../../src/util/timing.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** Never done by itself; ends by its signal. */
const endless = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

it("ends work in time, even after garbage collection", async () => {
  const { signal } = new AbortController();
  const work = withTimeout(200, [signal, undefined], endless);
  const collecting = setInterval(collectGarbage, 20);
  await expect(work).rejects.toMatchObject({ name: "TimeoutError", message: "no answer in 0.2 s" });
  clearInterval(collecting);
});

it("aborts with any other signal and its reason, even one already aborted", async () => {
  const one = new AbortController();
  const work = withTimeout(60_000, [new AbortController().signal, one.signal], endless);
  one.abort("enough");
  await expect(work).rejects.toBe("enough");
  await expect(withTimeout(60_000, [one.signal], async (signal) => signal.reason)).resolves.toBe("enough");
});
