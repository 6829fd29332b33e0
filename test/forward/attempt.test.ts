import { expect, it } from "vitest";
import { outcomeOf } from "../../src/forward/attempt.ts";
import type { PostResult } from "../../src/forward/post.ts";
import { explainFailure, timeoutFailure } from "../../src/forward/post-failure.ts";

const policy = { retries: 1, baseMs: 2 };
const circumstances = { url: new URL("http://127.0.0.1:3000/"), timeoutMs: 1000, status: undefined };

type Result = Pick<PostResult, "status" | "error">;

const answer = (status: number): Result => ({ status, error: undefined });
const failure = (code: string): Result => ({
  status: undefined,
  error: explainFailure(Object.assign(new Error(`connect ${code}`), { code }), circumstances),
});
const refusal = (code: string): Result => ({ status: undefined, error: { code, message: code, hint: "" } });

const delivered = { state: "delivered" };
const failed = { state: "failed" };
const retry = { state: "retry", afterMs: 2 };
const unreachable = { state: "down", unit: "app" };
const unavailable = { state: "down", unit: "target" };

it.each<[name: string, result: Result, first: object, last: object, onlyOne: object]>([
  ["200", answer(200), delivered, delivered, delivered],
  ["204", answer(204), delivered, delivered, delivered],
  ["302", answer(302), failed, failed, failed],
  ["404", answer(404), failed, failed, failed],
  ["429", answer(429), unavailable, unavailable, failed],
  ["500", answer(500), retry, failed, failed],
  ["501", answer(501), retry, failed, failed],
  ["502", answer(502), unavailable, unavailable, failed],
  ["503", answer(503), unavailable, unavailable, failed],
  ["504", answer(504), unavailable, unavailable, failed],
  ["a 503 that breaks off", { status: 503, error: refusal("ECONNRESET").error }, retry, failed, failed],
  ["a time-out", { status: undefined, error: timeoutFailure(circumstances) }, retry, failed, failed],
  ["ECONNRESET", failure("ECONNRESET"), retry, failed, failed],
  ["ETIMEDOUT", failure("ETIMEDOUT"), retry, failed, failed],
  ["ECONNREFUSED", failure("ECONNREFUSED"), unreachable, unreachable, failed],
  ["ENOTFOUND", failure("ENOTFOUND"), unreachable, unreachable, failed],
  ["EMFILE", failure("EMFILE"), unreachable, unreachable, failed],
  ["ENFILE", failure("ENFILE"), unreachable, unreachable, failed],
  ...["READONLY", "LOADING", "OOM", "MISCONF"].map(
    (code) => [code, refusal(code), unavailable, unavailable, failed] as [string, Result, object, object, object],
  ),
  ["WRONGPASS", refusal("WRONGPASS"), retry, failed, failed],
  ["NOAUTH", refusal("NOAUTH"), retry, failed, failed],
])("decides what comes after %s: at first, after all retries, and without any", (_, result, first, last, onlyOne) => {
  expect(outcomeOf(result, 0, policy)).toEqual(first);
  expect(outcomeOf(result, 1, policy)).toEqual(last);
  expect(outcomeOf(result, 0, { ...policy, retries: 0 })).toEqual(onlyOne);
});
