import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { runBin } from "../support/bin.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { connect, SECRET, type ToolResult } from "../support/mcp-client.ts";
import { projectWithZod, SHOP } from "../support/own-product.ts";
import { tempFolder } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

// Each call of a user's module takes a new thread, which takes a second on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const IMPORT = 'import { z } from "zod";\n';
const PAID = "webhooks/shop/schemas/order.paid.mjs";
/** A schema that a module of the user makes. */
const schemaOf = (type: string, code = "") =>
  `${IMPORT}${code}\nexport default z.looseObject({ order: z.looseObject({ total: z.${type}() }) });`;
const BODY = '{"meta":{"type":"order.paid"},"order":{"id":"1","total":"x"}}';

const json = { "content-type": "application/json" };
const signed = (body: string) => createHmac("sha256", SECRET).update(body).digest("hex");

it("tells an agent what came last, and why it was rejected, as --explain does", async () => {
  const cwd = tempFolder();
  const listener = await startListenProcess([], { cwd, env: { ZOHO_WEBHOOK_SECRET: SECRET } });
  const { call } = await connect(cwd);
  const body = '{"invoice":{"invoice_id":"46000000004912301"}}';
  // Signed with a newline at the end, which was not sent.
  const value = signed(`${body}\n`);
  await fetch(`${listener.url}/webhooks/zoho/books`, {
    method: "POST",
    headers: { ...json, "x-zoho-webhook-signature": value },
    body,
  });
  const [last] = (await call("list_events", { limit: 1 })).lines;
  expect(last).toMatchObject({ n: 1, product: "books", status: 401, sender: "wrong_signature" });
  const explained = await call("explain_event", { n: Number(last?.n) });
  const [{ explanations } = {}] = explained.lines;
  const command = await runBin(["verify", "--logged", "last", "--explain", "--json"], {
    cwd,
    env: { ZOHO_WEBHOOK_SECRET: SECRET },
  });
  const [line] = command.stdout.split("\n");
  expect(explanations).toEqual(JSON.parse(line ?? "").explanations);
  expect(JSON.stringify(explanations)).toContain('"matches":true');
  expect((await call("explain_event", { n: "last" })).lines).toEqual(explained.lines);
  for (const hidden of [value, signed(body), SECRET]) expect(explained.text).not.toContain(hidden);
  await listener.stop();
});

it("compares, counts and filters received deliveries", async () => {
  const cwd = tempFolder();
  const listener = await startListenProcess([], { cwd });
  const { call } = await connect(cwd);
  for (const [total, product] of [
    [1, "books"],
    [2, "books"],
    [2, "crm"],
  ])
    await fetch(`${listener.url}/webhooks/zoho/${product}`, {
      method: "POST",
      headers: json,
      body: JSON.stringify({ invoice: { invoice_id: "46000000004912301", total } }),
    });
  expect((await call("diff_events", { before: 1, after: 2 })).lines).toEqual([
    { path: "invoice.total", change: "changed", before: "1", after: "2" },
  ]);
  expect((await call("diff_events", { before: 2, after: 2 })).lines).toEqual([
    { message: expect.stringContaining("the payloads are the same") },
  ]);
  expect((await call("get_stats", { product: "books" })).lines).toMatchObject([{ type: "stats", received: 2 }]);
  const numbers = async (filter: Readonly<Record<string, unknown>>) =>
    (await call("list_events", filter)).lines.map(({ n }) => n);
  expect(await numbers({ where: ["invoice.total=2"], product: "books" })).toEqual([2]);
  expect(await numbers({ until: "2020-01-01" })).toEqual([undefined]);
  expect((await call("get_event", { n: "last" })).lines).toMatchObject([{ n: 3 }]);
  await listener.stop();
});

it("asks Zoho for channels only as a user who has signed in", async () => {
  const { call } = await connect(tempFolder());
  expect(await call("list_channels")).toMatchObject({ isError: true, text: expect.stringContaining("login") });
});

describe("each call", () => {
  const outcomes = ({ lines }: ToolResult) => lines.map(({ outcome }) => outcome);

  it("reads .env, config and schemas anew", async () => {
    const cwd = projectWithZod({ ...SHOP, [PAID]: schemaOf("string") });
    const { call } = await connect(cwd);
    const verify = async (headers = {}) => outcomes(await call("verify", { body: BODY, product: "shop", headers }));
    expect(await verify()).toEqual(["valid"]);
    writeFileSync(join(cwd, PAID), schemaOf("number"));
    expect(await verify()).toEqual(["invalid"]);
    // By way of a module that has changed itself.
    writeFileSync(join(cwd, PAID), `export { default } from "../total.mjs";`);
    writeFileSync(join(cwd, "webhooks/shop/total.mjs"), schemaOf("string"));
    expect(await verify()).toEqual(["valid"]);
    writeFileSync(join(cwd, "webhooks/shop/total.mjs"), schemaOf("number"));
    expect(await verify()).toEqual(["invalid"]);

    const genuine = { "x-shop-signature": `sha256=${signed(BODY)}` };
    writeFileSync(join(cwd, "webhooks/shop/total.mjs"), schemaOf("string"));
    writeFileSync(join(cwd, ".env"), "ZOHO_WEBHOOK_SECRET_SHOP=another-secret\n");
    expect(await verify(genuine)).toEqual(["wrong_signature"]);
    writeFileSync(join(cwd, ".env"), `ZOHO_WEBHOOK_SECRET_SHOP=${SECRET}\n`);
    expect(await verify(genuine)).toEqual(["valid"]);
    for (const [config, error] of [
      ["{}", "there is no product"],
      ["{", "zoho-hooks.config.json"],
    ] as const) {
      writeFileSync(join(cwd, "zoho-hooks.config.json"), config);
      const refused = await call("verify", { body: BODY, product: "shop" });
      expect(refused).toMatchObject({ isError: true, text: expect.stringContaining(error) });
    }
    // A server that starts with such a config says so in each call, until it is mended.
    const other = await connect(cwd);
    expect((await other.call("list_products")).text).toContain("zoho-hooks.config.json");
    writeFileSync(join(cwd, "zoho-hooks.config.json"), SHOP["zoho-hooks.config.json"]);
    expect((await other.call("verify", { body: BODY, product: "shop" })).isError).toBe(false);
  });

  it("asks for trust, also of the tools that read no log", async () => {
    const cwd = projectWithZod({});
    const { call } = await connect(cwd, { ZOHO_HOOKS_TRUST: "" });
    expect((await call("verify", { body: "{}" })).isError).toBe(false);
    for (const [file, text] of Object.entries({ "zoho-hooks.config.json": SHOP["zoho-hooks.config.json"] }))
      writeFileSync(join(cwd, file), text);
    writeFileSync(join(cwd, ".env"), "HTTPS_PROXY=http://evil.example\nZOHO_HOOKS_FORWARD_TO=https://evil.example\n");
    const refused = { isError: true, text: expect.stringMatching(/not trusted.* trust/s) };
    for (const [name, input] of Object.entries({
      verify: { body: "{}" },
      get_sample: { product: "crm", event: "Leads.create" },
      send: { product: "crm", event: "Leads.create", to: "3000" },
      get_stats: {},
      explain_event: { n: 1 },
      wait_for_event: { timeout_seconds: 0 },
    }))
      expect(await call(name, input)).toMatchObject(refused);
  });
});

describe("a schema module", () => {
  it("prints to stderr, never into the protocol", async () => {
    const code = 'console.log("from the module");process.stdout.write("{}\\n");console.error("and its error");';
    const cwd = projectWithZod({ ...SHOP, [PAID]: schemaOf("string", code) });
    const { call, errors, stderr } = await connect(cwd);
    expect((await call("verify", { body: BODY, product: "shop" })).lines).toMatchObject([{ outcome: "valid" }]);
    await expect.poll(stderr).toContain("from the module");
    expect(stderr()).toContain("and its error");
    expect(errors).toEqual([]);
  });

  it.each([
    [
      "throws in a timer",
      'setTimeout(() => { throw new Error("a late error") });await new Promise(() => {});',
      "a late error",
    ],
    [
      "rejects without a handler",
      'Promise.reject(new Error("a late error"));await new Promise(() => {});',
      "a late error",
    ],
    ["ends the process", "process.exit(3);", "process.exit()"],
  ])("that %s ends its own call alone", async (_, code, reason) => {
    const cwd = projectWithZod({ ...SHOP, [PAID]: schemaOf("string", code) });
    const { call, errors } = await connect(cwd);
    expect(await call("verify", { body: BODY, product: "shop" })).toMatchObject({
      isError: true,
      text: expect.stringContaining(reason),
    });
    expect((await call("get_sample", { product: "sign", event: "RequestCompleted" })).isError).toBe(false);
    writeFileSync(join(cwd, PAID), schemaOf("string"));
    expect((await call("verify", { body: BODY, product: "shop" })).lines).toMatchObject([{ outcome: "valid" }]);
    expect(errors).toEqual([]);
  });

  it("that loops without end is stopped where its call is cancelled, and keeps nobody waiting before", async () => {
    const cwd = projectWithZod({ ...SHOP, [PAID]: schemaOf("string", "for (;;) {}") });
    const { client, call } = await connect(cwd);
    // As many as run at once.
    const cancel = new AbortController();
    const loops = Array.from({ length: 4 }, () =>
      call("verify", { body: BODY, product: "shop" }, cancel.signal).then(
        () => "answered",
        () => "cancelled",
      ),
    );
    expect(await slowestPing(client, 10)).toBeLessThan(PING_MS);
    cancel.abort();
    expect(await Promise.all(loops)).toEqual(Array(4).fill("cancelled"));
    expect((await call("get_sample", { product: "sign", event: "RequestCompleted" })).isError).toBe(false);
  });
});

/** The server must answer within 250 ms; a loaded machine may take longer to run it. */
const PING_MS = 1000;

async function slowestPing(client: { ping(): Promise<unknown> }, count: number): Promise<number> {
  let slowest = 0;
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await client.ping();
    slowest = Math.max(slowest, performance.now() - start);
  }
  return slowest;
}

it("answers beside a body of 8 MB that it explains", async () => {
  const { client, call } = await connect(tempFolder());
  const item = '{"line_item_id":"46000000000001","name":"Oak table","rate":100.50}';
  const body = `{"invoice":{"invoice_id":"4600","line_items":[${Array(120_000).fill(item).join(",")}]}}`;
  const cancel = new AbortController();
  const headers = { "x-zoho-webhook-signature": "0".repeat(64) };
  const explaining = call("verify", { body, headers, product: "books" }, cancel.signal).catch(() => "cancelled");
  expect(await slowestPing(client, 200)).toBeLessThan(PING_MS);
  cancel.abort();
  expect(await explaining).toBe("cancelled");
  expect((await call("verify", { body: "{}" })).isError).toBe(false);
});

describe("where it sends", () => {
  it("is checked on the target that a log or the settings name", async () => {
    const cwd = tempFolder();
    const listener = await startListenProcess([], { cwd });
    await fetch(`${listener.url}/webhooks/zoho/forms`, { method: "POST", headers: json, body: '{"x":1}' });
    const { call } = await connect(cwd);
    const elsewhere = { isError: true, text: expect.stringContaining("http://192.0.2.1 is not this machine") };
    expect(await call("replay", { n: 1 })).toMatchObject({ isError: true, text: expect.stringContaining("--to") });
    writeFileSync(join(cwd, "zoho-hooks.config.json"), JSON.stringify({ forwardTo: ["http://192.0.2.1/hook"] }));
    expect(await call("replay", { n: 1 })).toMatchObject(elsewhere);
    expect(await call("replay", { since: "1h" })).toMatchObject(elsewhere);
    expect(await call("replay", { n: 1, dry_run: true })).toMatchObject({ isError: false });
    await listener.stop();
    // Without a running listen, send goes where the settings say that it would be.
    writeFileSync(join(cwd, "zoho-hooks.config.json"), JSON.stringify({ host: "192.0.2.1", port: 80 }));
    expect(await call("send", { product: "crm", event: "Leads.create" })).toMatchObject(elsewhere);
    expect(await call("check_endpoint", { url: "/hook" })).toMatchObject(elsewhere);
  });

  it("may be another machine with --allow-remote", async () => {
    const { call } = await connect(tempFolder(), {}, ["--allow-remote"]);
    // Nothing answers there, and it is asked.
    const { lines } = await call("send", { product: "crm", event: "Leads.create", to: "http://hooks.invalid/" });
    expect(lines).toMatchObject([{ type: "sent", status: null, error: expect.any(String) }]);
  });
});

it("returns the first failures and the summary of a replay of many", async () => {
  const cwd = tempFolder();
  const listener = await startListenProcess([], { cwd });
  for (let i = 0; i < 300; i++)
    await fetch(`${listener.url}/webhooks/zoho/forms`, { method: "POST", headers: json, body: `{"x":${i}}` });
  const app = await startTarget((response, { body }) => {
    response.statusCode = Number(JSON.parse(String(body)).x) % 2 === 0 ? 500 : 200;
    response.end("x".repeat(2000));
  });
  const { call } = await connect(cwd);
  const { lines, sent } = await call("replay", { since: "1h", to: app.url });
  expect(app.seen).toHaveLength(300);
  expect(sent).toBeLessThan(60_000);
  expect(lines.at(-2)).toMatchObject({ type: "send_summary", count: 300, ok: 150, failed: 150 });
  expect(lines.at(-1)).toEqual({ left_out: 180 });
  const failed = lines.filter(({ type, status }) => type === "sent" && status === 500);
  expect(failed).toHaveLength(100);
  expect(lines).toHaveLength(122);
  await listener.stop();
});
