import { expect, it } from "vitest";
import { afterAttempt } from "../../src/forward/attempt.ts";
import type { PostResult } from "../../src/forward/post.ts";
import { explainFailure } from "../../src/forward/post-failure.ts";

const policy = { retries: 1, baseMs: 1 };

function failure(code: string): PostResult {
  const thrown = Object.assign(new Error(`connect ${code}`), { code });
  const url = new URL("http://127.0.0.1:3000/");
  const error = explainFailure(thrown, { url, timeoutMs: 1000, status: undefined });
  return { status: undefined, headers: [], replyPreview: "", isLegible: true, reply: undefined, latencyMs: 1, error };
}

it.each(["EMFILE", "ENFILE"])("takes no try from a delivery for %s, which is this system's own", (code) => {
  const result = failure(code);
  expect(result.error?.message).toContain("allows no more open connections");
  expect(afterAttempt(result, 9, policy, true)).toEqual({ state: "down" });
});

it("counts the tries at an app behind a proxy, of which nobody here sees when it is back", () => {
  const result = failure("ECONNREFUSED");
  expect(afterAttempt(result, 0, policy, true)).toEqual({ state: "down" });
  expect(afterAttempt(result, 0, policy, false)).toEqual({ state: "retry", afterMs: 1 });
  expect(afterAttempt(result, 1, policy, false)).toEqual({ state: "failed" });
});
