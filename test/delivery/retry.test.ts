import { expect, it } from "vitest";
import { explainFailure } from "../../src/delivery/post-failure.ts";
import { afterAttempt } from "../../src/delivery/retry.ts";

it.each(["EMFILE", "ENFILE"])("takes no try from a delivery for %s, which is this system's own", (code) => {
  const thrown = Object.assign(new Error(`connect ${code}`), { code });
  const url = new URL("http://127.0.0.1:3000/");
  const error = explainFailure(thrown, { url, timeoutMs: 1000, status: undefined });
  expect(error.message).toContain("no more connections");
  const result = { status: undefined, headers: [], replyPreview: "", reply: undefined, latencyMs: 1, error };
  expect(afterAttempt(result, 9, { retries: 1, baseMs: 1 }, true)).toEqual({ state: "down" });
});
