import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";

const env = { ZOHO_WEBHOOK_SECRET: "s3cret", ZOHO_WEBHOOK_TOKEN: "t0ken" };

let listener: Listener | undefined;

afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

describe("a user-designed body, with a secret and no format in the config,", () => {
  it.each([
    ["forms", "Zoho Forms", '{"SingleLine":"Mei"}'],
    ["creator", "Zoho Creator", '{"event":"Spring fair","SingleLine":"Mei"}'],
  ])("is rejected by listen with the flag that accepts it: %s", async (product, title, body) => {
    listener = await startListener([], { env });
    expect((await listener.post(`/webhooks/zoho/${product}`, body)).status).toBe(401);
    const start = `${title} never signs webhooks with a body of your own design; to accept them: --allow-unsigned ${product} `;
    expect(String((await listener.event(1)).hint).slice(0, start.length)).toBe(start);
  });

  it.each([
    [["--allow-unsigned", "survey,forms"], {}],
    [["--allow-unsigned", "survey", "--allow-unsigned", "Forms"], {}],
    [[], { allowUnsigned: ["forms"] }],
    [[], { products: { forms: { format: "wire" } } }],
  ])("is accepted with %j and the config %j", async (argv, config) => {
    const cwd = folderWith({ "zoho-hooks.config.json": JSON.stringify(config) });
    listener = await startListener(argv, { env, cwd });
    expect((await listener.post("/webhooks/zoho/forms", '{"SingleLine":"Mei"}')).status).toBe(200);
    expect(await listener.event(1)).toMatchObject({ event: "form_submitted", format: "wire", hint: null });
    expect((await listener.post("/webhooks/zoho/creator", '{"SingleLine":"Mei"}')).status).toBe(401);
  });

  it("is the only thing that --allow-unsigned accepts: no known envelope, no wrong signature, no other body", async () => {
    listener = await startListener(["--allow-unsigned", "forms,crm"], { env });
    const envelope = readFileSync(join(import.meta.dirname, "../../fixtures/forms/guide/form_submitted.json"), "utf8");
    const { fields: _, ...incomplete } = JSON.parse(envelope) as Record<string, unknown>;
    const notification =
      '{"module":"Leads","operation":"insert","ids":["1000000000000000001"],"resource_uri":"https://x"}';
    const wrong = { "content-type": "application/json", "x-zoho-signature": "0".repeat(64) };
    const statusOf = async (...request: Parameters<Listener["post"]>) => (await listener?.post(...request))?.status;
    expect(await statusOf("/webhooks/zoho/forms", envelope)).toBe(401);
    expect(await statusOf("/webhooks/zoho/forms", JSON.stringify(incomplete))).toBe(401);
    expect(await statusOf("/webhooks/zoho/forms", '{"SingleLine":"Mei"}', wrong)).toBe(401);
    const wrongForm = { ...wrong, "content-type": "application/x-www-form-urlencoded" };
    expect(await statusOf("/webhooks/zoho/forms", "SingleLine=Mei", wrongForm)).toBe(401);
    expect(await statusOf("/webhooks/zoho/crm", notification)).toBe(401);
    expect(await statusOf("/webhooks/zoho/crm", '{"event":"Leads.create","lead":"Mei"}')).toBe(200);
    expect(await listener.event(6)).toMatchObject({ event: "webhook", format: "workflow" });
  });

  it("is accepted without a flag where only another product has a secret", async () => {
    listener = await startListener([], { env: { ZOHO_WEBHOOK_SECRET_SIGN: "s3cret" } });
    expect((await listener.post("/webhooks/zoho/forms", '{"SingleLine":"Mei"}')).status).toBe(200);
    expect((await listener.post("/webhooks/zoho/sign", '{"requests":{},"notifications":{}}')).status).toBe(401);
  });

  it.each([
    ["sign", "--allow-unsigned does not apply to Zoho Sign"],
    ["form", "did you mean forms?"],
  ])("makes --allow-unsigned %s a usage error", async (product, message) => {
    const { exitCode, err } = await run(["listen", "--port", "0", "--allow-unsigned", product]);
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
  });

  it("is rejected for its proof, not its method, when it comes as a query", async () => {
    listener = await startListener([], { env });
    const get = (path: string) =>
      fetch(`${listener?.url}${path}`).then(async (each) => [each.status, await each.text()]);
    expect(await get("/webhooks/zoho/crm?lead=4876876000000624001")).toEqual([
      401,
      "token: a token is configured, but the body has none",
    ]);
    expect((await listener.event(1)).hint).toContain("--allow-unsigned crm (for verify: --format workflow)");
    expect(await get("/webhooks/zoho/crm")).toEqual([405, expect.stringContaining("GET is not allowed")]);
  });

  it("is not mentioned where the config gives that body a proof of its own", async () => {
    const config = JSON.stringify({ products: { forms: { auth: { header: "x-key" } } } });
    const cwd = folderWith({ "zoho-hooks.config.json": config });
    listener = await startListener([], { env: { ...env, ZOHO_WEBHOOK_AUTH: "kn0ck" }, cwd });
    expect((await listener.post("/webhooks/zoho/forms", '{"SingleLine":"Mei"}')).status).toBe(401);
    expect((await listener.event(1)).hint).toBeNull();
  });

  it("is not mentioned where the product has no such format", async () => {
    listener = await startListener([], { env });
    expect((await listener.post("/webhooks/zoho/sign", '{"a":1}')).status).toBe(401);
    expect((await listener.event(1)).hint).toBeNull();
  });
});

describe("send of such a body", () => {
  it("names the likely cause of a refusal", async () => {
    listener = await startListener([], { env });
    const to = ["--to", `${listener.url}/webhooks/zoho/forms`];
    const { exitCode, out } = await run(["send", "forms", "form_submitted", "--format", "wire", ...to], { env });
    expect(exitCode).toBe(5);
    expect(out).toContain("this format is never signed");
    expect(out).toContain("--allow-unsigned forms");
    expect(out).not.toContain("your app uses a different secret or token");
  });
});
