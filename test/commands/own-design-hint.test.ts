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
  it("is rejected by listen with the setting that accepts it, and accepted with it", async () => {
    listener = await startListener([], { env });
    const body = '{"SingleLine":"Mei"}';
    expect((await listener.post("/webhooks/zoho/forms", body)).status).toBe(401);
    expect((await listener.event(1)).hint).toContain('"products": { "forms": { "format": "wire" } }');
    await listener.stop();

    const config = JSON.stringify({ products: { forms: { format: "wire" } } });
    listener = await startListener([], { env, cwd: folderWith({ "zoho-hooks.config.json": config }) });
    expect((await listener.post("/webhooks/zoho/forms", body)).status).toBe(200);
    expect((await listener.event(1)).hint).toBeNull();
  });

  it("is rejected for its proof, not its method, when it comes as a query", async () => {
    listener = await startListener([], { env });
    const get = (path: string) =>
      fetch(`${listener?.url}${path}`).then(async (each) => [each.status, await each.text()]);
    expect(await get("/webhooks/zoho/crm?lead=4876876000000624001")).toEqual([
      401,
      "token: a token is configured, but the body has none",
    ]);
    expect((await listener.event(1)).hint).toContain('"crm": { "format": "workflow" }');
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
    expect(out).not.toContain("your app uses a different secret or token");
  });
});
