import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, expectTypeOf, it } from "vitest";
import { webhook } from "../../src/library/express.ts";
import {
  fixture,
  type Keys,
  parse,
  type RequestLike,
  type Signed,
  schemas,
  schemasOf,
  sign,
  type VerifyResult,
  verify,
} from "../../src/library/index.ts";
import { folderWith } from "../support/files.ts";
import { run } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

const KEYS = { secret: "s3cret", token: "tok-1" } as const;
const LEAD = fixture("crm", "Leads.create", { format: "guide" });

function outcome(result: VerifyResult): string {
  return result.genuine ? "genuine" : result.code;
}

describe("sign", () => {
  it("makes a delivery that the guide's own handler accepts", () => {
    const { headers, body } = sign("crm", LEAD, KEYS);
    const received: unknown = JSON.parse(body.toString());
    const expected = createHmac("sha256", "s3cret").update(JSON.stringify(received)).digest("hex");
    expect(headers).toMatchObject({ "content-type": "application/json", "x-zoho-signature": expected });
    expect(received).toEqual({ ...LEAD, token: "tok-1" });
  });

  it("signs bytes and text exactly as they are", () => {
    const text = '{ "event" : "invoice_created", "organization_id":"1", "data":{} }\n';
    for (const payload of [text, Buffer.from(text), new Uint8Array(Buffer.from(text))]) {
      const { headers, body } = sign("books", payload, { secret: "k" });
      expect(body.toString()).toBe(text);
      expect(headers["x-zoho-signature"]).toBe(createHmac("sha256", "k").update(text).digest("hex"));
    }
  });

  it("takes the format from the payload or the event's name, and is what Zoho posts where both fit", () => {
    const keys = { ...KEYS, privateKey: testKeys.privateKey };
    const headerOf = (signed: Signed) => Object.keys(signed.headers).filter((name) => name.startsWith("x-"));
    const ticket = fixture("desk", "Ticket_Add");
    expect(headerOf(sign("desk", ticket, keys))).toEqual(["x-zdesk-jwt"]);
    expect(headerOf(sign("desk", fixture("desk", "Ticket.Create"), keys))).toEqual(["x-zoho-signature"]);
    expect(headerOf(sign("desk", { a: 1 }, keys))).toEqual(["x-zdesk-jwt"]);
    expect(headerOf(sign("desk", { a: 1 }, keys, { event: "Ticket.Create" }))).toEqual(["x-zoho-signature"]);
    expect(headerOf(sign("desk", ticket, keys, { format: "guide" }))).toEqual(["x-zoho-signature"]);
    expect(headerOf(sign("crm", fixture("crm", "Leads.create"), KEYS))).toEqual([]);
    expect(headerOf(sign("crm", { Last_Name: "Doe" }, KEYS))).toEqual([]);
  });

  it("refuses a token that it would have to write into bytes", () => {
    expect(() => sign("crm", JSON.stringify(LEAD), KEYS)).toThrow("pass the payload as an object");
  });

  it("makes what the command accepts", async () => {
    const { headers, body } = sign("crm", LEAD, KEYS);
    const cwd = folderWith({ "a.json": body });
    const argv = ["verify", "a.json", "-s", headers["x-zoho-signature"] ?? ""];
    const env = { ZOHO_WEBHOOK_SECRET: KEYS.secret, ZOHO_WEBHOOK_TOKEN: KEYS.token };
    expect((await run(argv, { cwd, env })).exitCode).toBe(0);
    expect((await run(argv, { cwd, env: { ...env, ZOHO_WEBHOOK_TOKEN: "tok-2" } })).exitCode).toBe(3);
  });
});

describe("verify", () => {
  const signed = sign("crm", LEAD, KEYS);

  it("takes headers as Node, fetch, a map or pairs give them, and the body as text or bytes", () => {
    const arrayBuffer = new Uint8Array(signed.body).buffer;
    const { "x-zoho-signature": signature = "" } = signed.headers;
    const requests: RequestLike[] = [
      signed,
      { headers: { "X-ZOHO-SIGNATURE": signature, "set-cookie": ["a", "b"], absent: undefined }, body: signed.body },
      { headers: new Headers(signed.headers), body: signed.body.toString() },
      { headers: new Map(Object.entries(signed.headers)), body: new Uint8Array(signed.body) },
      { headers: [["X-Zoho-Signature", signature]], body: arrayBuffer },
    ];
    expect(requests.map((request) => outcome(verify("crm", request, KEYS)))).toEqual(requests.map(() => "genuine"));
  });

  it("returns the event, recognised by the body where no product is named", () => {
    const result = verify(undefined, signed, KEYS);
    expect(result).toMatchObject({
      ok: true,
      genuine: true,
      product: "crm",
      format: "guide",
      event: "Leads.create",
      name: "Leads.create",
      payload: { data: { Last_Name: "Tanaka" } },
      known: true,
      issues: [],
      signatures: [
        { id: "token", result: "verified" },
        { id: "guide-signature", result: "verified" },
      ],
    });
  });

  it("gives a module without a schema of its own under its family's name", () => {
    const invoice = fixture("crm", "Invoices.create");
    expect(verify("crm", sign("crm", invoice, KEYS), KEYS)).toMatchObject({
      ok: true,
      event: "<Module>.create",
      name: "Invoices.create",
    });
  });

  it("is never genuine for a delivery with a bit changed, a wrong key, a missing signature or a wrong token", () => {
    const body = Buffer.from(signed.body);
    body.writeUInt8(body.readUInt8(40) ^ 1, 40);
    const wrong: VerifyResult[] = [
      verify("crm", { ...signed, body }, KEYS),
      verify("crm", signed, { secret: "other" }),
      verify("crm", signed, { secret: "s3cret", token: "tok-2" }),
    ];
    const missing: VerifyResult[] = [
      verify("crm", { headers: {}, body: signed.body }, KEYS),
      verify(undefined, { headers: {}, body: '{"some":"body"}' }, KEYS),
      verify("crm", { headers: {}, body: "{}" }, KEYS),
    ];
    expect(wrong.map(outcome)).toEqual(Array.from(wrong, () => "wrong-signature"));
    expect(missing.map(outcome)).toEqual(Array.from(missing, () => "missing-signature"));
    const noKey = verify(undefined, sign("books", fixture("books", "invoice_created"), KEYS), { token: "tok-1" });
    expect([noKey.code, noKey.genuine]).toEqual(["no-key", false]);
  });

  it("returns a genuine event that is invalid or unknown, with what is wrong", () => {
    const misshapen = sign("crm", { ...LEAD, ids: 5 }, KEYS);
    const result = verify("crm", misshapen, KEYS);
    expect(result).toMatchObject({ ok: false, known: true, genuine: true, issues: [{ at: "ids" }] });
    expect(result.reason).toMatch(/^crm Leads\.create does not match its schema: ids: expected .*, got number 5$/);
    const unknown = sign("desk", { event: "Ticket.Creat", orgId: "7", ticketId: "1" }, { secret: "k" });
    expect(verify("desk", unknown, { secret: "k" })).toMatchObject({
      known: false,
      genuine: true,
      event: null,
      name: "Ticket.Creat",
      reason: expect.stringContaining("the nearest are Ticket.Create"),
    });
  });

  it("returns the body of a genuine event that is unknown or invalid, digits intact, and of no other", () => {
    const body = '{"event":"Ticket.Merged","orgId":7,"ticketId":2761940000000418093}';
    const unknown = verify("desk", sign("desk", body, { secret: "k" }), { secret: "k" });
    const payload = { event: "Ticket.Merged", orgId: 7, ticketId: "2761940000000418093" };
    expect(unknown).toMatchObject({
      ok: false,
      known: false,
      genuine: true,
      format: "guide",
      payload,
      body: Buffer.from(body),
    });
    const misshapen = verify("crm", sign("crm", { ...LEAD, ids: 5 }, KEYS), KEYS);
    expect(misshapen).toMatchObject({ known: true, format: "guide", payload: { ids: 5, module: "Leads" } });
    const ofNoEnvelope = verify("desk", sign("desk", '{"a":1}', { secret: "k" }, { format: "guide" }), { secret: "k" });
    expect(ofNoEnvelope).toMatchObject({ name: null, known: false, genuine: true, format: "guide", payload: { a: 1 } });
    expect(ofNoEnvelope.genuine ? ofNoEnvelope.issues.map(({ at }) => at) : []).toContain("event");
    const forged = verify("desk", { headers: {}, body }, { secret: "k" });
    expect(forged).toMatchObject({ code: "missing-signature", genuine: false, name: "Ticket.Merged" });
    expect(forged).not.toHaveProperty("payload");
    expect(forged).not.toHaveProperty("body");
  });

  it("returns a genuine body that cannot be read, with its bytes and the issue", () => {
    const keys = { secret: "k" };
    const text = '{"notifications":';
    const digest = createHmac("sha256", "k").update(text).digest("base64");
    const headers = { "content-type": "application/json", "x-zs-webhook-signature": digest };
    expect(verify("sign", { headers, body: text }, keys)).toMatchObject({
      genuine: true,
      ok: false,
      product: "sign",
      format: null,
      name: null,
      known: false,
      issues: [{ path: [], expected: "JSON or a form", received: expect.stringContaining("line 1, column 18") }],
      payload: undefined,
      body: Buffer.from(text),
      identity: expect.stringMatching(/^sign:[0-9a-f]{16}$/),
    });
    expect(verify("sign", { headers, body: `${text} ` }, keys)).toMatchObject({ genuine: false, code: "unreadable" });
    const list = sign("sign", "[1,2]", keys);
    const issues = [{ path: [], expected: "object", received: "an array of 2" }];
    expect(verify("sign", list, keys)).toMatchObject({ genuine: true, name: null, issues, body: list.body });
    const body = '{"token":"tok-1","a":1}';
    expect(verify("bigin", { headers: {}, body }, { token: "tok-1" })).toMatchObject({
      genuine: true,
      product: "bigin",
      format: null,
      name: null,
      issues: [{ path: [], expected: "an event of bigin", received: "an object" }],
      payload: { token: "tok-1", a: 1 },
      body: Buffer.from(body),
    });
  });

  it("verifies the token of a custom body", () => {
    const body = '{"token":"tok-1","Last_Name":"Doe"}';
    expect(verify("crm", { headers: {}, body }, { token: "tok-1" })).toMatchObject({
      genuine: true,
      ok: true,
      event: "webhook",
      payload: { Last_Name: "Doe" },
    });
    expect(verify("crm", { headers: {}, body }, { token: "other" })).toMatchObject({ genuine: false });
    expect(verify("crm", { headers: {}, body }, KEYS), "without its signature").toMatchObject({ genuine: false });
  });

  it("accepts what Zoho never signs without a key, and nothing else", () => {
    const form = { method: "POST", headers: { "content-type": "application/json" }, body: '{"Email":"a@example.com"}' };
    expect(verify("forms", form, {})).toMatchObject({ genuine: true, ok: true, payload: { Email: "a@example.com" } });
    expect(verify("connect", { ...form, body: "{" }, {})).toMatchObject({ genuine: true, ok: false, name: null });
    const auth = { header: "x-hook-key", value: "v" };
    expect(verify("forms", form, { auth })).toMatchObject({ genuine: false, code: "missing-signature" });
    expect(verify("forms", form, { secret: "k" })).toMatchObject({ genuine: false, code: "missing-signature" });
    for (const product of ["creator", "projects", "forms", "survey", "analytics", "campaigns"] as const) {
      for (const name of Object.keys(schemasOf(product, { format: "wire" }))) {
        const body = JSON.stringify(Reflect.apply(fixture, undefined, [product, name, { format: "wire" }]));
        expect(verify(product, { ...form, body }, {}), `${product} ${name}`).toMatchObject({ genuine: true });
        expect(verify(product, { ...form, body }, { secret: "k" })).toMatchObject({ genuine: false });
      }
    }
    expect(() => verify("forms", form, {}, { format: "guide" })).toThrow("forms needs `secret`");
    for (const product of ["crm", "books", "desk", "salesiq", "webinar"] as const)
      expect(() => verify(product, form, {})).toThrow(`${product} needs `);
  });

  it("tells a repeat from another event by its identity, and names the records", () => {
    const keys = { secret: "k" };
    const updated = (subject: string) =>
      sign("desk", { ...fixture("desk", "Ticket.Update"), ticketId: "11", subject }, keys, { url: "/hooks" });
    const identities = ["a", "a", "b"].map((subject) => {
      const result = verify("desk", updated(subject), keys);
      expect(result).toMatchObject({ ok: true, records: ["11"] });
      return result.genuine ? result.identity : undefined;
    });
    expect(identities[0]).toMatch(/^desk:Ticket\.Update:11:/);
    expect(identities[1]).toBe(identities[0]);
    expect(identities[2]).not.toBe(identities[0]);
    const unknown = verify("desk", sign("desk", { event: "Ticket.Merged", orgId: "7", ticketId: "11" }, keys), keys);
    const identity = expect.stringMatching(/^desk:Ticket\.Merged:11:/);
    expect(unknown).toMatchObject({ known: false, records: ["11"], identity });
  });

  it("hands over the answer to a challenge", () => {
    const result = verify("crm", { headers: {}, body: '{"challenge":"c-1"}' }, KEYS);
    expect(result).toMatchObject({
      ok: false,
      code: "challenge",
      genuine: false,
      reply: { status: 200, body: '{"challenge":"c-1"}' },
    });
  });

  it("calls what is no JSON unreadable, with the place", () => {
    expect(verify("crm", { headers: {}, body: '{"a":]' }, KEYS)).toMatchObject({
      code: "unreadable",
      reason: expect.stringContaining("line 1, column 6"),
    });
  });

  it("reads megabytes of one character", () => {
    const headers = { "content-type": "application/json" };
    const result = verify("crm", { headers, body: "A".repeat(16_000_000) }, KEYS);
    expect(result).toMatchObject({ code: "unreadable", reason: expect.stringContaining("line 1, column 1") });
    expect(verify("forms", { headers, body: "9".repeat(16_000_000) }, {}).genuine).toBe(true);
  });

  it("says so of a body that came in base64", () => {
    const body = signed.body.toString("base64");
    for (const headers of [signed.headers, { ...signed.headers, "content-type": "application/json; charset=utf-8" }]) {
      expect(verify("crm", { headers, body }, KEYS)).toMatchObject({
        code: "unreadable",
        reason: expect.stringContaining("isBase64Encoded"),
      });
    }
    expect(verify("crm", { headers: signed.headers, body: Buffer.from(body, "base64") }, KEYS).ok).toBe(true);
    expect(verify("crm", { headers: signed.headers, body: "true1" }, KEYS)).toMatchObject({
      reason: expect.stringContaining("not valid JSON"),
    });
  });

  it("takes a fetch request once its body is read, and says so before", async () => {
    const request = new Request("https://app.example/hooks?a=1", {
      method: "POST",
      headers: signed.headers,
      body: new Uint8Array(signed.body),
    });
    // @ts-expect-error: the compiler refuses a stream as well.
    expect(() => verify("crm", request, KEYS)).toThrow("with body: await request.text()");
    const { method, url, headers } = request;
    expect(verify("crm", { method, url, headers, body: await request.text() }, KEYS).ok).toBe(true);
  });

  it("accepts any of several secrets, while one replaces the other", () => {
    expect(outcome(verify("crm", signed, { secret: ["new", "s3cret"] }))).toBe("genuine");
    expect(outcome(verify("crm", signed, { secret: ["new", "newer"] }))).toBe("wrong-signature");
  });

  it.each<[string, () => unknown, string]>([
    ["a key that is not text", () => verify("crm", signed, { secret: 5 } as unknown as Keys), "the secret is not text"],
    ["a misspelt key", () => verify("crm", signed, { secret: "k", tokn: "t" } as Keys), 'no key named "tokn"'],
    [
      "a key that fits nothing",
      () => verify("books", signed, { token: "tok-1" }),
      "none of the keys applies: books needs `secret`",
    ],
    // @ts-expect-error: the compiler refuses a parsed body as well.
    ["a parsed body", () => verify("crm", { headers: {}, body: LEAD }, KEYS), "pass the raw body"],
    // @ts-expect-error
    ["no body", () => verify("crm", { headers: {} }, KEYS), "pass the raw body"],
    // @ts-expect-error
    ["an unknown product", () => verify("crn", signed, KEYS), "did you mean crm?"],
    // @ts-expect-error
    ["an unknown event", () => fixture("crm", "Leads.creat"), "did you mean Leads.create"],
  ])("throws for %s", (_, call, message) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });

  const CRM_NEEDS = "crm needs `token`; `secret` is needed only for the guide's format";
  const HOW = "leave out what you do not need";
  it.each<[string, () => unknown, string]>([
    ["no keys", () => verify("crm", signed, {}), CRM_NEEDS],
    [
      "a missing variable",
      () => verify("crm", signed, { secret: undefined, token: "tok-1" }),
      `\`secret\` has no value: set its environment variable, or ${HOW}. ${CRM_NEEDS}`,
    ],
    [
      "two missing variables",
      () => verify("crm", signed, { secret: undefined, token: undefined }),
      `\`secret\` and \`token\` have no value: set their environment variables, or ${HOW}. ${CRM_NEEDS}`,
    ],
    ["an empty key", () => verify("books", signed, { secret: " " }), "books needs `secret`"],
    ["an invisible key", () => verify("books", signed, { secret: "\u200b \u2060\ufeff" }), "books needs `secret`"],
    ["an invisible key of two", () => verify("crm", signed, { token: ["t", "\u200d"] }), "`token` has no value"],
    ["an invisible key of a webhook", () => webhook("sign", { secret: "\u200c" }, () => {}), "sign needs `secret`"],
    ["no key in the list", () => verify("crm", signed, { secret: [] }), "`secret` has no value"],
    [
      "Desk",
      () => verify("desk", signed, {}),
      "desk needs `jwks` with `audience` or `issuer`; `secret` is needed only",
    ],
    ["an audience without keys", () => verify("desk", signed, { audience: "x" }), "desk needs `jwks`"],
    [
      "a fixed value that is missing",
      () => verify("forms", signed, { auth: { header: "x", value: "" } }),
      `\`auth\` has no value: set its environment variable, or ${HOW}. Zoho never signs forms, so pass {}`,
    ],
    [
      "a missing audience",
      () => verify("desk", signed, { jwks: "{}", audience: undefined }),
      "`audience` has no value",
    ],
    ["any product", () => verify(undefined, signed, {}), "no keys were given: pass { secret } or { token }"],
    ["signing", () => sign("crm", fixture("crm", "Leads.create"), {}), "crm needs `token`"],
    ["signing as SalesIQ", () => sign("salesiq", {}, {}), "salesiq needs `privateKey`"],
    [
      "signing a form",
      () => sign("forms", {}, {}, { format: "wire" }),
      "Zoho never signs forms, so pass `auth` for a fixed value that you have added",
    ],
  ])("names the missing keys of %s", (_, call, message) => {
    expect(call).toThrow(message);
    expect(call).not.toThrow(TypeError);
  });

  it("never puts a key into what it says", () => {
    const keys = { secret: "very-secret-key", token: "very-secret-token" };
    const said = JSON.stringify([
      verify("crm", sign("crm", LEAD, { secret: "other", token: "other" }), keys),
      verify("crm", { headers: {}, body: "{}" }, keys),
    ]);
    expect(said).not.toMatch(/very-secret/);
  });
});

describe("parse", () => {
  it("reads a body or its data", () => {
    for (const body of [JSON.stringify(LEAD), Buffer.from(JSON.stringify(LEAD)), LEAD]) {
      expect(parse("crm", body)).toMatchObject({ ok: true, event: "Leads.create", payload: LEAD });
    }
  });

  it("keeps every digit of an id", () => {
    const body = '{"event":"invoice_created","organization_id":"1","data":{"invoice_id":"1","x":2761940000000418093}}';
    const result = parse(
      "books",
      body.replace('"x"', '"invoice_number":"I","total":1,"status":"s","date":"2025-01-15","x"'),
    );
    expect(result).toMatchObject({ ok: true, payload: { data: { x: "2761940000000418093" } } });
  });

  it("says what is wrong with what is no event", () => {
    expect(parse(undefined, '{"nonsense')).toMatchObject({ ok: false, name: null, payload: undefined });
    expect(parse(undefined, "{}")).toMatchObject({ ok: false, product: null, name: null, known: false, payload: {} });
    const payload = { event: "record_added", application_link_name: "a", form_link_name: "b", record_id: "1" };
    expect(parse("creator", payload)).toMatchObject({
      ok: false,
      known: true,
      name: "record_added",
      issues: [{ path: ["data"], at: "data", received: "nothing" }],
      format: "guide",
      payload,
    });
  });
});

describe("fixture", () => {
  it("is a new copy each time", () => {
    const copy = fixture("crm", "Leads.create", { format: "guide" });
    expect(copy).toEqual(LEAD);
    expect(copy).not.toBe(LEAD);
  });

  it("fits the schema of its event", () => {
    expect(schemas.books.invoice_created.safeParse(fixture("books", "invoice_created")).success).toBe(true);
    expect(schemas.crm["<Module>.create"].safeParse(fixture("crm", "My_Own.create")).success).toBe(true);
    expect(schemas.books.invoice_created.safeParse(LEAD).success).toBe(false);
  });

  it("is what Zoho posts, or of the only format that has the event", () => {
    expect(parse("crm", fixture("crm", "Leads.create"))).toMatchObject({ ok: true, format: "wire" });
    expect(parse("desk", fixture("desk", "Ticket.Create"))).toMatchObject({ ok: true, format: "guide" });
    expect(schemas.crm["Leads.create"]).toBe(schemasOf("crm", { format: "wire" })["<Module>.create"]);
    expect(schemas.desk["Ticket.Create"]).toBe(schemasOf("desk", { format: "guide" })["Ticket.Create"]);
    expect(schemasOf("desk")["Ticket.Create"]).toBe(schemas.desk["Ticket.Create"]);
    expectTypeOf(fixture("crm", "Leads.create").ids).toEqualTypeOf<string[]>();
    expectTypeOf(fixture("crm", "Leads.convert").data.id).not.toBeAny();
    expectTypeOf(schemas.crm["Leads.create"]).toEqualTypeOf<(typeof schemas)["crm"]["<Module>.create"]>();
  });
});

describe("in an app's own server", () => {
  it("verifies what Node received, from the raw bytes", async () => {
    const results: VerifyResult<"crm">[] = [];
    const server = createServer(async (request: IncomingMessage, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const result = verify("crm", { headers: request.headers, body: Buffer.concat(chunks), url: request.url }, KEYS);
      results.push(result);
      response.writeHead(result.ok ? 200 : 401).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const { headers, body } = sign("crm", LEAD, KEYS);
      const good = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body });
      const bad = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body: `${body} ` });
      expect([good.status, bad.status]).toEqual([200, 401]);
      expect(results.map(outcome)).toEqual(["genuine", "wrong-signature"]);
    } finally {
      server.close();
    }
  });
});

describe("the types", () => {
  it("know a payload by product and event", () => {
    const result = verify(undefined, sign("crm", LEAD, KEYS), KEYS);
    if (!result.ok) throw new Error(result.reason);
    if (result.product === "crm" && result.event === "Leads.create") {
      expectTypeOf(result.payload.module).toEqualTypeOf<"Leads">();
      expectTypeOf(result.payload.data.Last_Name).toEqualTypeOf<string>();
      expectTypeOf(result.payload.data.Anything_Else).toEqualTypeOf<unknown>();
    }
    if (result.product === "crm" && result.format === "guide" && result.event === "<Module>.create") {
      expectTypeOf(result.name).toEqualTypeOf<`${string}.create`>();
      expectTypeOf(result.payload.data.Last_Name).toEqualTypeOf<unknown>();
    }
    if (result.product === "crm" && result.format === "wire" && result.event === "<Module>.create") {
      expectTypeOf(result.payload.ids).toEqualTypeOf<string[]>();
    }
    if (result.product === "books" && result.event === "invoice_created") {
      expectTypeOf(result.payload.data.total).toEqualTypeOf<number>();
    }
    // @ts-expect-error: no product has this event.
    if (result.event === "Leads.creat") expect.fail();
    expect(result.event).toBe("Leads.create");
  });

  it("know the payload of a sample, families' too", () => {
    expectTypeOf(LEAD.data.Last_Name).toEqualTypeOf<string>();
    expectTypeOf(fixture("crm", "Invoices.create").module).toEqualTypeOf<string>();
    expectTypeOf(fixture("forms", "form_submitted", { format: "guide" }).form_link_name).toEqualTypeOf<string>();
    expect(fixture("crm", "Invoices.create").module).toBe("Invoices");
  });
});
