import { createHmac } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import { describe, expect, expectTypeOf, it } from "vitest";
import { readPrivateKey } from "../../src/delivery/rsa-keys.ts";
import { secret } from "../../src/delivery/secrets.ts";
import { fixture, type Keys, parse, schemas, schemasOf, sign, verify } from "../../src/library/index.ts";
import { writeKeySet } from "../../src/signatures/keys.ts";
import { folderWith } from "../support/files.ts";
import { lacks } from "../support/needs.ts";
import { openssl } from "../support/openssl.ts";
import { testKeys } from "../support/test-secrets.ts";

const { privateKey, publicKey } = testKeys;
const jwks = JSON.parse(writeKeySet(readPrivateKey(secret(privateKey, "the tests")))) as { keys: object[] };
const TICKET = fixture("desk", "Ticket_Add", { format: "wire" });
const AUDIENCE = "webhookId:189200000000321777";

describe("a format", () => {
  it("has samples and schemas of its own", () => {
    expect(fixture("crm", "Leads.create", { format: "guide" })).not.toEqual(fixture("crm", "Leads.create"));
    expect(schemasOf("desk", { format: "wire" }).Ticket_Add.safeParse(TICKET).success).toBe(true);
    expect(schemasOf("crm")["Leads.create"]).toBe(schemas.crm["Leads.create"]);
    expect(parse("desk", TICKET)).toMatchObject({ ok: true, format: "wire", event: "Ticket_Add" });
  });

  it("has types of its own", () => {
    expectTypeOf(fixture("crm", "Leads.create", { format: "wire" }).ids).toEqualTypeOf<string[]>();
    expectTypeOf(fixture("crm", "Leads.create", { format: "guide" }).data.Last_Name).toEqualTypeOf<string>();
    expectTypeOf(schemasOf("crm")["Leads.create"]).toEqualTypeOf<(typeof schemas)["crm"]["Leads.create"]>();
    expectTypeOf(fixture("books", "invoice.created", { format: "wire" }).invoice.invoice_id).toEqualTypeOf<
      string | number
    >();
    expectTypeOf(fixture("books", "bill", { format: "wire" }).bill.bill_id).toEqualTypeOf<string | number>();
    const event = parse("books", { invoice: { invoice_id: "1" } });
    if (event.ok && event.event === "invoice")
      expectTypeOf(event.payload.invoice.invoice_id).toEqualTypeOf<string | number>();
    // @ts-expect-error: desk has no such format.
    expect(() => fixture("desk", "Ticket_Add", { format: "zobot" })).toThrow(TypeError);
  });

  it("throws for mistakes in a call", () => {
    const call = (...args: unknown[]) => Reflect.apply(verify, undefined, args);
    const keys = { secret: "k" };
    expect(() => call("crm", undefined, keys)).toThrow("the request is missing");
    expect(() => call(null, { headers: {}, body: "" }, keys)).toThrow("the product is missing");
    expect(() => call("people", { headers: {}, body: "{}" }, keys)).toThrow(
      "Zoho never signs people, so pass {}, or `auth` for a fixed value",
    );
    expect(() => Reflect.apply(fixture, undefined, ["crm"])).toThrow("the event is missing");
    expect(() => Reflect.apply(fixture, undefined, ["crm", "<Module>.create", { format: "wire" }])).toThrow("name one");
    expect(() => sign("crm", {}, keys, { event: "nope" })).toThrow('crm has no event "nope"');
    expect(() => sign("books", {}, keys, { format: "wire", event: "invoice.<operation>" })).toThrow("name one");
    expect(sign("books", {}, keys, { format: "wire", event: "journal.created" }).url).toContain(
      "event=journal.created",
    );
    const auth = { header: "x-a", parameter: "a", value: "v" } as unknown as Keys["auth"];
    expect(() => sign("forms", {}, { auth }, { format: "wire" })).toThrow("one place");
  });

  it("never throws for the content of a body", () => {
    for (const body of [
      '{"module":"Leads","operation":"create","ids":["1"],"token":{"toString":1}}',
      "[".repeat(1e5),
      "\0",
    ]) {
      expect(verify("crm", { headers: {}, body }, { token: "t" })).toMatchObject({ ok: false });
      expect(parse(undefined, body).ok).toBe(false);
    }
  });

  it("is signed over query and body for the finance products", () => {
    const options = { format: "wire", event: "invoice.created", url: "/hooks?b=2&a=1" } as const;
    const signed = sign("books", fixture("books", "invoice.created", { format: "wire" }), { secret: "k" }, options);
    expect(signed).toMatchObject({ method: "POST", url: "/hooks?b=2&a=1&event=invoice.created" });
    const canonical = `a1b2eventinvoice.created${signed.body}`;
    const expected = createHmac("sha256", "k").update(canonical).digest("hex");
    expect(signed.headers["x-zoho-webhook-signature"]).toBe(expected);
    expect(verify("books", signed, { secret: "k" })).toMatchObject({ ok: true, name: "invoice.created" });
    expect(verify("books", { ...signed, url: "/hooks" }, { secret: "k" })).toMatchObject({ code: "wrong-signature" });
  });

  it("is signed for Desk as jose accepts it, and verified with a key set and an audience", async () => {
    const signed = sign("desk", TICKET, { privateKey, audience: AUDIENCE }, { format: "wire" });
    const token = signed.headers["x-zdesk-jwt"] ?? "";
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwks as Parameters<typeof createLocalJWKSet>[0]));
    expect(payload.aud).toBe(AUDIENCE);
    expect(verify("desk", signed, { jwks, audience: AUDIENCE })).toMatchObject({ ok: true, format: "wire" });
    expect(verify(undefined, signed, { jwks: JSON.stringify(jwks), audience: AUDIENCE }).ok).toBe(true);
    expect(verify("desk", signed, { jwks, audience: "webhookId:5" })).toMatchObject({ code: "wrong-signature" });
    expect(verify("desk", signed, { jwks, audience: AUDIENCE, issuer: "orgId:5" })).toMatchObject({
      code: "wrong-signature",
    });
  });

  it("verifies the organisation of every event of a Desk delivery, and is named after the first", () => {
    const [first] = TICKET;
    const second = { ...first, eventType: "Ticket_Delete", payload: { id: "7" } };
    const keys = { privateKey, audience: AUDIENCE };
    const both = sign("desk", [first, second], keys, { format: "wire" });
    const result = verify("desk", both, { jwks, audience: AUDIENCE });
    if (!result.ok || result.format !== "wire") throw new Error("no event of the wire format");
    expect(result).toMatchObject({ event: "Ticket_Add", records: [first.payload.id, "7"] });
    expect(result.payload.length).toBe(2);
    const foreign = sign("desk", [first, { ...second, orgId: "5" }], keys, { format: "wire" });
    expect(verify("desk", foreign, { jwks, audience: AUDIENCE })).toMatchObject({
      code: "wrong-signature",
      reason: expect.stringContaining("but the body is from orgId:5"),
    });
  });

  it("requires an audience or issuer with Desk's token, but not with a secret", () => {
    const guide = sign("desk", fixture("desk", "Ticket.Create"), { secret: "k" });
    expect(verify("desk", guide, { secret: "k" }).ok).toBe(true);
    expect(verify("desk", guide, { secret: "k", jwks }, { format: "guide" }).ok).toBe(true);
    const signed = sign("desk", TICKET, { privateKey }, { format: "wire" });
    for (const product of ["desk", undefined] as const) {
      const call = (): unknown => verify(product, signed, { jwks });
      expect(call).toThrow(TypeError);
      expect(call).toThrow('pass { audience: "webhookId:…" } or { issuer: "orgId:…" } as well');
    }
    const issuer = `orgId:${TICKET[0].orgId}`;
    expect(verify("desk", signed, { jwks, issuer }).ok).toBe(true);
  });

  it.skipIf(lacks("openssl"))("is signed for SalesIQ as openssl accepts it, and verified with the public key", () => {
    const signed = sign("salesiq", fixture("salesiq", "conversation.created"), { privateKey });
    const cwd = folderWith({
      "key.pem": publicKey,
      signature: Buffer.from(signed.headers["x-siqsignature"] ?? "", "base64"),
    });
    const argv = ["dgst", "-sha256", "-verify", `${cwd}/key.pem`, "-signature", `${cwd}/signature`];
    expect(openssl(argv, signed.body).toString()).toContain("Verified OK");
    expect(verify("salesiq", signed, { publicKey }).ok).toBe(true);
    const bare = publicKey.replace(/-----[^-]+-----|\s/g, "");
    expect(verify("salesiq", { ...signed, body: `${signed.body} ` }, { publicKey: bare })).toMatchObject({ ok: false });
  });

  it("is verified by Mail's secret, and by the fixed value of a user-defined webhook", () => {
    const mail = sign("mail", fixture("mail", "message"), { hookSecret: "h" });
    expect(mail.headers["x-hook-signature"]).toBe(createHmac("sha256", "h").update(mail.body).digest("base64"));
    expect(verify("mail", mail, { hookSecret: ["new", "h"] }).ok).toBe(true);
    // As Zoho Mail writes it: an app that serialises the body again gets other bytes.
    expect(mail.body.toString()).toContain("quote?<\\/div>\\r\\n");
    const auth = { header: "X-Key", value: "v" } as const;
    const form = sign("forms", { a: "1" }, { auth }, { format: "wire" });
    expect(form.headers).toMatchObject({ "x-key": "v" });
    expect(verify("forms", form, { auth })).toMatchObject({ ok: true, format: "wire" });
    expect(verify("forms", form, { auth: { ...auth, value: "w" } })).toMatchObject({ code: "wrong-signature" });
  });
});

describe("a mistake in a key is a TypeError:", () => {
  const request = { headers: {}, body: "{}" };
  it.each<[string, () => unknown, string]>([
    // @ts-expect-error
    ["an unknown format", () => sign("desk", {}, { secret: "k" }, { format: "wir" }), "did you mean wire?"],
    // @ts-expect-error
    ["an event of another format", () => fixture("desk", "Ticket_Add", { format: "guide" }), 'add { format: "wire" }'],
    ["an invalid public key", () => verify("salesiq", request, { publicKey: "no key" }), "not an RSA public key"],
    ["an invalid private key", () => sign("salesiq", {}, { privateKey: "no key" }), "not an RSA private key"],
    ["an invalid key set", () => verify("desk", request, { jwks: "https://desk.zoho.com" }), "not a key set"],
    [
      "an audience for a product without one",
      () => verify("crm", request, { token: "t", audience: "x" }),
      "audience does not apply",
    ],
    [
      "a value without a place",
      () => verify("forms", request, { auth: { value: "v" } } as Keys),
      "needs the place of its value",
    ],
    ["a private key to verify with", () => verify("salesiq", request, { privateKey }), "salesiq needs `publicKey`"],
    ["a public key to sign with", () => sign("salesiq", {}, { publicKey }), "salesiq needs `privateKey`"],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });
});
