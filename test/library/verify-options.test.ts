import { describe, expect, it } from "vitest";
import { createHandler, fixture, sign, type VerifyOptions, verify } from "../../src/library/index.ts";
import { lacks } from "../support/needs.ts";
import { openssl } from "../support/openssl.ts";

const keys = { secret: "k" };
const hour = 3_600_000;

describe("a delivery from a queue", () => {
  const payment = sign("payments", fixture("payments", "payment.succeeded"), keys);
  const later = new Date(Date.now() + hour);

  it("is too old after an hour, with the option that allows for it", () => {
    const result = verify("payments", payment, keys, { now: later });
    expect(result).toMatchObject({ ok: false, code: "wrong-signature" });
    expect(result.reason).toMatch(/old; the limit is 5 min \(toleranceMs\)$/);
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
    expect(() => verify("desk", guide, keys, { format: "wire" })).toThrow(
      "none of the keys applies: desk needs `jwks` with `audience` or `issuer`",
    );
  });
});

describe.skipIf(lacks("openssl"))("a finance product's signature", () => {
  const body = '{"invoice":{"invoice_id":"460000000049123"}}';
  const signedAs = (url: string, text: string) => {
    const printed = openssl(["dgst", "-sha256", "-hmac", "k", "-r"], Buffer.from(text)).toString("utf8");
    const headers = { "content-type": "application/json", "x-zoho-webhook-signature": printed.split(" ", 1)[0] };
    return { method: "POST", url, headers, body };
  };

  it("is verified over the sorted, decoded pairs and the body", () => {
    const signed = signedAs("/?name=a%2Bb&event=invoice.created", `eventinvoice.creatednamea+b${body}`);
    expect(verify("books", signed, keys)).toMatchObject({ ok: true, name: "invoice.created" });
  });

  it.each([
    ["an empty parameter that is not signed", "/?event=invoice.created&force=", `eventinvoice.created${body}`],
    ["a parameter without a value", "/?event=invoice.created&force", `eventinvoice.created${body}`],
    ["a space for a signed +", "/?event=invoice.created&name=a+b", `eventinvoice.creatednamea+b${body}`],
    ["a repeat that is not signed", "/?event=invoice.created&event=invoice.created", `eventinvoice.created${body}`],
    ["another order of the pairs", "/?Z=1&event=invoice.created", `eventinvoice.createdZ1${body}`],
  ])("is refused with %s", async (_, url, text) => {
    const request = signedAs(url, text);
    const event = verify("books", request, keys);
    expect(event).toMatchObject({ ok: false, code: "wrong-signature" });
    expect(event.reason).toContain("this reading is not accepted here");
    const names: (string | null)[] = [];
    const handle = createHandler("books", keys, ({ name }) => void names.push(name));
    expect((await handle(request)).status).toBe(401);
    expect(names).toEqual([]);
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
