import { expect, it } from "vitest";
import { outcomeOf } from "../../src/forward/attempt.ts";
import type { PostResult } from "../../src/forward/post.ts";
import { explainFailure } from "../../src/forward/post-failure.ts";

const policy = { retries: 1, baseMs: 1 };

function failure(code: string): PostResult {
  const thrown = Object.assign(new Error(`connect ${code}`), { code });
  const url = new URL("http://127.0.0.1:3000/");
  const error = explainFailure(thrown, { url, timeoutMs: 1000, status: undefined });
  return { status: undefined, headers: [], replyPreview: "", isLegible: true, reply: undefined, latencyMs: 1, error };
}

it.each(["EMFILE", "ENFILE"])("counts no attempt for %s, a limit of this system", (code) => {
  const result = failure(code);
  expect(result.error?.message).toContain("allows no more open connections");
  expect(outcomeOf(result, 9, policy, true)).toEqual({ state: "down" });
});

it("counts attempts at an app behind a proxy, which cannot be probed", () => {
  const result = failure("ECONNREFUSED");
  expect(outcomeOf(result, 0, policy, true)).toEqual({ state: "down" });
  expect(outcomeOf(result, 0, policy, false)).toEqual({ state: "retry", afterMs: 1 });
  expect(outcomeOf(result, 1, policy, false)).toEqual({ state: "failed" });
});
