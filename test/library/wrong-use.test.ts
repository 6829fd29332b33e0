import { describe, expect, it } from "vitest";
import { fixture, parse, schemasOf, sign, verify } from "../../src/library/index.ts";

const KEYS = { secret: "s3cret", token: "tok-1" };
const signed = sign("crm", fixture("crm", "Leads.create", { format: "guide" }), KEYS);
/** Calls a function without types, as JavaScript does. */
const called = (use: unknown, ...args: unknown[]): unknown => Reflect.apply(use as () => unknown, undefined, args);
const verified = (change: object, keys: unknown = KEYS): unknown =>
  called(verify, "crm", { ...signed, ...change }, keys);

describe("the error names the mistake:", () => {
  it.each<[string, () => unknown, string]>([
    ["a body without await", () => verified({ body: Promise.resolve("{}") }), "has not been read yet"],
    ["a blob", () => verified({ body: new Blob(["{}"]) }), "has not been read yet"],
    ["raw headers of Node", () => verified({ headers: Object.entries(signed.headers).flat() }), "a list of strings"],
    ["a secret instead of keys", () => verified({}, "s3cret"), "the keys are not an object: pass { secret }"],
    ["no payload for sign", () => called(sign, "crm", undefined, KEYS), "the payload is undefined: pass an object"],
    ["no body for parse", () => called(parse, "crm", undefined), "the body is undefined: pass the raw body"],
    ["a payload without await", () => called(sign, "crm", Promise.resolve("{}"), KEYS), "[object Promise]"],
    ["a body for parse without await", () => called(parse, "crm", Promise.resolve("{}")), "has not been read yet"],
    ["an unknown option of sign", () => called(sign, "crm", {}, KEYS, { fromat: "wire" }), 'no option named "fromat"'],
    ["an unknown option of fixture", () => called(fixture, "crm", "Leads.create", { fromat: "wire" }), "only format"],
    ["an unknown option of schemasOf", () => called(schemasOf, "crm", { fromat: "wire" }), "only format"],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });

  it("a delivery of another product", () => {
    const { reason } = { reason: undefined, ...verify("desk", signed, { secret: "s3cret" }) };
    expect(reason).toBe(
      "the body is not a known event of desk; this looks like crm Leads.create, which should be posted to the URL of crm",
    );
  });
});

describe("requests of all frameworks are accepted:", () => {
  it.each<[string, object]>([
    ["a method in lower case", { method: "post" }],
    ["no method and no URL", { method: null, url: null }],
    ["headers that are null, or a number", { headers: { ...signed.headers, "content-length": 5, "x-none": null } }],
  ])("%s", (_, change) => {
    expect(verified(change)).toMatchObject({ ok: true, event: "Leads.create" });
  });
});
