import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { route } from "../../src/receiver/routes.ts";
import { cpuMsOf } from "../support/cpu-time.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { run, tempFolder } from "../support/run.ts";

let listener: Listener | undefined;
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});
const JSON_TYPE = { "content-type": "application/json" };
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };

describe("listen under attack", () => {
  it("rejects a form with very many fields at once, with a reason", async () => {
    listener = await startListener();
    const headers = { ...FORM_TYPE, "x-zoho-webhook-signature": "0f".repeat(32) };
    const post = listener.post;
    const tookMs = await cpuMsOf(async () =>
      expect(await post("/webhooks/zoho/books", "a&".repeat(500_000), headers)).toMatchObject({
        status: 400,
        text: expect.stringContaining("more than 1000 form fields"),
      }),
    );
    expect(tookMs).toBeLessThan(5000);
    expect(await listener.event(1)).toMatchObject({ status: 400 });
  });

  it("records and verifies a delivery that carries the probe header", async () => {
    listener = await startListener([], { env: { ZOHO_WEBHOOK_SECRET: "s" } });
    const headers = { ...JSON_TYPE, "x-zoho-hooks-probe": "0".repeat(32) };
    expect((await listener.post("/webhooks/zoho/crm", '{"a":1}', headers)).status).toBe(401);
    expect(await listener.event(1)).toMatchObject({ status: 401 });
  });

  it("masks token and signature in -v, except with --show-secrets", async () => {
    const secret = { ZOHO_WEBHOOK_TOKEN: "t0ken-of-the-test" };
    const body = JSON.stringify({ module: "Leads", operation: "create", ids: ["1"], token: "t0ken-of-the-test" });
    for (const [flags, shown] of [
      [[], false],
      [["--show-secrets"], true],
    ] as const) {
      const human = await startHumanListener(["-v", ...flags], { env: secret });
      const headers = { ...JSON_TYPE, authorization: "Bearer b34rer" };
      await fetch(`${human.url}/webhooks/zoho/crm`, { method: "POST", body, headers });
      const { out } = await human.stop();
      expect(out).toContain("Leads");
      expect(out.includes("t0ken-of-the-test")).toBe(shown);
      expect(out.includes("b34rer")).toBe(shown);
    }
  });

  it("shows the size of a body that was too large to record", async () => {
    const human = await startHumanListener([], { env: { ZOHO_HOOKS_MAX_BODY: "1kb" } });
    await fetch(`${human.url}/webhooks/zoho/crm`, { method: "POST", body: "x".repeat(2500) });
    const { out } = await human.stop();
    expect(out).toContain("2.5 kB, not recorded");
    expect(out).not.toContain(" 0 B");
  });

  it("echoes a challenge with more digits than a number has", async () => {
    listener = await startListener();
    const { text } = await listener.post("/webhooks/zoho/crm", '{ "challenge" : {"a":9007199254740993} }');
    expect(text).toBe('{"challenge":{"a":9007199254740993}}');
  });

  it("treats a custom body with a field named challenge as an event", async () => {
    listener = await startListener();
    const answer = await listener.post("/webhooks/zoho/crm", '{"challenge":"daily","team":"north"}');
    expect(answer).toMatchObject({ status: 200, text: "OK" });
    expect(await listener.event(1)).toMatchObject({ product: "crm", format: "workflow", known: true });
  });

  it("rejects a compressed body with a reason", async () => {
    listener = await startListener();
    const answer = await listener.post("/webhooks/zoho/crm", "x", { ...JSON_TYPE, "content-encoding": "gzip" });
    expect(answer).toMatchObject({ status: 415, text: expect.stringContaining("gzip") });
  });

  it("reports a sender that speaks another protocol once", async () => {
    const human = await startHumanListener();
    for (let i = 0; i < 2; i++)
      await expect(
        fetch(`${human.url.replace("http:", "https:")}/webhooks/zoho/crm`, { method: "POST" }),
      ).rejects.toThrow();
    const { err } = await human.stop();
    expect(err.match(/warning: a sender used https/g)).toHaveLength(1);
  });

  it("reports at most a hundred hints, with long names shortened", async () => {
    const human = await startHumanListener();
    const crm = {
      resource_uri: "https://www.zohoapis.com/crm/v8/Leads",
      operation: "insert",
      ids: ["1"],
      channel_id: "1",
    };
    const foreign = (i: number) => JSON.stringify({ ...crm, module: `M${i}${"x".repeat(5000)}` });
    for (let i = 0; i < 110; i++)
      await fetch(`${human.url}/webhooks/zoho/desk`, { method: "POST", headers: JSON_TYPE, body: foreign(i) });
    const { err } = await human.stop();
    const hints = err.match(/.*this looks like crm M\d+x.*/g) ?? [];
    expect(hints).toHaveLength(100);
    expect(Math.max(...hints.map((line) => line.length))).toBeLessThan(500);
  });

  it("answers a browser's GET without recording an event", async () => {
    listener = await startListener();
    expect((await fetch(`${listener.url}/favicon.ico`)).status).toBe(404);
    await listener.post("/webhooks/zoho/crm", '{"challenge":1}');
    expect(await listener.event(1)).toMatchObject({ method: "POST" });
  });

  it("counts an oversized body for its product", async () => {
    listener = await startListener([], { env: { ZOHO_HOOKS_MAX_BODY: "100" } });
    await listener.post("/webhooks/zoho/books", "x".repeat(200));
    expect(await listener.event(1)).toMatchObject({ status: 413, product: "books" });
  });

  it("records and shows the first of very many schema issues", async () => {
    listener = await startListener([], { env: { ZOHO_WEBHOOK_TOKEN: "t" } });
    const body = JSON.stringify({
      module: "Leads",
      operation: "create",
      ids: Array.from({ length: 100_000 }, () => 1),
      data: {},
    });
    await listener.post("/webhooks/zoho/crm", body, JSON_TYPE);
    const { schema } = (await listener.event(1)) as { schema: { issues: { expected: string }[] } };
    expect(schema.issues.length).toBeLessThan(60);
    expect(schema.issues.at(-1)?.expected).toMatch(/^other values in \d{5,} more places$/);
  });

  it("rejects a token that is not a string", async () => {
    listener = await startListener([], { env: { ZOHO_WEBHOOK_TOKEN: "t" } });
    for (const token of [{ toString: 1 }, [1], true, 0]) {
      const body = JSON.stringify({ module: "Leads", operation: "create", ids: ["1"], token });
      expect((await listener.post("/webhooks/zoho/crm", body, JSON_TYPE)).status).toBe(401);
    }
  });

  it("does not take property names of Object for products or events", async () => {
    listener = await startListener();
    await listener.post("/webhooks/zoho/books?event=constructor", '{"invoice":{"invoice_id":"1"}}', JSON_TYPE);
    expect(await listener.event(1)).toMatchObject({ event: "invoice.constructor" });
  });

  // A backtracking pattern would take an hour.
  it("parses a URL with very many slashes in linear time", () => {
    expect(route(`/${"/".repeat(1_000_000)}x/`, []).kind).toBe("unknown");
    expect(route("/readyz//", []).kind).toBe("ready");
  });

  it("keeps the log near its limit under load", async () => {
    const cwd = tempFolder();
    listener = await startListener([], { env: { ZOHO_HOOKS_MAX_LOG: "3mb" }, cwd });
    for (let n = 1; n <= 30; n++) {
      await listener.post(
        "/webhooks/zoho/crm",
        JSON.stringify({ module: "Leads", operation: "x", n, a: "y".repeat(500_000) }),
      );
    }
    await listener.stop();
    const folder = join(cwd, ".zoho-hooks");
    expect(existsSync(folder)).toBe(true);
    const bytes = readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    expect(bytes).toBeLessThan(12_000_000);
  });

  it("does not know an event by the placeholder of its family", async () => {
    listener = await startListener();
    const body = JSON.stringify({ module: "<Module>", operation: "create", ids: ["1"], data: {} });
    await listener.post("/webhooks/zoho/crm", body, JSON_TYPE);
    expect(await listener.event(1)).toMatchObject({ known: false });
  });

  it("rejects a timeout of zero as a usage error", async () => {
    expect(await run(["listen", "--port", "0", "--timeout", "0"])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("--timeout"),
    });
  });

  it("rejects a size limit that is too small as a usage error", async () => {
    expect(await run(["listen"], { env: { ZOHO_HOOKS_MAX_BODY: "0" } })).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("ZOHO_HOOKS_MAX_BODY"),
    });
  });
});
