import { describe, expect, it } from "vitest";
import { fixture, sign, type VerifyOptions, verify } from "../../src/index.ts";

const keys = { secret: "k" };
const hour = 3_600_000;

describe("a delivery from a queue", () => {
  const payment = sign("payments", fixture("payments", "payment.succeeded"), keys);
  const later = new Date(Date.now() + hour);

  it("is too old after an hour, with the option that allows for it", () => {
    const result = verify("payments", payment, keys, { now: later });
    expect(result).toMatchObject({ ok: false, code: "unproven" });
    expect(result.ok ? "" : result.reason).toMatch(/old; the limit is 5 min \(toleranceMs\)$/);
  });

  it("is verified as of its time of receipt, or with a greater tolerance", () => {
    expect(verify("payments", payment, keys, { now: new Date() }).ok).toBe(true);
    expect(verify("payments", payment, keys, { now: later, toleranceMs: 2 * hour }).ok).toBe(true);
    expect(verify("payments", payment, keys, { now: later, toleranceMs: hour / 2 }).ok).toBe(false);
  });
});

describe("the option format", () => {
  const guide = sign("desk", fixture("desk", "Ticket.Create"), keys);

  it("excludes the other formats", () => {
    const update = fixture("books", "invoice.created", { format: "wire" });
    const wire = sign("books", update, keys, { format: "wire", event: "invoice.created" });
    expect(verify("books", wire, keys, { format: "wire" })).toMatchObject({ ok: true, format: "wire" });
    expect(verify("books", wire, keys, { format: "guide" })).toMatchObject({ ok: false, genuine: false });
    expect(verify("desk", guide, keys, { format: "guide" }).ok).toBe(true);
  });

  it("requires the keys of that format", () => {
    expect(() => verify("desk", guide, keys, { format: "wire" })).toThrow("pass { jwks }");
  });
});

it.each<[string, unknown, string]>([
  ["an unknown format", { format: "wir" }, "did you mean wire?"],
  ["an invalid date", { now: new Date("yesterday") }, "now is not a valid Date"],
  ["a time as a number", { now: Date.now() }, "now is not a valid Date"],
  ["a tolerance that is not a number", { toleranceMs: Number.NaN }, "toleranceMs is not a number"],
  ["a negative tolerance", { toleranceMs: -1 }, "toleranceMs is not a number"],
  ["a misspelt option", { tolerance: 5 }, 'no option named "tolerance"'],
])("%s is a TypeError", (_, options, message) => {
  const call = (): unknown => verify("books", { headers: {}, body: "{}" }, keys, options as VerifyOptions<"books">);
  expect(call).toThrow(TypeError);
  expect(call).toThrow(message);
});

it("a format without a product is a TypeError", () => {
  const call = (): unknown => verify(undefined, { headers: {}, body: "{}" }, keys, { format: "wire" });
  expect(call).toThrow('the format "wire" needs a product');
});
