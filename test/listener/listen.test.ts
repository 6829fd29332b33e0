import { createHmac } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import * as undici from "undici";
import { afterEach, describe, expect, it, vi } from "vitest";
import { folderWith } from "../support/files.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { run, tempFolder } from "../support/run.ts";

const SECRET = "s3cr3t-of-the-tests";
const TOKEN = "t0ken-of-the-tests";
const lead = compact("crm/guide/Leads.create");
const invoice = compact("books/guide/invoice_created");

function compact(path: string): string {
  return JSON.stringify(JSON.parse(readFileSync(new URL(`../../fixtures/${path}.json`, import.meta.url), "utf8")));
}

function signed(body: string | Buffer, secret = SECRET): Record<string, string> {
  return {
    "content-type": "application/json",
    "x-zoho-signature": createHmac("sha256", secret).update(body).digest("hex"),
  };
}

let listener: Listener | undefined;
async function listen(argv: readonly string[] = [], env: Record<string, string> = {}): Promise<Listener> {
  listener = await startListener(argv, { env });
  return listener;
}
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

describe("listen", () => {
  it("reports ready once, with the URL of every product", async () => {
    const { url, lines } = await listen();
    const ready = lines().filter((line) => line.type === "ready");
    expect(ready).toHaveLength(1);
    expect(ready[0]).toMatchObject({
      v: 1,
      url,
      public_url: null,
      urls: { crm: `${url}/webhooks/zoho/crm`, books: `${url}/webhooks/zoho/books` },
    });
  });

  it("answers 200 OK and reports product, event, records and schema", async () => {
    const app = await listen();
    expect(await app.post("/webhooks/zoho/crm", lead)).toMatchObject({ status: 200, text: "OK" });
    expect(await app.event(1)).toMatchObject({
      v: 1,
      n: 1,
      product: "crm",
      format: "guide",
      event: "Leads.create",
      method: "POST",
      path: "/webhooks/zoho/crm",
      body_b64: Buffer.from(lead).toString("base64"),
      schema: { ok: true, issues: [] },
      status: 200,
      duplicate_of: null,
      signatures: [
        { id: "token", covers: "sender", result: "no_key" },
        { id: "guide-signature", covers: "body", result: "unsigned" },
      ],
    });
  });

  it("recognises the product by the body if the URL names none", async () => {
    const app = await listen();
    await app.post("/webhooks/zoho", invoice);
    expect(await app.event(1)).toMatchObject({ product: "books", event: "invoice_created", schema: { ok: true } });
  });

  it.each(["/crm", "/desk", "/books", "/forms", ""])(
    "echoes a challenge to /webhooks/zoho%s as JSON",
    async (product) => {
      const app = await listen();
      const answer = await app.post(`/webhooks/zoho${product}`, '{"challenge":"a \\"b\\" 1"}');
      expect(answer).toMatchObject({ status: 200, text: '{"challenge":"a \\"b\\" 1"}' });
      expect(answer.headers.get("content-type")).toContain("application/json");
    },
  );

  it.each([
    ["a right signature", signed(invoice), 200, "verified"],
    ["a signature of another secret", signed(invoice, "another"), 401, "wrong_signature"],
    ["no signature", { "content-type": "application/json" }, 401, "missing_signature"],
    [
      "a signature that is no hex",
      { "content-type": "application/json", "x-zoho-signature": "é" },
      401,
      "wrong_signature",
    ],
    ["a shorter signature", { "content-type": "application/json", "x-zoho-signature": "ab" }, 401, "wrong_signature"],
  ])("verifies %s if a secret is configured", async (_, headers, status, result) => {
    const app = await listen([], { ZOHO_WEBHOOK_SECRET: SECRET });
    const sendable = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString("latin1")]),
    );
    expect((await app.post("/webhooks/zoho/books", invoice, sendable)).status).toBe(status);
    expect(await app.event(1)).toMatchObject({ status, signatures: [{ id: "guide-signature", result }] });
  });

  it("distinguishes a re-serialised or changed body from a wrong signature, and rejects both", async () => {
    const app = await listen([], { ZOHO_WEBHOOK_SECRET: SECRET });
    const answer = await app.post(
      "/webhooks/zoho/books",
      JSON.stringify(JSON.parse(invoice), undefined, 2),
      signed(invoice),
    );
    expect(answer.status).toBe(401);
    expect(await app.event(1)).toMatchObject({ signatures: [{ result: "wrong_signature", match: "reserialised" }] });
    expect((await app.post("/webhooks/zoho/books", `${invoice}\n`, signed(invoice))).status).toBe(401);
    const reason = "does not match these bytes: a newline was added at the end of the body after it was signed";
    expect(await app.event(2)).toMatchObject({ signatures: [{ result: "wrong_signature", match: "changed", reason }] });
  });

  it("rejects a wrong or missing token and accepts the right one", async () => {
    const app = await listen([], { ZOHO_WEBHOOK_TOKEN: TOKEN });
    const withToken = (token: unknown): string => JSON.stringify({ ...JSON.parse(lead), token });
    expect((await app.post("/webhooks/zoho/crm", withToken(TOKEN))).status).toBe(200);
    expect((await app.post("/webhooks/zoho/crm", withToken("other"))).status).toBe(401);
    expect((await app.post("/webhooks/zoho/crm", withToken(undefined))).status).toBe(401);
    // Desk's guide envelope has no token, so none is required.
    expect((await app.post("/webhooks/zoho/desk", compact("desk/guide/Ticket.Create"))).status).toBe(200);
  });

  it("uses a product's own secret instead of the general one", async () => {
    const app = await listen([], { ZOHO_WEBHOOK_SECRET: SECRET, ZOHO_WEBHOOK_SECRET_BOOKS: "books only" });
    expect((await app.post("/webhooks/zoho/books", invoice, signed(invoice))).status).toBe(401);
    expect((await app.post("/webhooks/zoho/books", invoice, signed(invoice, "books only"))).status).toBe(200);
  });

  it("rejects an unknown body without a signature", async () => {
    const app = await listen([], { ZOHO_WEBHOOK_SECRET: SECRET });
    expect((await app.post("/webhooks/zoho/books", '{"hello":"world"}')).status).toBe(401);
    expect((await app.post("/webhooks/zoho", '{"hello":"world"}')).status).toBe(404);
  });

  it("never shows a secret, whatever the outcome", async () => {
    const app = await listen(["-v"], { ZOHO_WEBHOOK_SECRET: SECRET, ZOHO_WEBHOOK_TOKEN: TOKEN });
    await app.post("/webhooks/zoho/books", invoice, signed(invoice, "wrong"));
    await app.post("/webhooks/zoho/crm", lead, signed(lead));
    const { out, err } = await app.stop();
    expect(out + err).not.toContain(SECRET);
    expect(out + err).not.toContain(TOKEN);
  });

  it.each([
    ["an unknown product", "POST", "/webhooks/zoho/deks", "{}", 404, "did you mean desk?"],
    ["another path", "POST", "/hooks", "{}", 404, "/webhooks/zoho/<product>"],
    ["a path below a product", "POST", "/webhooks/zoho/crm/x", "{}", 404, "/webhooks/zoho/<product>"],
    [
      "a method without an event",
      "PUT",
      "/webhooks/zoho/crm",
      "{}",
      405,
      "PUT is not allowed without an event: this URL accepts POST, GET, PUT, DELETE",
    ],
    [
      "another method",
      "PATCH",
      "/webhooks/zoho/desk",
      "{}",
      405,
      "PATCH is not allowed: this URL accepts POST, GET, HEAD",
    ],
  ])("answers %s with a clear reason and shows it", async (_, method, path, body, status, reason) => {
    const app = await listen();
    const answer = await fetch(app.url + path, { method, body });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(reason);
    expect(await app.event(1)).toMatchObject({ status, method, path });
  });

  it.each([
    ["broken JSON", "application/json", '{"a":', 400],
    ["bytes that are not UTF-8", "application/json", Buffer.from([0x22, 0xff, 0x22]), 400],
    ["an empty JSON body", "application/json", " ", 400],
    ["a multipart body without a boundary", "multipart/form-data", "x", 400],
    [
      "a cut off multipart body",
      "multipart/form-data; boundary=b",
      "--b\r\ncontent-disposition: form-data; name=a\r\n\r\n1",
      400,
    ],
    ["a PDF", "application/pdf", "%PDF-", 415],
  ])("rejects %s", async (_, type, body, status) => {
    const app = await listen();
    expect((await app.post("/webhooks/zoho/crm", body, { "content-type": type })).status).toBe(status);
  });

  it("rejects an unknown event or product in --expect, and warns of a pattern without an event", async () => {
    const wait = (...expect: string[]) =>
      run([
        "listen",
        "--port",
        "0",
        "--no-store",
        "--timeout",
        "50ms",
        ...expect.flatMap((each) => ["--expect", each]),
      ]);
    const product = await wait("crmm:Leads.create=1");
    expect(product.exitCode).toBe(2);
    expect(product.err).toContain("did you mean crm?");
    const event = await wait("crm:Leads.crate=1");
    expect(event.exitCode).toBe(2);
    expect(event.err).toContain(
      "--expect crm:Leads.crate: there is no event Leads.crate\n  did you mean Leads.create?",
    );
    const unlike = await wait("qqqqqqqq");
    expect(unlike.exitCode).toBe(2);
    expect(unlike.err).toContain("use a pattern: 'qqqqqqqq*'");
    const glob = await wait("desk:Tickt_*", "books:invoce.*");
    expect(glob.err).toContain("no known event matches Tickt_*");
    expect(glob.err).toContain("no known event matches invoce.*");
    const right = await wait(
      "crm:Leads.*",
      "desk:Ticket_*",
      "books:invoice.*",
      "books:*.created",
      "leads.create",
      "signals:anything_at_all",
      "crm:Gadgets.create",
    );
    expect(right.err).not.toContain("no known event");
  });

  it("waits 60 s at most with --expect and no --timeout, and says so", async () => {
    const note = "Without --timeout, --expect waits 60s.";
    const argv = ["listen", "--port", "0", "--no-store", "--expect", "crm:Leads.create"];
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let running: ReturnType<typeof run> | undefined;
    try {
      await new Promise<void>((resolve) => {
        running = run(argv, { onErr: (text) => (text.includes(note) ? resolve() : undefined) });
      });
      await vi.advanceTimersByTimeAsync(60_000);
    } finally {
      vi.useRealTimers();
    }
    expect(await running).toMatchObject({ exitCode: 8, err: expect.stringContaining(note) });
    const { lines } = await run([...argv, "--timeout", "1ms", "--json"]);
    expect(JSON.stringify(lines()[0])).not.toContain(note);
    const app = await listen(["--expect", "crm:Leads.create"]);
    expect((await app.line("ready")).notes).toContain(note);
  });

  it("accepts XML as text, which some products can post", async () => {
    const cwd = folderWith({ "zoho-hooks.config.json": '{"products":{"projects":{"format":"wire"}}}' });
    const app = await startListener([], { cwd });
    listener = app;
    for (const type of ["text/xml", "application/xml; charset=utf-8"])
      expect((await app.post("/webhooks/zoho/projects", "<task id='1'/>", { "content-type": type })).status).toBe(200);
    expect(await app.event(1)).toMatchObject({ product: "projects", format: "wire", known: true });
  });

  it.each(["text/html;charset=UTF-8", "application/x-json", "*/*", "application/json; charset=null"])(
    "reads a notification's JSON by what it is, not by %s",
    async (type) => {
      const app = await listen();
      const answer = await app.post("/webhooks/zoho/crm", compact("crm/wire/Leads.create"), {
        "content-type": type,
      });
      expect(answer.status).toBe(200);
      expect(await app.event(1)).toMatchObject({ format: "wire", event: "Leads.create", known: true });
    },
  );

  it("accepts any method from Signals", async () => {
    const app = await listen();
    const body = compact("signals/wire/{Event}");
    for (const method of ["GET", "PUT", "PATCH", "DELETE"]) {
      const status = await new Promise((resolve, reject) => {
        const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
        const sent = request(`${app.url}/webhooks/zoho/signals`, { method, headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        sent.on("error", reject);
        sent.end(body);
      });
      expect([method, status]).toEqual([method, 200]);
    }
  });

  it("rejects a body over the setting maxBody with 413, with content-length or chunked", async () => {
    const app = await listen([], { ZOHO_HOOKS_MAX_BODY: "1kb" });
    expect((await app.post("/webhooks/zoho/crm", "x".repeat(1001))).status).toBe(413);
    const chunked = await new Promise<number | undefined>((resolve, reject) => {
      const sender = request(`${app.url}/webhooks/zoho/crm`, { method: "POST" }, (response) =>
        resolve(response.statusCode),
      );
      sender.on("error", reject);
      sender.write("x".repeat(900));
      sender.end("x".repeat(900));
    });
    expect(chunked).toBe(413);
    expect((await app.post("/webhooks/zoho/crm", lead)).status).toBe(200);
  });

  it("records megabytes of one letter", async () => {
    const app = await listen([], { ZOHO_HOOKS_MAX_BODY: "8mb" });
    expect((await app.post("/webhooks/zoho/crm", "A".repeat(6_000_000))).status).toBe(400);
    const { n, status } = await app.event(1);
    expect([n, status]).toEqual([1, 400]);
  });

  it("reads a form, JSON in a form field, and multipart", async () => {
    const app = await listen();
    const form = new URLSearchParams({ payload: lead }).toString();
    await app.post("/webhooks/zoho/crm", form, { "content-type": "application/x-www-form-urlencoded" });
    expect(await app.event(1)).toMatchObject({
      event: "Leads.create",
      schema: { ok: true },
      body_b64: Buffer.from(form).toString("base64"),
    });
    const boundary = "xyz";
    const multipart = `--${boundary}\r\nContent-Disposition: form-data; name="payload"\r\n\r\n${invoice}\r\n--${boundary}--\r\n`;
    await app.post("/webhooks/zoho", multipart, { "content-type": `multipart/form-data; boundary=${boundary}` });
    expect(await app.event(2)).toMatchObject({ product: "books", event: "invoice_created", schema: { ok: true } });
    await app.post("/webhooks/zoho/crm", "a=1&a=2&b=%C3%BC", { "content-type": "application/x-www-form-urlencoded" });
    expect(await app.event(3)).toMatchObject({ event: "webhook", format: "workflow", body: { a: ["1", "2"], b: "ü" } });
  });

  it("marks a repeated delivery as a duplicate and answers it 200", async () => {
    const app = await listen();
    await app.post("/webhooks/zoho/crm", lead);
    expect((await app.post("/webhooks/zoho/crm", lead)).status).toBe(200);
    expect(await app.event(2)).toMatchObject({ duplicate_of: 1 });
    await app.post("/webhooks/zoho/books", invoice);
    expect(await app.event(3)).toMatchObject({ duplicate_of: null });
  });

  it("treats the same event as new after 24 hours", async () => {
    let now = new Date("2026-01-01T00:00:00Z");
    listener = await startListener([], { now: () => now });
    await listener.post("/webhooks/zoho/crm", lead);
    now = new Date("2026-01-01T23:59:59Z");
    await listener.post("/webhooks/zoho/crm", lead);
    now = new Date("2026-01-02T00:00:01Z");
    await listener.post("/webhooks/zoho/crm", lead);
    expect((await listener.event(2)).duplicate_of).toBe(1);
    expect((await listener.event(3)).duplicate_of).toBeNull();
  });

  it("does not count a rejected delivery as an original", async () => {
    const app = await listen([], { ZOHO_WEBHOOK_SECRET: SECRET });
    await app.post("/webhooks/zoho/books", invoice);
    await app.post("/webhooks/zoho/books", invoice, signed(invoice));
    expect(await app.event(2)).toMatchObject({ status: 200, duplicate_of: null });
  });

  const misshapen = JSON.stringify({ ...JSON.parse(invoice), organization_id: 7 });
  it.each([
    ["warn", 200],
    ["enforce", 422],
    ["off", 200],
  ])("with --schema %s answers a misshapen body %i", async (mode, status) => {
    const app = await listen(["--schema", mode]);
    expect((await app.post("/webhooks/zoho/books", misshapen)).status).toBe(status);
    const issues = mode === "off" ? null : { ok: false, issues: [{ path: "organization_id", received: "number 7" }] };
    expect((await app.event(1)).schema).toEqual(issues === null ? null : expect.objectContaining({ ok: false }));
    if (issues !== null) expect(await app.event(1)).toMatchObject({ schema: issues });
  });

  it.each([
    [["-e", "crmm:Leads.create"], "did you mean crm?"],
    [["--route", "crmm:Leads.create=3000"], "did you mean crm?"],
    [["-e", "crm"], "write it as crm:*"],
    [["--expect", "crmm:*=1"], "did you mean crm?"],
  ])("rejects %j, which can never match", async (argv, hint) => {
    const { exitCode, err } = await run(["listen", "--port", "0", ...argv]);
    expect(exitCode).toBe(2);
    expect(err).toContain(hint);
  });

  it("warns of a pattern without a known event", async () => {
    const app = await listen(["-e", "desk:Ticket.Creat", "--route", "books:invoice_made=3000"]);
    const warnings = app.lines().filter(({ type }) => type === "warning");
    expect(warnings).toMatchObject([
      { message: expect.stringContaining("there is no known event invoice_made") },
      {
        message: expect.stringContaining("there is no known event Ticket.Creat"),
        hint: "did you mean Ticket.Create?",
      },
    ]);
  });

  it("with --schema enforce accepts an unknown event in a complete envelope, and a custom body", async () => {
    const app = await listen(["--schema", "enforce"]);
    const fixture = join(import.meta.dirname, "../../fixtures/books/guide/invoice_created.json");
    const invoice = { ...JSON.parse(readFileSync(fixture, "utf8")), event: "invoice_archived" };
    expect((await app.post("/webhooks/zoho/books", JSON.stringify(invoice))).status).toBe(200);
    expect(await app.event(1)).toMatchObject({ event: "invoice_archived", known: false });
    const { organization_id: _, ...custom } = invoice;
    expect((await app.post("/webhooks/zoho/books", JSON.stringify(custom))).status).toBe(200);
    expect(await app.event(2)).toMatchObject({ event: "webhook", known: true, custom: true });
  });

  it.each(["[]", '{"what":"ever"}', ""])("with --schema enforce rejects a body that is no event: %j", async (body) => {
    const app = await listen(["--schema", "enforce"]);
    expect((await app.post("/webhooks/zoho/sign", body)).status).toBe(422);
    expect((await app.post("/webhooks/zoho/desk", "")).status).toBe(200);
  });

  it("does not count forged copies as duplicates", async () => {
    const app = await listen([], { ZOHO_WEBHOOK_SECRET: SECRET });
    await app.post("/webhooks/zoho/books", invoice, signed(invoice));
    await app.post("/webhooks/zoho/books", invoice, signed(invoice, "another"));
    const summary = (await app.stop()).lines().at(-1);
    expect(summary).toMatchObject({ type: "summary", received: 2, valid: 1, rejected: 1, duplicates: 0 });
  });

  it("with --on-invalid warn accepts failed deliveries, with a warning", async () => {
    const app = await listen(["--on-invalid", "warn"], { ZOHO_WEBHOOK_SECRET: SECRET });
    expect((await app.post("/webhooks/zoho/books", invoice)).status).toBe(200);
    expect(await app.event(1)).toMatchObject({ signatures: [{ result: "missing_signature" }] });
  });

  it("preserves 19-digit ids, duplicate keys and white space", async () => {
    const app = await listen();
    const body =
      '{ "module":"Leads", "operation":"create",\n "ids":[4150868000000002179], "data":{}, "x":1, "x":2,  "total": 1250.00 }';
    await app.post("/webhooks/zoho/crm", body);
    const event = await app.event(1);
    expect(Buffer.from(String(event.body_b64), "base64").toString()).toBe(body);
    expect(event).toMatchObject({
      body: { ids: ["4150868000000002179"], x: 2, total: 1250 },
      records: ["4150868000000002179"],
    });
  });

  it("accepts a body of a megabyte", async () => {
    const app = await listen();
    const body = JSON.stringify({ ...JSON.parse(lead), note: "ü".repeat(500_000) });
    expect((await app.post("/webhooks/zoho/crm", body)).status).toBe(200);
    expect(Buffer.from(String((await app.event(1)).body_b64), "base64").toString()).toBe(body);
  });

  it("accepts only allowed addresses, and ignores X-Forwarded-For on direct requests", async () => {
    const closed = await listen(["--allow-ip", "103.234.239.0/24"]);
    const forged = { "content-type": "application/json", "x-forwarded-for": "103.234.239.7" };
    expect((await closed.post("/webhooks/zoho/crm", lead, forged)).status).toBe(403);
    expect(await closed.event(1)).toMatchObject({
      signatures: [{ id: "source-address", result: "wrong_signature" }, {}, {}],
    });
    await closed.stop();
    const warning = await listen(["--allow-ip", "103.234.239.0/24", "--on-invalid", "warn"]);
    expect((await warning.post("/webhooks/zoho/crm", lead)).status).toBe(200);
    expect(await warning.event(1)).toMatchObject({
      signatures: [{ id: "source-address", result: "wrong_signature" }, {}, {}],
    });
    await warning.stop();
    const open = await listen(["--allow-ip", "127.0.0.0/8", "--allow-ip", "::1"]);
    expect((await open.post("/webhooks/zoho/crm", lead)).status).toBe(200);
  });

  it("shows only the events of --events, and counts them all", async () => {
    const app = await listen(["--events", "crm:leads.*"]);
    await app.post("/webhooks/zoho/books", invoice);
    await app.post("/webhooks/zoho/crm", lead);
    expect(await app.event(2)).toMatchObject({ event: "Leads.create" });
    const lines = (await app.stop()).lines();
    expect(lines.filter((line) => line.type === "event")).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject({ type: "summary", received: 2, valid: 2, rejected: 0, duplicates: 0 });
  });

  it("exits with 0 once the events of --expect have arrived, not counting repeats", async () => {
    const app = await listen(["--expect", "crm:Leads.create=2", "--timeout", "20s"]);
    await app.post("/webhooks/zoho/crm", lead);
    await app.post("/webhooks/zoho/crm", lead);
    await app.post("/webhooks/zoho/crm", lead.replaceAll("4876876000001402117", "4876876000001402118"));
    const { exitCode, lines } = await app.finished;
    expect(exitCode).toBe(0);
    expect(lines().at(-1)).toMatchObject({
      type: "summary",
      expectations: [{ event: "crm:Leads.create", wanted: 2, came: 2 }],
    });
  });

  it("counts events that an earlier run has seen: the same test may run twice", async () => {
    const cwd = tempFolder();
    for (let i = 0; i < 2; i++) {
      const app = await startListener(["--expect", "crm:Leads.create", "--timeout", "20s"], { cwd });
      await app.post("/webhooks/zoho/crm", lead);
      expect((await app.finished).exitCode).toBe(0);
    }
    const app = await startListener(["--expect", "crm:Leads.create=2", "--timeout", "400ms"], { cwd });
    for (let i = 0; i < 3; i++) await app.post("/webhooks/zoho/crm", lead);
    expect((await app.finished).lines().at(-1)).toMatchObject({ expectations: [{ wanted: 2, came: 1 }] });
  });

  it("exits with 8 when the time is up, with what arrived", async () => {
    const app = await listen(["--expect", "crm:Leads.create=2", "--timeout", "400ms"]);
    await app.post("/webhooks/zoho/crm", lead);
    const { exitCode, lines } = await app.finished;
    expect(exitCode).toBe(8);
    expect(lines().at(-1)).toMatchObject({ expectations: [{ wanted: 2, came: 1 }] });
  });

  it("answers its health checks", async () => {
    const app = await listen();
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${app.url}/readyz`)).json()).toEqual({ status: "ready" });
  });

  it("describes itself to local callers only, and to no page whose name was rebound to this machine", async () => {
    const cwd = tempFolder();
    listener = await startListener([], { cwd });
    const app = listener;
    const health = async (headers: Record<string, string>): Promise<unknown> =>
      (await undici.request(`${app.url}/healthz`, { headers })).body.json();
    const open = { status: "ok", service: "zoho-hooks", command: "listen" };
    const { unsigned } = await app.line("ready");
    expect(await health({})).toEqual({ ...open, pid: process.pid, folder: realpathSync(cwd), unsigned });
    expect(await health({ host: "evil.example" })).toEqual(open);
    expect(await health({ "x-forwarded-for": "203.0.113.7" })).toEqual(open);
  });

  it("keeps idle connections open longer than a proxy in front of it", async () => {
    const app = await listen();
    const { headers } = await app.post("/webhooks/zoho/crm", lead);
    const [, seconds] = /timeout=(\d+)/.exec(headers.get("keep-alive") ?? "") ?? [];
    expect(Number(seconds)).toBeGreaterThan(90);
  });

  it("warns of a sender that disconnects before the end of the body", async () => {
    const app = await listen();
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname);
    socket.write("POST /webhooks/zoho/crm HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf");
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.end();
    const { finished } = app;
    await expect
      .poll(() => app.lines().find((line) => line.type === "warning"))
      .toMatchObject({ message: expect.stringContaining("the connection was closed after 4 bytes of the body") });
    await app.stop();
    expect((await finished).exitCode).toBe(0);
  });

  it.each([
    [["--port", "99999"], "--port"],
    [["--port", "http"], "--port"],
    [["--schema", "strict"], "warn, enforce, off"],
    [["--allow-ip", "300.1.1.1"], "--allow-ip"],
    [["--allow-ip", "10.0.0.0/33"], "--allow-ip"],
    [["--expect", "=2"], "--expect"],
    [["--expect", "crm:Leads.create=0"], "--expect"],
    [["--timeout", "soon"], "--timeout"],
    [["--host", "203.0.113.1"], "--host"],
    [["--prot", "1"], "--port"],
  ])("rejects %j as a usage error", async (argv, text) => {
    const { exitCode, out, err } = await run(["listen", ...argv]);
    expect(exitCode).toBe(2);
    expect(out).toBe("");
    expect(err).toContain(text);
  });

  it.each([
    ["huge", "ZOHO_HOOKS_MAX_BODY"],
    ["65mib", "use 64mib at most"],
  ])("rejects %s as the largest body", async (ZOHO_HOOKS_MAX_BODY, text) => {
    const { exitCode, err } = await run(["listen"], { env: { ZOHO_HOOKS_MAX_BODY } });
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: expect.stringContaining(text) });
  });

  it("rejects an empty secret as a usage error", async () => {
    const { exitCode, err } = await run(["listen"], { env: { ZOHO_WEBHOOK_SECRET: "" } });
    expect(exitCode).toBe(2);
    expect(err).toContain("ZOHO_WEBHOOK_SECRET is set but empty");
  });

  it("names what uses the port if it is busy", async () => {
    const app = await listen();
    const { exitCode, err } = await run(["listen", "--port", new URL(app.url).port]);
    expect(exitCode).toBe(2);
    expect(err).toContain("is in use");
    expect(err).toContain("--port 0");
  });
});
