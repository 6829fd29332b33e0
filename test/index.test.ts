import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, expectTypeOf, it } from "vitest";
import { fixture, type Keys, parse, type RequestLike, schemas, sign, type VerifyResult, verify } from "../src/index.ts";
import { folderWith } from "./support/files.ts";
import { run } from "./support/run.ts";

const KEYS = { secret: "s3cret", token: "tok-1" } as const;
const LEAD = fixture("crm", "Leads.create");

function outcome(result: VerifyResult): string {
  return result.ok ? "ok" : result.code;
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
    const text = '{ "event" : "invoice_created" }\n';
    for (const payload of [text, Buffer.from(text), new Uint8Array(Buffer.from(text))]) {
      const { headers, body } = sign("books", payload, { secret: "k" });
      expect(body.toString()).toBe(text);
      expect(headers["x-zoho-signature"]).toBe(createHmac("sha256", "k").update(text).digest("hex"));
    }
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
    expect(requests.map((request) => outcome(verify("crm", request, KEYS)))).toEqual(requests.map(() => "ok"));
  });

  it("gives the event, told from the body where no product is named", () => {
    const result = verify(undefined, signed, KEYS);
    expect(result).toMatchObject({
      ok: true,
      genuine: true,
      product: "crm",
      format: "guide",
      event: "Leads.create",
      name: "Leads.create",
      payload: { data: { Last_Name: "Tanaka" } },
      proofs: [
        { id: "token", verdict: "passed" },
        { id: "guide-signature", verdict: "passed" },
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

  it("is never ok for a delivery with a bit changed, a wrong key, a missing signature or a wrong token", () => {
    const body = Buffer.from(signed.body);
    body.writeUInt8(body.readUInt8(40) ^ 1, 40);
    const wrong: VerifyResult[] = [
      verify("crm", { ...signed, body }, KEYS),
      verify("crm", signed, { secret: "other" }),
      verify("crm", signed, { secret: "s3cret", token: "tok-2" }),
      verify("crm", { headers: {}, body: signed.body }, KEYS),
      verify(undefined, { headers: {}, body: '{"some":"body"}' }, KEYS),
      verify("crm", { headers: {}, body: "{}" }, KEYS),
    ];
    expect(wrong.map(outcome)).toEqual(Array.from(wrong, () => "unproven"));
    expect(wrong.map(({ genuine }) => genuine)).not.toContain(true);
  });

  it("tells a genuine delivery out of shape or unknown from one that is not genuine", () => {
    const misshapen = sign("crm", { ...LEAD, ids: 5 }, KEYS);
    const result = verify("crm", misshapen, KEYS);
    expect(result).toMatchObject({ ok: false, code: "schema", genuine: true, issues: [{ at: "ids" }] });
    const unknown = sign("desk", { event: "Ticket.Creat", ticketId: "1" }, { secret: "k" });
    expect(verify("desk", unknown, { secret: "k" })).toMatchObject({
      code: "unknown-event",
      genuine: true,
      name: "Ticket.Creat",
      reason: expect.stringContaining("the nearest are Ticket.Create"),
    });
  });

  it("hands over what was read of a genuine event that is unknown or out of shape, digits intact, and of no other", () => {
    const body = '{"event":"Ticket.Merged","ticketId":2761940000000418093}';
    const unknown = verify("desk", sign("desk", body, { secret: "k" }), { secret: "k" });
    const payload = { event: "Ticket.Merged", ticketId: "2761940000000418093" };
    expect(unknown).toMatchObject({ ok: false, code: "unknown-event", genuine: true, format: "guide", payload });
    const misshapen = verify("crm", sign("crm", { ...LEAD, ids: 5 }, KEYS), KEYS);
    expect(misshapen).toMatchObject({ code: "schema", format: "guide", payload: { ids: 5, module: "Leads" } });
    const ofNoEnvelope = verify("desk", sign("desk", '{"a":1}', { secret: "k" }), { secret: "k" });
    expect(ofNoEnvelope).toMatchObject({ code: "unknown-event", genuine: true, format: "guide", payload: { a: 1 } });
    expect(ofNoEnvelope.ok ? [] : ofNoEnvelope.issues.map(({ at }) => at)).toContain("event");
    const forged = verify("desk", { headers: {}, body }, { secret: "k" });
    expect(forged).toMatchObject({ code: "unproven", genuine: false, format: "guide", payload: undefined });
    if (!misshapen.ok && misshapen.genuine) {
      expectTypeOf(misshapen.code).toEqualTypeOf<"unknown-event" | "schema">();
      expectTypeOf(misshapen.payload).toEqualTypeOf<unknown>();
    }
    if (forged.code === "unproven") expectTypeOf(forged.payload).toEqualTypeOf<undefined>();
  });

  it("tells a repeat from another event by its identity, and names the records", () => {
    const keys = { secret: "k" };
    const updated = (subject: string) =>
      sign("desk", { ...fixture("desk", "Ticket.Update"), ticketId: "11", subject }, keys, { url: "/hooks" });
    const identities = ["a", "a", "b"].map((subject) => {
      const result = verify("desk", updated(subject), keys);
      expect(result).toMatchObject({ ok: true, records: ["11"] });
      return result.identity;
    });
    expect(identities[0]).toMatch(/^desk:Ticket\.Update:11:/);
    expect(identities[1]).toBe(identities[0]);
    expect(identities[2]).not.toBe(identities[0]);
    const unknown = verify("desk", sign("desk", { event: "Ticket.Merged", ticketId: "11" }, keys), keys);
    expect(unknown).toMatchObject({ code: "unknown-event", records: ["11"] });
    expect(unknown.identity).toMatch(/^desk:Ticket\.Merged:11:/);
    expect(verify("desk", updated("a"), { secret: "other" })).toMatchObject({ identity: undefined, records: [] });
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
    expect(outcome(verify("crm", signed, { secret: ["new", "s3cret"] }))).toBe("ok");
    expect(outcome(verify("crm", signed, { secret: ["new", "newer"] }))).toBe("unproven");
  });

  it.each<[string, () => unknown, string]>([
    ["no keys", () => verify("crm", signed, {}), "nothing can be checked"],
    ["a missing variable", () => verify("crm", signed, { secret: undefined, token: "tok-1" }), "secret is undefined"],
    ["an empty key", () => verify("crm", signed, { secret: " " }), "secret is empty"],
    ["no key in the list", () => verify("crm", signed, { secret: [] }), "secret is empty"],
    ["a misspelt key", () => verify("crm", signed, { secret: "k", tokn: "t" } as Keys), 'no key named "tokn"'],
    ["a key that fits nothing", () => verify("books", signed, { token: "tok-1" }), "none of the keys applies to books"],
    // @ts-expect-error: the compiler refuses a parsed body as well.
    ["a parsed body", () => verify("crm", { headers: {}, body: LEAD }, KEYS), "pass the raw body"],
    // @ts-expect-error
    ["no body", () => verify("crm", { headers: {} }, KEYS), "pass the raw body"],
    // @ts-expect-error
    ["an unknown product", () => verify("crn", signed, KEYS), "did you mean crm?"],
    ["signing without keys", () => sign("crm", LEAD, {}), "nothing can be checked"],
    // @ts-expect-error
    ["an unknown event", () => fixture("crm", "Leads.creat"), "did you mean Leads.create"],
  ])("throws for %s", (_, call, message) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
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
    expect(parse(undefined, '{"nonsense')).toMatchObject({ ok: false, code: "unreadable" });
    expect(parse(undefined, "{}")).toMatchObject({ ok: false, code: "unknown-event", product: undefined, payload: {} });
    expect(parse("books", { event: "invoice_created", organization_id: "1" })).toMatchObject({
      code: "schema",
      name: "invoice_created",
      issues: [{ path: ["data"], at: "data", received: "nothing" }],
      format: "guide",
      payload: { event: "invoice_created", organization_id: "1" },
    });
  });
});

describe("fixture", () => {
  it("is a new copy each time", () => {
    const copy = fixture("crm", "Leads.create");
    expect(copy).toEqual(LEAD);
    expect(copy).not.toBe(LEAD);
  });

  it("fits the schema of its event", () => {
    expect(schemas.books.invoice_created.safeParse(fixture("books", "invoice_created")).success).toBe(true);
    expect(schemas.crm["<Module>.create"].safeParse(fixture("crm", "My_Own.create")).success).toBe(true);
    expect(schemas.books.invoice_created.safeParse(LEAD).success).toBe(false);
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
      expect(results.map(outcome)).toEqual(["ok", "unproven"]);
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
    expectTypeOf(fixture("forms", "form_submitted").form_link_name).toEqualTypeOf<string>();
    expect(fixture("crm", "Invoices.create").module).toBe("Invoices");
  });
});
