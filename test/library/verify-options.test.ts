import { describe, expect, it } from "vitest";
import { fixture, sign, type VerifyOptions, verify } from "../../src/index.ts";

const keys = { secret: "k" };
const hour = 3_600_000;

describe("a delivery that has waited", () => {
  const payment = sign("payments", fixture("payments", "payment.succeeded"), keys);
  const later = new Date(Date.now() + hour);

  it("is too old later on, and is told without a flag that only the commands have", () => {
    const result = verify("payments", payment, keys, { now: later });
    expect(result).toMatchObject({ ok: false, code: "unproven" });
    expect(result.ok ? "" : result.reason).toMatch(/old, and 5 min is allowed \(toleranceMs\)$/);
  });

  it("is judged as of when it came, or with a greater tolerance", () => {
    expect(verify("payments", payment, keys, { now: new Date() }).ok).toBe(true);
    expect(verify("payments", payment, keys, { now: later, toleranceMs: 2 * hour }).ok).toBe(true);
    expect(verify("payments", payment, keys, { now: later, toleranceMs: hour / 2 }).ok).toBe(false);
  });
});

describe("a format that is named", () => {
  const guide = sign("desk", fixture("desk", "Ticket.Create"), keys);

  it("is the only one taken", () => {
    const update = fixture("books", "invoice.created", { format: "wire" });
    const wire = sign("books", update, keys, { format: "wire", event: "invoice.created" });
    expect(verify("books", wire, keys, { format: "wire" })).toMatchObject({ ok: true, format: "wire" });
    expect(verify("books", wire, keys, { format: "guide" })).toMatchObject({ ok: false, genuine: false });
    expect(verify("desk", guide, keys, { format: "guide" }).ok).toBe(true);
  });

  it("takes the keys that prove it", () => {
    expect(() => verify("desk", guide, keys, { format: "wire" })).toThrow("it takes { jwks }");
  });
});

it.each<[string, unknown, string]>([
  ["a format that there is not", { format: "wir" }, "did you mean wire?"],
  ["a time that is none", { now: new Date("yesterday") }, "now is no valid Date"],
  ["a time as a number", { now: Date.now() }, "now is no valid Date"],
  ["an age that is none", { toleranceMs: Number.NaN }, "toleranceMs is no number"],
  ["an age below nothing", { toleranceMs: -1 }, "toleranceMs is no number"],
  ["a misspelt option", { tolerance: 5 }, 'no option named "tolerance"'],
])("%s is a TypeError", (_, options, message) => {
  const call = (): unknown => verify("books", { headers: {}, body: "{}" }, keys, options as VerifyOptions<"books">);
  expect(call).toThrow(TypeError);
  expect(call).toThrow(message);
});

it("a format of no product is a TypeError", () => {
  expect(() => verify(undefined, { headers: {}, body: "{}" }, keys, { format: "wire" })).toThrow("name the one whose");
});
