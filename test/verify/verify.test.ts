import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";

const INVOICE = JSON.stringify({
  event: "invoice_created",
  organization_id: "708215634",
  data: {
    invoice_id: "2761940000000418093",
    invoice_number: "INV-00217",
    total: 1250,
    status: "draft",
    date: "2025-01-15",
  },
});
const LEAD = JSON.stringify({
  module: "Leads",
  operation: "create",
  resource_uri: "https://www.zohoapis.com/crm/v8/Leads/4876876000001402117",
  ids: ["4876876000001402117"],
  token: "tok-1",
  data: { id: "4876876000001402117", Last_Name: "Tanaka" },
});
const SECRET = { ZOHO_WEBHOOK_SECRET: "s3cret" };

function hmac(body: string | Buffer, key = "s3cret"): string {
  return createHmac("sha256", key).update(body).digest("hex");
}

function verify(
  argv: readonly string[],
  files: Record<string, string | Buffer> = {},
  env: Record<string, string> = {},
) {
  return run(["verify", ...argv], { cwd: folderWith(files), env });
}

describe("verify", () => {
  it("recognises product, format and event in the body", async () => {
    const { exitCode, out } = await verify(["a.json"], { "a.json": INVOICE });
    expect(out).toContain("✓ a.json: books invoice_created (guide)");
    expect(exitCode).toBe(0);
  });

  it("says why megabytes of one letter are not JSON", async () => {
    const { exitCode, out, err } = await verify(["a.json"], { "a.json": "A".repeat(6_000_000) });
    expect([exitCode, out + err]).toEqual([
      4,
      expect.stringContaining("the body is not valid JSON: expected a value at a.json:1:1"),
    ]);
  });

  it("passes a signature that is right, and fails one byte of difference with 3", async () => {
    const right = await verify(["a.json", "--signature", hmac(INVOICE)], { "a.json": INVOICE }, SECRET);
    expect(right.out).toContain("✓ verified (guide-signature): signed with ZOHO_WEBHOOK_SECRET");
    expect(right.exitCode).toBe(0);
    const changed = INVOICE.replace("1250", "1251");
    const wrong = await verify(["a.json", "--signature", hmac(INVOICE)], { "a.json": changed }, SECRET);
    expect(wrong.out).toContain("✗ wrong signature (guide-signature)");
    expect(wrong.exitCode).toBe(3);
  });

  it("accepts the signature as a header, and reads the secret from a file", async () => {
    const files = { "a.json": INVOICE, secret: "s3cret\n" };
    const env = { ZOHO_WEBHOOK_SECRET_FILE: "secret" };
    const header = `X-Zoho-Signature: ${hmac(INVOICE)}`;
    expect((await verify(["a.json", "-H", header], files, env)).exitCode).toBe(0);
    const other = `X-Zoho-Signature: ${hmac(INVOICE, "other")}`;
    expect((await verify(["a.json", "-H", other], files, env)).exitCode).toBe(3);
  });

  it("does not fail a bare body for missing headers, and reports what was not checked", async () => {
    const { exitCode, out } = await verify(["a.json"], { "a.json": INVOICE }, SECRET);
    expect(out).toContain("– guide-signature: not checked: add --signature <value of x-zoho-signature>");
    expect(exitCode).toBe(0);
  });

  it("fails a missing signature when headers were given", async () => {
    const files = { "a.json": INVOICE };
    const withHeaders = await verify(["a.json", "-H", "x-a: 1"], files, SECRET);
    expect(withHeaders.out).toContain("there is no x-zoho-signature header");
    expect(withHeaders.exitCode).toBe(3);
  });

  it("checks the token in a body alone", async () => {
    const files = { "a.json": LEAD };
    expect((await verify(["a.json"], files, { ZOHO_WEBHOOK_TOKEN: "tok-1" })).exitCode).toBe(0);
    const wrong = await verify(["a.json"], files, { ZOHO_WEBHOOK_TOKEN: "tok-2" });
    expect(wrong.exitCode).toBe(3);
    expect(wrong.out).not.toMatch(/tok-[12]/);
  });

  it("says that there is no key where a signature is given without the secret to check it with", async () => {
    for (const flags of [
      ["--signature", hmac(INVOICE)],
      ["-H", `x-zoho-signature: ${hmac(INVOICE)}`],
    ]) {
      const { exitCode, out } = await verify(["a.json", ...flags], { "a.json": INVOICE });
      expect(out).toMatch(/^\? a\.json: /);
      expect(out).toContain("? no key (guide-signature): to verify it, set ZOHO_WEBHOOK_SECRET\n");
      expect(exitCode).toBe(6);
    }
  });

  it("shows file, line and column of each schema issue and exits with 4", async () => {
    const text = '{\n  "event": "invoice_created",\n  "organization_id": "1",\n  "data": { "total": "1250" }\n}\n';
    const { exitCode, out } = await verify(["sub/a.json"], { "sub/a.json": text });
    expect(out).toContain('sub/a.json:4:22  data.total: expected a number, got "1250"');
    expect(out).toContain("sub/a.json:4:11  data.invoice_id is missing (a string)");
    expect(exitCode).toBe(4);
  });

  it("counts bodies without a schema apart from valid ones", async () => {
    const files = { "a.ndjson": `${INVOICE}\n{"hello":1}\n{"item":{"item_id":"1","name":"Table"}}\n` };
    const { exitCode, out } = await verify(["a.ndjson", "-p", "books"], files);
    expect(out).toContain("– a.ndjson:2: books webhook");
    expect(out).toContain("3 payloads: 2 valid, 1 custom (no schema)");
    expect(exitCode).toBe(0);
    const lines = (await verify(["a.ndjson", "-p", "books", "--json"], files)).lines();
    expect(lines.map(({ outcome }) => outcome)).toEqual(["valid", "custom", "valid", undefined]);
    expect(lines.at(-1)).toMatchObject({ type: "verify_summary", count: 3, valid: 2, custom: 1, invalid: 0 });
  });

  it("shows the line of a payload in a file of several", async () => {
    const broken = INVOICE.replace("1250", '"1250"');
    const { exitCode, out } = await verify(["a.ndjson"], { "a.ndjson": `${INVOICE}\n\n${broken}\n` });
    expect(out).toContain("✗ a.ndjson:3: books");
    expect(out).toContain(`a.ndjson:3:${broken.indexOf('"1250"') + 1}  data.total`);
    expect(out).toContain("2 payloads: 1 valid, 1 invalid");
    expect(exitCode).toBe(4);
  });

  it("shows where a file stops being JSON", async () => {
    const { exitCode, out } = await verify(["a.json"], { "a.json": '{\n  "event": "x",\n}' });
    expect(out).toContain("at a.json:3:1");
    expect(exitCode).toBe(4);
  });

  it("reports a wrong signature rather than a schema issue", async () => {
    const files = { "a.json": INVOICE.replace("1250", '"x"'), "b.json": "[" };
    expect((await verify(["a.json", "--signature", hmac("x")], files, SECRET)).exitCode).toBe(3);
    expect((await verify(["b.json", "a.json", "-H", "x-a: 1"], files, SECRET)).exitCode).toBe(3);
  });

  it("reports a schema issue rather than a missing key of another file", async () => {
    const files = { "a.json": INVOICE, "b.json": "[" };
    const { exitCode, lines } = await verify(
      ["a.json", "b.json", "-H", `x-zoho-signature: ${hmac("x")}`, "--json"],
      files,
    );
    expect(lines().map(({ outcome }) => outcome)).toEqual(["no_key", "invalid", undefined]);
    expect(exitCode).toBe(4);
  });

  it("exits with 4 for an unknown event or product and names the nearest", async () => {
    const near = await verify(["a.json"], { "a.json": '{"event":"Ticket.Creat","ticketId":"1"}' });
    expect(near.exitCode).toBe(4);
    const named = await verify(["a.json", "--product", "desk"], {
      "a.json": '{"event":"Ticket.Creat","orgId":"1","ticketId":"1"}',
    });
    expect(named.out).toContain("unknown event, nearest: Ticket.Create");
    expect(named.exitCode).toBe(4);
    const other = await verify(["a.json", "--product", "crm"], { "a.json": INVOICE });
    expect(other.err).toContain(
      "crm: this looks like books invoice_created, which should be posted to the URL of books",
    );
    expect(other.exitCode).toBe(4);
  });

  it("tries the signature by every scheme when the product is unknown", async () => {
    const { exitCode, out } = await verify(["a.json", "--signature", hmac("{}")], { "a.json": "{}" }, SECRET);
    expect(out).toContain("the signature is right as x-zoho-signature: HMAC-SHA256 of the body, hex");
    expect(exitCode).toBe(4);
    expect((await verify(["a.json", "--signature", "0"], { "a.json": '{"challenge":"x"}' }, SECRET)).exitCode).toBe(4);
  });

  it("checks a body against the event that is named", async () => {
    const body = INVOICE.replace("invoice_created", "invoice_updated");
    const { exitCode, out } = await verify(["a.json", "-p", "books", "-e", "Invoice_Created"], { "a.json": body });
    expect(out).toContain("event: expected");
    expect(exitCode).toBe(4);
  });

  it("shows where to find the envelope of an event that is known in another format", async () => {
    const body = '{"event":"Ticket_Add","orgId":"1","ticketId":"1"}';
    const { out, err, exitCode } = await verify(["a.json", "--product", "desk"], { "a.json": body });
    expect(exitCode).toBe(4);
    expect(out).toContain("unknown event");
    expect(err).toContain("Ticket_Add has a different envelope");
    const [, shown = ""] = /`zoho-hooks (.*?)`/.exec(err) ?? [];
    expect((await run(shown.split(" "))).out).toContain('"eventType":"Ticket_Add"');
  });

  it("rejects unknown names, with the nearest", async () => {
    const files = { "a.json": INVOICE };
    const cases = [
      [["--product", "boks"], "did you mean books"],
      [["--product", "books", "--event", "invoice_create"], "did you mean invoice_created"],
      // Signals takes any name, which must not make every name one.
      [["--event", "invoice_create"], "did you mean invoice_created"],
      [["--format", "gide"], "formats: guide"],
      [["--signature", " "], "--signature is empty"],
      [["-H", "nonsense"], "is not a header"],
    ] as const;
    for (const [flags, text] of cases) {
      const { exitCode, err } = await verify(["a.json", ...flags], files);
      expect(err).toContain(text);
      expect(exitCode).toBe(2);
    }
  });

  it.each([
    [
      "a payload in place of a file",
      `{"token":"t0k-sekrit","a":"${"x".repeat(5000)}"}`,
      "pipe it in: zoho-hooks verify -",
    ],
    ["a file as a folder", "a.json/b.json", "a.json/b.json: "],
    ["a very long name", `${"x".repeat(5000)}.json`, "…: "],
  ])("rejects %s with a short usage error", async (_, name, says) => {
    const { exitCode, err } = await verify([name], { "a.json": INVOICE });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(says)]);
    expect(err.length).toBeLessThan(300);
  });

  it("names the other format in which a body is an event of the product", async () => {
    const { exitCode, err } = await verify(["a.json", "--product", "crm", "--format", "wire"], { "a.json": LEAD });
    expect([exitCode, err]).toEqual([
      4,
      expect.stringMatching(/^crm: this looks like crm Leads.create in the format guide\n/),
    ]);
    const unnamed = await verify(["a.json", "--format", "wire"], { "a.json": LEAD });
    expect([unnamed.exitCode, unnamed.out]).toEqual([
      4,
      expect.stringContaining("  this looks like crm Leads.create in the format guide\n"),
    ]);
  });

  it("rejects a body that names another event of the same family", async () => {
    const invoice = '{"invoice":{"invoice_id":"1"}}';
    const files = { "a.json": LEAD, "visit.json": LEAD.replace('"Leads"', '"Visits"'), "invoice.json": invoice };
    for (const event of ["Lead.create", "Ticket.Create"]) {
      const { exitCode, out } = await verify(["a.json", "--event", event], files);
      expect([exitCode, out]).toEqual([
        4,
        expect.stringMatching(/the body: expected (Lead|Ticket)\.create, got Leads?\.create/i),
      ]);
    }
    for (const flags of [
      // Of finance products the address says what happened, and no body does.
      ["invoice.json", "--event", "invoice.created"],
      ["a.json", "--event", "leads.CREATE"],
      ["a.json", "--event", "<Module>.create"],
      ["visit.json", "--event", "visits.create"],
    ])
      expect([flags, (await verify(flags, files)).exitCode]).toEqual([flags, 0]);
  });

  it("names every missing file and checks none", async () => {
    const { exitCode, out, err } = await verify(["a.json", "b.json", "c/*.json", "d"], {
      "a.json": INVOICE,
      "d/x": "",
    });
    expect(err).toContain("b.json: no such file; c/*.json: no file matches; d is a folder");
    expect(out).toBe("");
    expect(exitCode).toBe(2);
  });

  it("finds the files of a pattern, each once, hidden ones left out", async () => {
    const files = {
      "in/b.json": INVOICE,
      "in/a.json": INVOICE,
      "in/deep/er/c.json": INVOICE,
      "in/.hidden/d.json": INVOICE,
      "in/.e.json": INVOICE,
      "in/f.txt": "x",
      "in/{Module}.*.json": INVOICE,
    };
    const names = async (...patterns: string[]) =>
      (await verify([...patterns, "--json"], files))
        .lines()
        .flatMap(({ file }) => (typeof file === "string" ? [file.replaceAll("\\", "/")] : []));
    expect(await names("in/?.json", "in/a.json")).toEqual(["in/a.json", "in/b.json"]);
    expect(await names("in/**/c.json")).toEqual(["in/deep/er/c.json"]);
    expect(await names("**/*.json")).toEqual(["in/a.json", "in/b.json", "in/deep/er/c.json", "in/{Module}.*.json"]);
    expect(await names("in/{Module}.*.json")).toEqual(["in/{Module}.*.json"]);
    expect(await names("*/deep/*/*.json")).toEqual(["in/deep/er/c.json"]);
  });

  it("reads standard input by its name or when no file is named", async () => {
    for (const argv of [["verify"], ["verify", "-"]]) {
      const { exitCode, out } = await run(argv, { stdin: INVOICE });
      expect(out).toContain("✓ (stdin): books invoice_created");
      expect(exitCode).toBe(0);
    }
    expect((await run(["verify"], { stdin: "" })).exitCode).toBe(4);
  });

  it("refuses one signature for several payloads", async () => {
    const files = { "a.ndjson": `${INVOICE}\n${INVOICE}\n` };
    const { exitCode, err } = await verify(["a.ndjson", "--signature", hmac(INVOICE)], files, SECRET);
    expect(err).toContain("--signature works with one payload, and there are 2");
    expect(exitCode).toBe(2);
  });

  it("reads forms, and names the content types that were given", async () => {
    const form = `payload=${encodeURIComponent(INVOICE)}`;
    expect((await verify(["a"], { a: `${form}\n` })).exitCode).toBe(0);
    const told = await verify(["a", "-H", "content-type: application/json"], { a: form });
    expect(told.out).toContain("the body is not valid JSON");
    expect(told.exitCode).toBe(4);
  });

  it("recognises a challenge", async () => {
    const { exitCode, out } = await verify(["a.json"], { "a.json": '{"challenge":"x"}' });
    expect(out).toContain("a challenge, not an event");
    expect(exitCode).toBe(0);
  });

  it("hides valid payloads with --quiet, never invalid ones", async () => {
    const files = { "a.json": INVOICE, "b.json": "[" };
    const { out } = await verify(["a.json", "b.json", "-q"], files);
    expect(out).not.toContain("a.json");
    expect(out).toContain("b.json");
  });

  it("prints one JSON line a payload, and a summary of several", async () => {
    const files = { "a.ndjson": `${INVOICE}\n${INVOICE.replace("1250", "null")}\n` };
    const { lines } = await verify(["a.ndjson", "--json"], files);
    const [good, bad, summary] = lines();
    expect(good).toMatchObject({
      v: 1,
      type: "verified",
      file: "a.ndjson",
      line: 1,
      outcome: "valid",
      product: "books",
      format: "guide",
      event: "invoice_created",
      known: true,
      records: ["2761940000000418093"],
      signatures: [{ id: "guide-signature", covers: "body", result: "unsigned" }],
      schema: { ok: true, issues: [] },
      problem: null,
      body_b64: Buffer.from(INVOICE).toString("base64"),
    });
    expect(bad).toMatchObject({
      outcome: "invalid",
      schema: { ok: false, issues: [{ path: "data.total", expected: "number", received: "null", line: 2 }] },
    });
    expect(summary).toEqual({
      v: 1,
      type: "verify_summary",
      count: 2,
      valid: 1,
      custom: 0,
      no_key: 0,
      missing_signature: 0,
      wrong_signature: 0,
      masked: 0,
      invalid: 1,
    });
  });

  it("names the place of an error in a JSON line", async () => {
    const { lines } = await run(["verify", "--json"], { stdin: "{]" });
    expect(lines()).toMatchObject([{ outcome: "invalid", problem_at: { line: 1, column: 2 } }]);
  });
});

describe("verify of what listen printed", () => {
  it("verifies each delivery as listen did: signature, token, schema", async () => {
    const env = { ...SECRET, ZOHO_WEBHOOK_TOKEN_CRM: "tok-1" };
    const listener = await startListener(["--on-invalid", "warn"], { env });
    const signed = (body: string) => ({ "content-type": "application/json", "x-zoho-signature": hmac(body) });
    await listener.post("/webhooks/zoho/books", INVOICE, signed(INVOICE));
    await listener.post("/webhooks/zoho/books", INVOICE.replace("1250", "1251"), signed(INVOICE));
    await listener.post("/webhooks/zoho/crm", LEAD, signed(LEAD));
    await listener.post("/webhooks/zoho/books", INVOICE);
    await listener.event(4);
    const { out } = await listener.stop();

    const all = await verify(["log.ndjson", "--json"], { "log.ndjson": out }, env);
    const outcomes = all.lines().map(({ type, outcome }) => (type === "verified" ? outcome : type));
    expect(outcomes).toEqual(["valid", "wrong_signature", "valid", "missing_signature", "verify_summary"]);
    expect(all.exitCode).toBe(3);

    const unsigned = out.split("\n").find((line) => line.includes('"n":4')) ?? "";
    const alone = await run(["verify"], { stdin: unsigned, env });
    expect(alone.out).toMatch(/a secret is configured, but there is no x-zoho-signature header$/m);
    expect(alone.exitCode).toBe(3);
    const withoutKey = await run(["verify"], { stdin: unsigned });
    expect([withoutKey.exitCode, withoutKey.out]).toEqual([
      6,
      expect.stringContaining(
        "  nothing shows that Zoho sent it: if its webhook signs or has a token, set ZOHO_WEBHOOK_SECRET\n",
      ),
    ]);
  });

  it("verifies what send would post", async () => {
    const sent = await run(["send", "crm", "Leads.create", "--format", "guide", "--dry-run", "--json"], {
      env: SECRET,
    });
    const { exitCode, out } = await run(["verify"], { stdin: sent.out, env: SECRET });
    expect(out).toContain("✓ verified (guide-signature)");
    expect(exitCode).toBe(0);
  });
});
