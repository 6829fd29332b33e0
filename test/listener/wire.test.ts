import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { eventNames, findEvent } from "../../src/model/event-names.ts";
import type { Product } from "../../src/model/product.ts";
import { products } from "../../src/products/index.ts";
import { folderWith } from "../support/files.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { run, tempFolder } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

const SECRET = "s3cr3tOfTheTests2025";
const HOOK_SECRET = "a-hook-secret-of-zoho-mail";
const MESSAGE =
  '{"subject":"Hi","fromAddress":"a@example.com","toAddress":"b@example.com","messageId":"17369369960001160"}';

let listener: Listener | undefined;
async function listen(
  argv: readonly string[] = [],
  options: { readonly env?: Record<string, string>; readonly cwd?: string; readonly now?: () => Date } = {},
): Promise<Listener> {
  listener = await startListener(argv, options);
  return listener;
}
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

const json = { "content-type": "application/json" };
const hookSignature = (body: string, secret = HOOK_SECRET): string =>
  createHmac("sha256", secret).update(body).digest("base64");

describe("listen, receiving Zoho's own deliveries,", () => {
  it("accepts each format of send, with all proofs passed and product and event known", async () => {
    const keys = { ZOHO_WEBHOOK_PUBLIC_KEY: testKeys.publicKey, ZOHO_WEBHOOK_PRIVATE_KEY: testKeys.privateKey };
    const env = { ZOHO_WEBHOOK_SECRET: SECRET, ZOHO_WEBHOOK_HOOK_SECRET: HOOK_SECRET, ...keys };
    const app = await listen([], { env });
    let n = 0;
    for (const product of OURS) {
      for (const format of product.formats) {
        if (format.id === "guide") continue;
        const [name = ""] = eventNames(format).filter((each) => !each.includes("<"));
        const argv = ["send", product.id, name, "--format", format.id, "--to", new URL(app.url).port];
        const sent = await run(argv, { env });
        expect(sent.exitCode, sent.out + sent.err).toBe(0);
        const event = await app.event(++n);
        const schema = findEvent(format, name)?.event.custom ? null : { ok: true };
        expect(event).toMatchObject({ product: product.id, format: format.id, event: name, schema });
        expect(event.signatures).toMatchObject(format.proofs.map(({ id }) => ({ id, result: "verified" })));
      }
    }
    expect(n).toBeGreaterThan(10);
  });

  it("verifies a guide envelope that Books signs like a custom body", async () => {
    const app = await listen([], { env: { ZOHO_WEBHOOK_SECRET: SECRET } });
    const body = '{"event":"invoice_created","organization_id":"1","data":{"invoice_id":"276194000000041809"}}';
    const signedWith = (key: string) => ({
      ...json,
      "x-zoho-webhook-signature": createHmac("sha256", key).update(`a1${body}`).digest("hex"),
    });
    expect((await app.post("/webhooks/zoho/books?a=1", body, signedWith(SECRET))).status).toBe(200);
    expect(await app.event(1)).toMatchObject({
      event: "invoice_created",
      signatures: [{ id: "finance-signature", result: "verified" }],
    });
    const refused = await app.post("/webhooks/zoho/books?a=1", body, signedWith("another"));
    expect([refused.status, (await app.event(2)).signatures]).toMatchObject([
      401,
      [{ id: "finance-signature", result: "wrong_signature" }],
    ]);
    expect((await app.post("/webhooks/zoho/books", body, json)).status).toBe(401);
  });

  it("does not accept a signature without a key in place of a proof that fails", async () => {
    const app = await listen([], { env: { ZOHO_WEBHOOK_JWKS: '{"keys":[]}' } });
    const body = JSON.stringify([{ payload: { id: "1" }, eventTime: "1", eventType: "Ticket_Delete", orgId: "1" }]);
    const forged = { ...json, "x-zoho-signature": "0".repeat(64) };
    expect((await app.post("/webhooks/zoho/desk", body, forged)).status).toBe(401);
  });

  it("saves Mail's secret from a first call without a body, whatever its method", async () => {
    const app = await listen();
    const hand = { method: "GET", headers: { "x-hook-secret": HOOK_SECRET } };
    expect((await fetch(`${app.url}/webhooks/zoho/mail`, hand)).status).toBe(200);
    await app.post("/webhooks/zoho/mail", MESSAGE, { ...json, "x-hook-signature": hookSignature(MESSAGE) });
    expect(await app.event(2)).toMatchObject({ status: 200, signatures: [{ result: "verified" }] });
  });

  it("saves Mail's secret at the URL without a product, recognised by its header", async () => {
    const app = await listen();
    const answer = await app.post("/webhooks/zoho", "{}", { ...json, "x-hook-secret": HOOK_SECRET });
    expect(answer.status).toBe(200);
    expect((await app.post("/webhooks/zoho", "{}", json)).status).toBe(404);
    const signed = { ...json, "x-hook-signature": hookSignature(MESSAGE) };
    await app.post("/webhooks/zoho/mail", MESSAGE, signed);
    expect(await app.event(3)).toMatchObject({ status: 200, signatures: [{ result: "verified" }] });
  });

  it("accepts a body that repeats the query of the channel's URL, as CRM posts it", async () => {
    const app = await listen();
    const to = `${app.url}/webhooks/zoho/crm?env=dev&x=1`;
    await run(["send", "crm", "Leads.create", "--format", "wire", "--to", to]);
    expect(await app.event(1)).toMatchObject({ body: { query_params: { env: "dev", x: "1" } }, schema: { ok: true } });
  });

  it("rejects a wrong signature in each scheme", async () => {
    const keys = { ZOHO_WEBHOOK_PUBLIC_KEY: testKeys.publicKey, ZOHO_WEBHOOK_PRIVATE_KEY: testKeys.privateKey };
    const env = { ZOHO_WEBHOOK_SECRET: SECRET, ZOHO_WEBHOOK_HOOK_SECRET: HOOK_SECRET, ...keys };
    const app = await listen([], { env });
    for (const [product, event] of SCHEMES) {
      for (const flag of ["--bad-signature", "--no-signature"]) {
        const argv = ["send", product, event, "--format", "wire", "--to", new URL(app.url).port, flag];
        const { exitCode, out } = await run(argv, { env });
        expect(out).toMatch(/✓ 401 [\s\S]*refused, as it should be/);
        expect(exitCode).toBe(0);
      }
    }
  });

  it("answers SalesIQ's HEAD probe, and rejects HEAD for other products", async () => {
    const app = await listen();
    const head = (path: string): Promise<Response> => fetch(app.url + path, { method: "HEAD" });
    expect((await head("/webhooks/zoho/salesiq")).status).toBe(200);
    expect((await head("/webhooks/zoho")).status).toBe(200);
    const refused = await head("/webhooks/zoho/crm");
    expect(refused.status).toBe(405);
    expect(refused.headers.get("allow")).toMatch(/^POST\b/);
  });

  it("accepts PUT and DELETE of a finance product, and names the allowed methods", async () => {
    const app = await listen();
    const body = '{"invoice":{"invoice_id":"46000000004912301"}}';
    const by = (method: string): Promise<Response> =>
      fetch(`${app.url}/webhooks/zoho/inventory?event=invoice.deleted`, { method, body, headers: json });
    expect((await by("DELETE")).status).toBe(200);
    expect(await app.event(1)).toMatchObject({ method: "DELETE", product: "inventory", event: "invoice.deleted" });
    expect((await by("PUT")).status).toBe(200);
    const patch = await by("PATCH");
    expect(patch.status).toBe(405);
    expect(patch.headers.get("allow")).toBe("POST, PUT, DELETE");
  });

  it("includes the hint about a delivery in its JSON line", async () => {
    const app = await listen();
    await app.post("/webhooks/zoho/sign", SIGNED);
    expect((await app.event(1)).hint).toContain("wait for RequestCompleted");
    await app.post("/webhooks/zoho/sign", SIGNED.replace("RequestSigningSuccess", "RequestCompleted"));
    expect((await app.event(2)).hint).toBeNull();
  });

  it("shows the hint once per run, as verify does", async () => {
    const listener = await startHumanListener();
    await postThrice(`${listener.url}/webhooks/zoho/sign`);
    const verified = await run(["verify"], { stdin: `${SIGNED}\n${SIGNED}\n` });
    for (const { err, out } of [await listener.stop(), verified]) {
      expect((err + out).match(/wait for RequestCompleted/g)).toHaveLength(1);
    }
  });

  it("accepts the age that the setting tolerance allows", async () => {
    const now = (): Date => new Date("2025-01-15T10:30:00Z");
    const t = now().getTime() - 720_000;
    const body =
      '{"event_id":1,"event_type":"payment.succeeded","account_id":2,"event_time":3,"event_object":{"payment":{}}}';
    const v = createHmac("sha256", SECRET).update(`${t}.${body}`).digest("hex");
    const headers = { ...json, "x-zoho-webhook-signature": `t=${t},v=${v}` };
    const env = { ZOHO_WEBHOOK_SECRET: SECRET };
    const strict = await listen([], { env, now });
    const refused = await strict.post("/webhooks/zoho/payments", body, headers);
    expect(refused.status).toBe(401);
    expect(refused.text).toContain("the signature is right, but 12 min old");
    await strict.stop();
    const lenient = await listen([], { env: { ...env, ZOHO_HOOKS_TOLERANCE: "15m" }, now });
    expect((await lenient.post("/webhooks/zoho/payments", body, headers)).status).toBe(200);
  });

  it("accepts what Zoho never signs, and notes which other bodies it rejects", async () => {
    const app = await listen([], { env: { ZOHO_WEBHOOK_SECRET: SECRET } });
    const job = readFileSync(join(import.meta.dirname, "../../fixtures/analytics/wire/bulk_job_finished.json"), "utf8");
    expect((await app.post("/webhooks/zoho/analytics", job, json)).status).toBe(200);
    expect(await app.event(1)).toMatchObject({ event: "bulk_job_finished", signatures: [] });
    expect((await app.post("/webhooks/zoho/books", '{"event":"invoice_created"}', json)).status).toBe(401);
    expect((await app.post("/webhooks/zoho/forms", '{"Name":"Ada"}', json)).status).toBe(200);
    expect((await app.post("/webhooks/zoho/crm", '{"Name":"Ada"}', json)).status).toBe(401);
    const { notes } = (await app.line("ready")) as { notes?: string[] };
    expect(notes?.slice(0, 4)).toEqual([
      'Checking signatures and tokens with ZOHO_WEBHOOK_SECRET; wrong ones are rejected. Deliveries without a key to verify them with are accepted and marked "no key".',
      "No key is set for crm, desk, recruit, bigin, mail, salesiq, cliq, so deliveries of these without a signature are accepted.",
      expect.stringMatching(/^Zoho never signs creator, .*forms, .*sprints.*, so their deliveries are accepted/),
      expect.stringMatching(
        /never signs custom bodies, so they are rejected; to accept them: --allow-unsigned crm,recruit$/,
      ),
    ]);
  });

  it("has no note on custom bodies if the config names their format", async () => {
    const products = '{"products": {"crm": {"format": "workflow"}, "recruit": {"format": "workflow"}}}';
    const cwd = folderWith({ "zoho-hooks.config.json": products });
    const app = await listen([], { cwd, env: { ZOHO_WEBHOOK_SECRET: SECRET } });
    expect((await app.post("/webhooks/zoho/crm", '{"Name":"Ada"}', json)).status).toBe(200);
    expect(JSON.stringify((await app.line("ready")).notes)).not.toContain("custom bodies");
  });

  it.each([
    ["ZOHO_WEBHOOK_SECRET_CRMM", "ZOHO_WEBHOOK_SECRET_CRM"],
    ["ZOHO_WEBHOOK_SECRT", "ZOHO_WEBHOOK_SECRET"],
  ])("does not list %s, an unknown variable, as a check", async (name, meant) => {
    const app = await listen([], { env: { [name]: SECRET } });
    const ready = (await app.line("ready")) as { notes?: string[] };
    expect(ready.notes?.[0]).toContain("No key is set.");
    expect(await app.line("warning")).toMatchObject({
      message: `${name} (environment) is not a product's secret, so it has no effect`,
      hint: `did you mean ${meant}?`,
    });
  });

  it("refuses to start with an invalid key", async () => {
    const { exitCode, err } = await run(["listen", "--port", "0"], {
      env: { ZOHO_WEBHOOK_PUBLIC_KEY: "no-such-file.pem" },
    });
    expect(exitCode).toBe(2);
    expect(err).toMatch(/ZOHO_WEBHOOK_PUBLIC_KEY: there is no readable file \S.*no-such-file\.pem/);
  });

  it.each([
    ["verify", "-"],
    ["send", "cliq", "--all", "--dry-run"],
    ["replay", "1"],
  ])("%s rejects such a key, too", async (...argv) => {
    const { exitCode, err } = await run(argv, { env: { ZOHO_WEBHOOK_PUBLIC_KEY: "no-key-at-all" }, stdin: "{}" });
    expect(exitCode).toBe(2);
    expect(err).toContain("ZOHO_WEBHOOK_PUBLIC_KEY is not an RSA public key");
  });

  it.each([
    ["products"],
    ["config", "show"],
    ["fixtures", "show", "cliq", "invocation"],
    ["types", "cliq"],
    ["events", "list"],
  ])("%s, which verifies and signs nothing, ignores the keys", async (...argv) => {
    const cwd = tempFolder();
    const first = await listen([], { cwd });
    await first.post("/webhooks/zoho/cliq", "{}", json);
    await first.stop();
    writeFileSync(join(cwd, "url.txt"), "https://keys.example.com/");
    const env = {
      ZOHO_WEBHOOK_PUBLIC_KEY: "no-such-file.pem",
      ZOHO_WEBHOOK_PRIVATE_KEY_CLIQ: "nor-this.pem",
      ZOHO_WEBHOOK_JWKS: "url.txt",
    };
    expect(await run(argv, { cwd, env })).toMatchObject({ exitCode: 0, err: "" });
  });
});

describe("the secret that Zoho Mail sends", () => {
  const path = "/webhooks/zoho/mail";
  const file = (cwd: string): string => join(cwd, ".zoho-hooks", "keys", "hook-secrets.json");

  it("is saved before the answer, readable by its owner only, and used from then on", async () => {
    const cwd = tempFolder();
    const first = await listen([], { cwd });
    expect(await first.post(path, "", { ...json, "x-hook-secret": HOOK_SECRET })).toMatchObject({ status: 200 });
    expect(JSON.parse(readFileSync(file(cwd), "utf8"))).toEqual({ mail: { hookSecret: HOOK_SECRET } });
    if (process.platform !== "win32") expect(statSync(file(cwd)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(cwd, ".zoho-hooks", "keys", ".gitignore"), "utf8")).toBe("*\n");
    expect((await first.post(path, MESSAGE, json)).status).toBe(401);
    const good = { ...json, "x-hook-signature": hookSignature(MESSAGE) };
    expect((await first.post(path, MESSAGE, good)).status).toBe(200);
    await first.stop();

    const second = await listen([], { cwd });
    expect((await second.post(path, MESSAGE, good)).status).toBe(200);
    expect(
      (await second.post(path, MESSAGE, { ...json, "x-hook-signature": hookSignature(MESSAGE, "x") })).status,
    ).toBe(401);
  });

  it("is reported with the address that it came from, and with a warning where Git tracks its file", async () => {
    const cwd = folderWith({ ".zoho-hooks/keys/hook-secrets.json": "{}" });
    chmodSync(join(cwd, ".zoho-hooks/keys"), 0o700);
    chmodSync(file(cwd), 0o600);
    for (const argv of [
      ["init", "--quiet"],
      ["add", "--force", file(cwd)],
    ])
      execFileSync("git", argv, { cwd });
    const app = await startHumanListener([], { cwd, env: { PATH: process.env.PATH ?? "" } });
    const headers = { ...json, "x-hook-secret": HOOK_SECRET };
    await fetch(`${app.url}${path}`, { method: "POST", headers });
    const { err } = await app.stop();
    expect(err).toContain("mail sent its secret from 127.0.0.1: saved in");
    expect(err).toContain("Git tracks .zoho-hooks/keys/hook-secrets.json, so your next commit");
  });

  it("is still used if its file is damaged during the run", async () => {
    const cwd = tempFolder();
    const app = await listen([], { cwd });
    await app.post(path, "", { ...json, "x-hook-secret": HOOK_SECRET });
    writeFileSync(file(cwd), '{"mail":{"hookSec');
    const statusOf = async (secret: string): Promise<number> =>
      (await app.post(path, MESSAGE, { ...json, "x-hook-signature": hookSignature(MESSAGE, secret) })).status;
    expect([await statusOf(HOOK_SECRET), await statusOf("x")]).toEqual([200, 401]);
  });

  it("is not acknowledged if it cannot be saved", async () => {
    const app = await listen([], { cwd: folderWith({ ".zoho-hooks/keys": "no folder" }) });
    const { status, text } = await app.post(path, "", { ...json, "x-hook-secret": HOOK_SECRET });
    expect([status, text]).toEqual([503, expect.stringContaining("set the webhook up again later")]);
    expect(await app.line("warning")).toMatchObject({ message: expect.stringContaining("could not be saved") });
  });

  it("is never shown", async () => {
    const app = await listen();
    for (let i = 0; i < 2; i++) await app.post(path, "", { ...json, "x-hook-secret": HOOK_SECRET });
    expect(await app.event(2)).toMatchObject({ status: 200 });
    const { out, err } = await app.stop();
    expect(out + err).not.toContain(HOOK_SECRET);
    expect(out).toContain("[masked]");
  });

  it("is not replaced by a forged one", async () => {
    const cwd = tempFolder();
    const app = await listen([], { cwd });
    await app.post(path, "", { ...json, "x-hook-secret": HOOK_SECRET });
    const forged = await app.post(path, "", { ...json, "x-hook-secret": "of-a-forger" });
    expect(forged.status).toBe(401);
    expect(forged.text).toContain("to accept the new one, remove");
    const withBody = {
      ...json,
      "x-hook-secret": "of-a-forger",
      "x-hook-signature": hookSignature(MESSAGE, "of-a-forger"),
    };
    expect((await app.post(path, MESSAGE, withBody)).status).toBe(401);
    // The secret that Mail sent stays.
    const genuine = { ...withBody, "x-hook-signature": hookSignature(MESSAGE) };
    expect((await app.post(path, MESSAGE, genuine)).status).toBe(200);
    expect(readFileSync(file(cwd), "utf8")).not.toContain("forger");
    expect((await app.post(path, MESSAGE, { ...json, "x-hook-signature": hookSignature(MESSAGE) })).status).toBe(200);
  });

  it("is rejected if the request is signed with another", async () => {
    const cwd = tempFolder();
    const app = await listen([], { cwd });
    const headers = { ...json, "x-hook-secret": HOOK_SECRET, "x-hook-signature": hookSignature(MESSAGE, "another") };
    expect((await app.post(path, MESSAGE, headers)).status).toBe(401);
    expect(() => readFileSync(file(cwd))).toThrow("ENOENT");
    const right = { ...headers, "x-hook-signature": hookSignature(MESSAGE) };
    expect((await app.post(path, MESSAGE, right)).status).toBe(200);
    expect(readFileSync(file(cwd), "utf8")).toContain(HOOK_SECRET);
  });

  it("is rejected from an address that is not allowed", async () => {
    const cwd = tempFolder();
    const app = await listen(["--allow-ip", "203.0.113.7"], { cwd });
    expect((await app.post(path, "", { ...json, "x-hook-secret": HOOK_SECRET })).status).toBe(403);
    expect(() => readFileSync(file(cwd))).toThrow("ENOENT");
  });

  it("is overridden by the environment", async () => {
    const cwd = tempFolder();
    const app = await listen([], { cwd, env: { ZOHO_WEBHOOK_HOOK_SECRET: HOOK_SECRET } });
    expect((await app.post(path, "", { ...json, "x-hook-secret": "another" })).status).toBe(401);
    expect(() => readFileSync(file(cwd))).toThrow("ENOENT");
  });
});

const SIGNED =
  '{"requests":{"request_id":"200000000000000201"},"notifications":{"operation_type":"RequestSigningSuccess"}}';

async function postThrice(url: string): Promise<void> {
  for (let i = 0; i < 3; i++) await fetch(url, { method: "POST", body: SIGNED, headers: json });
}

const OURS: readonly Product[] = products.filter(({ id }) =>
  [
    "books",
    "inventory",
    "invoice",
    "expense",
    "subscriptions",
    "payments",
    "sign",
    "mail",
    "salesiq",
    "cliq",
    "zeptomail",
    "webinar",
    "connect",
  ].includes(id),
);

const SCHEMES = [
  ["books", "invoice"],
  ["payments", "payment.succeeded"],
  ["sign", "RequestCompleted"],
  ["mail", "message"],
  ["salesiq", "conversation.rated"],
  ["cliq", "invocation"],
  ["zeptomail", "softbounce"],
  ["webinar", "webhook"],
] as const;
