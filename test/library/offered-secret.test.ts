import { expect, it } from "vitest";
import { fixture, type Keys, sign, verify } from "../../src/library/index.ts";

const MESSAGE = fixture("mail", "message");
const firstCall = (headers: Readonly<Record<string, string>> = {}) => ({
  headers: { "x-hook-secret": "s3cret", ...headers },
  body: "",
});

it("the first call of Mail offers its secret, with the reply, and later calls are verified with it", () => {
  const call = verify("mail", firstCall(), {});
  if (call.code !== "challenge") throw new Error("no challenge");
  expect(call).toMatchObject({ ok: false, genuine: false, reply: { status: 200 } });
  expect(call.offered).toEqual({ credential: "hookSecret", value: "s3cret" });
  expect(call.reason).not.toContain("s3cret");
  const keys = { hookSecret: call.offered?.value ?? "" };
  expect(verify("mail", sign("mail", MESSAGE, keys), keys).ok).toBe(true);
  // The webhook was saved again, with the same secret.
  expect(verify("mail", firstCall(), keys)).toMatchObject({ code: "challenge", offered: undefined });
});

it("a call with a message can offer a secret, unless it is signed with another one", () => {
  const signed = sign("mail", MESSAGE, { hookSecret: "s3cret" });
  const offering = { ...signed, headers: { ...signed.headers, "x-hook-secret": "s3cret" } };
  expect(verify("mail", offering, {})).toMatchObject({ code: "challenge", offered: { value: "s3cret" } });
  const other = { ...signed, headers: { ...signed.headers, "x-hook-secret": "other" } };
  expect(verify("mail", other, {})).toMatchObject({
    code: "wrong-signature",
    reason: "its signature does not match the secret that it offers",
  });
});

it("an offer of another secret than the given one is a wrong signature, since anybody can make it", () => {
  const result = verify("mail", firstCall(), { hookSecret: "known" });
  expect(result).toMatchObject({ ok: false, code: "wrong-signature", genuine: false });
  expect(JSON.stringify(result)).not.toContain("s3cret");
  expect(result).toMatchObject({ reason: expect.stringContaining("it offers a different secret than the hookSecret") });
});

it("a genuine event of another product is an event, even with the header of an offer", () => {
  const keys = { secret: "k", hookSecret: "known" };
  const { headers, ...signed } = sign("books", fixture("books", "invoice_created"), keys);
  const offering = { ...signed, headers: { ...headers, "x-hook-secret": "s3cret" } };
  expect(verify(undefined, offering, keys).ok).toBe(true);
  expect(verify(undefined, offering, { secret: "k" }).ok).toBe(true);
});

it("nothing but the first call passes without a key, and missing keys are an error for every other call", () => {
  expect(verify("mail", sign("mail", MESSAGE, { hookSecret: "s3cret" }), {})).toMatchObject({ code: "no-key" });
  expect(verify("mail", { headers: {}, body: "{}" }, {})).toMatchObject({ ok: false, genuine: false });
  expect(() => verify(undefined, firstCall(), {})).toThrow("no keys were given");
  expect(() => verify("mail", firstCall(), { hookSecret: undefined })).toThrow("`hookSecret` has no value");
  expect(() => verify("mail", firstCall(), { secret: "k" } as Keys)).toThrow("mail needs `hookSecret`");
  expect(() => sign("mail", MESSAGE, {})).toThrow("mail needs `hookSecret`");
});
