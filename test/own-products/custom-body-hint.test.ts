import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { secret } from "../../src/delivery/secrets.ts";
import { guideSignature } from "../../src/signatures/body-signature.ts";
import { posted } from "../support/deliveries.ts";
import { folderWith } from "../support/files.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";

const env = { ZOHO_WEBHOOK_SECRET: "s3cret", ZOHO_WEBHOOK_TOKEN: "t0ken" };
const customBody = '{"SingleLine":"Mei"}';
const printed = readFileSync(join(import.meta.dirname, "../../fixtures/forms/guide/form_submitted.json"), "utf8");
const ticket = readFileSync(join(import.meta.dirname, "../../fixtures/desk/guide/Ticket.Create.json"), "utf8");

let listener: Listener | undefined;

afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

async function statusOf(...request: Parameters<Listener["post"]>): Promise<number | undefined> {
  return (await listener?.post(...request))?.status;
}

function signedWith(text: string, body: string): Record<string, string> {
  const { headers } = guideSignature.sign(posted(body), secret(text, "test"), new Date());
  return Object.fromEntries(headers);
}

describe("a body of a product that Zoho never signs", () => {
  it.each([
    ["forms", customBody, "wire"],
    ["creator", '{"event":"Spring fair","SingleLine":"Mei"}', "wire"],
    ["survey", '{"response_id":"aB3dE5gH"}', "wire"],
    ["campaigns", "{}", undefined],
    ["people", customBody, "wire"],
    ["forms", printed, "guide"],
  ])("is accepted by listen, though a secret of all products is set: %s", async (product, body, format) => {
    listener = await startListener([], { env });
    expect(await statusOf(`/webhooks/zoho/${product}`, body)).toBe(200);
    const event = await listener.event(1);
    if (format !== undefined) expect(event).toMatchObject({ product, format, known: true, hint: null });
    expect((event.signatures as { result: string }[]).filter(({ result }) => result !== "unsigned")).toEqual([]);
  });

  it("is marked unsigned", async () => {
    const human = await startHumanListener(["--no-store"], { env: { ...env, NO_COLOR: "1" } });
    const headers = { "content-type": "application/json" };
    for (const body of [customBody, printed])
      await fetch(`${human.url}/webhooks/zoho/forms`, { method: "POST", headers, body });
    const { out } = await human.stop();
    expect(out).toMatch(/#1 +forms +form_submitted.* – unsigned/);
    expect(out).toMatch(/#2 +forms +form_submitted.* – unsigned/);
  });

  it.each([
    ["a secret of its own", {}, { ZOHO_WEBHOOK_SECRET_FORMS: "f0rms" }, signedWith("f0rms", customBody)],
    [
      "a secret of its own, whatever the format",
      { format: "wire" },
      { ZOHO_WEBHOOK_SECRET_FORMS: "f0rms" },
      signedWith("f0rms", customBody),
    ],
    ["a fixed value", { auth: { header: "x-key" } }, { ZOHO_WEBHOOK_AUTH: "kn0ck" }, { "x-key": "kn0ck" }],
    ["the guide's format in the config", { format: "guide" }, {}, signedWith("s3cret", customBody)],
  ])("needs a proof with %s", async (_, forms, more, proof) => {
    const cwd = folderWith({ "zoho-hooks.config.json": JSON.stringify({ products: { forms } }) });
    listener = await startListener([], { env: { ...env, ...more }, cwd });
    expect(await statusOf("/webhooks/zoho/forms", customBody)).toBe(401);
    expect(await statusOf("/webhooks/zoho/forms", printed)).toBe(401);
    // Looks like a record of another product.
    expect(await statusOf("/webhooks/zoho/forms", ticket)).toBe(401);
    expect(await statusOf("/webhooks/zoho/forms", customBody, { "content-type": "application/json", ...proof })).toBe(
      200,
    );
    expect(await statusOf("/webhooks/zoho/creator", customBody)).toBe(200);
  });

  it.each([
    ["custom", customBody],
    ["the guide's", printed],
    ["another product's", ticket],
  ])("is refused with a wrong signature: %s", async (_, body) => {
    listener = await startListener([], { env });
    const wrong = { "content-type": "application/json", "x-zoho-signature": "0".repeat(64) };
    expect(await statusOf("/webhooks/zoho/forms", body, wrong)).toBe(401);
  });

  it("is verified with the secret of all products where it has a signature", async () => {
    listener = await startListener([], { env });
    expect(await statusOf("/webhooks/zoho/forms", printed, signedWith("s3cret", printed))).toBe(200);
    expect((await listener.event(1)).signatures).toMatchObject([{ result: "verified" }]);
  });

  it("needs a proof in verify with a secret of its own product", async () => {
    const cwd = folderWith({ "body.json": customBody });
    const argv = ["verify", "body.json", "--product", "forms", "-H", "x-a: 1"];
    expect((await run(argv, { cwd, env: { ZOHO_WEBHOOK_SECRET_FORMS: "s3cret" } })).exitCode).toBe(3);
    expect((await run(argv, { cwd, env })).exitCode).toBe(0);
  });
});

describe("a custom body of a product that Zoho signs, with a secret and no format in the config,", () => {
  it("is rejected by listen with the flag that accepts it", async () => {
    listener = await startListener([], { env });
    expect(await statusOf("/webhooks/zoho/crm", customBody)).toBe(401);
    const start = "Zoho CRM never signs webhooks with a custom body; to accept them: --allow-unsigned crm ";
    expect(String((await listener.event(1)).hint).slice(0, start.length)).toBe(start);
  });

  it.each([
    [["--allow-unsigned", "recruit,crm"], {}],
    [["--allow-unsigned", "recruit", "--allow-unsigned", "CRM"], {}],
    [[], { allowUnsigned: ["crm"] }],
    [[], { products: { crm: { format: "workflow" } } }],
  ])("is accepted with %j and the config %j", async (argv, config) => {
    const cwd = folderWith({ "zoho-hooks.config.json": JSON.stringify(config) });
    listener = await startListener(argv, { env, cwd });
    expect(await statusOf("/webhooks/zoho/crm", customBody)).toBe(200);
    expect(await listener.event(1)).toMatchObject({ event: "webhook", format: "workflow", hint: null });
    expect(await statusOf("/webhooks/zoho/books", customBody)).toBe(401);
  });

  it("is the only thing that --allow-unsigned accepts: no known envelope, no wrong signature, no other body", async () => {
    listener = await startListener(["--allow-unsigned", "crm"], { env });
    const envelope = readFileSync(join(import.meta.dirname, "../../fixtures/crm/guide/Leads.create.json"), "utf8");
    const { data: _, ...incomplete } = JSON.parse(envelope) as Record<string, unknown>;
    const notification =
      '{"module":"Leads","operation":"insert","ids":["1000000000000000001"],"resource_uri":"https://x"}';
    const wrong = { "content-type": "application/json", "x-zoho-signature": "0".repeat(64) };
    expect(await statusOf("/webhooks/zoho/crm", envelope)).toBe(401);
    expect(await statusOf("/webhooks/zoho/crm", JSON.stringify(incomplete))).toBe(401);
    expect(await statusOf("/webhooks/zoho/crm", customBody, wrong)).toBe(401);
    const wrongForm = { ...wrong, "content-type": "application/x-www-form-urlencoded" };
    expect(await statusOf("/webhooks/zoho/crm", "SingleLine=Mei", wrongForm)).toBe(401);
    expect(await statusOf("/webhooks/zoho/crm", notification)).toBe(401);
    expect(await statusOf("/webhooks/zoho/crm", '{"event":"Leads.create","lead":"Mei"}')).toBe(200);
    expect(await listener.event(6)).toMatchObject({ event: "webhook", format: "workflow" });
  });

  it.each([
    ["sign", "--allow-unsigned does not apply to Zoho Sign"],
    ["forms", "Zoho never signs it, so it is accepted without; it applies to crm, recruit"],
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
    const to = ["--to", `${listener.url}/webhooks/zoho/crm`];
    const { exitCode, out } = await run(["send", "crm", "webhook", "--format", "workflow", ...to], { env });
    expect(exitCode).toBe(5);
    expect(out).toContain("this format is never signed");
    expect(out).toContain("--allow-unsigned crm");
    expect(out).not.toContain("often it uses a different secret or token");
  });
});
