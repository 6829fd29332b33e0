import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { keyId } from "../../src/proofs/keys.ts";
import { startChild } from "../support/child.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";
import { freePort } from "../support/target.ts";
import { TestClock } from "../support/test-clock.ts";
import { testKeys } from "../support/test-secrets.ts";

const env = { ZOHO_WEBHOOK_PRIVATE_KEY: testKeys.privateKey };
const kid = keyId(createPublicKey(testKeys.publicKey));
const desk = (port: string | undefined, ...more: string[]): string[] => [
  ...["send", "desk", "Ticket_Add", "--format", "wire", "--to", String(port), "--json"],
  ...more,
];

let listener: Listener | undefined;
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

describe("send --serve-jwks", () => {
  it("serves the keys for an app that verifies with jose, and stops afterwards", async () => {
    const port = await freePort();
    const address = `http://127.0.0.1:${port}/.well-known/jwks.json`;
    const app = await startChild("jose-app.ts", [address]);
    await app.line(1);
    const { exitCode, out, err, lines } = await run(desk(app.lines[0], "--serve-jwks", String(port)), { env });
    expect(exitCode, out + err).toBe(0);
    expect(lines()[0]).toEqual({ v: 1, type: "key_set", url: address });
    expect(lines()[1]).toMatchObject({ type: "sent", status: 200 });
    expect(app.lines[1]).toMatch(/^passed orgId:\d+ webhookId:\d+$/);
    expect(out).not.toContain("warning");
    await expect(fetch(address)).rejects.toThrow();
  });

  it("waits for an app that answers first and checks after", async () => {
    const port = await freePort();
    const app = await startChild("jose-app.ts", [`http://127.0.0.1:${port}/.well-known/jwks.json`, "after"]);
    await app.line(1);
    const { out } = await run(desk(app.lines[0], "--serve-jwks", String(port)), { env });
    await app.line(2);
    expect(app.lines[1]).toMatch(/^passed /);
    expect(out).not.toContain("were not fetched");
  });

  it("warns when the keys were not fetched", async () => {
    const server = createServer((request, response) => {
      request.resume();
      response.end("OK");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const { exitCode, out } = await run(desk(String(port), "--serve-jwks", "0"), {
      env,
      sleep: new TestClock().sleep,
    });
    server.close();
    expect(exitCode).toBe(0);
    expect(out).toContain("were not fetched");
  });

  it.each([
    ["without a private key", ["desk", "Ticket_Add", "--format", "wire"], {}, "zoho-hooks keygen"],
    ["for what no private key signs", ["crm", "Leads.create"], env, "no delivery of crm is signed with a private key"],
    ["where nothing is sent", ["desk", "Ticket_Add", "--format", "wire", "--dry-run"], env, "--dry-run sends nothing"],
  ])("is refused %s", async (_name, argv, given, message) => {
    const { exitCode, err } = await run(["send", ...argv, "--serve-jwks", "0", "--to", "9"], { env: given });
    expect(exitCode).toBe(2);
    expect(err).toContain(message);
  });

  it("names the flag when its port is taken", async () => {
    listener = await startListener([]);
    const { exitCode, err } = await run(desk("9", "--serve-jwks", new URL(listener.url).port), { env });
    expect(exitCode).toBe(2);
    expect(err).toContain("--serve-jwks 4462");
  });
});

describe("listen --serve-jwks", () => {
  it("serves the public half of the key that send signs with, and nothing else of it", async () => {
    listener = await startListener(["--serve-jwks"], { env });
    const { jwks_url: address } = await listener.line("ready");
    const app = await startChild("jose-app.ts", [String(address)]);
    await app.line(1);
    const { exitCode, out } = await run(desk(app.lines[0]), { env });
    expect(exitCode, out).toBe(0);
    expect(app.lines[1]).toMatch(/^passed /);
    const response = await fetch(String(address));
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual({
      keys: [{ kty: "RSA", use: "sig", alg: "RS256", kid, n: expect.any(String), e: "AQAB" }],
    });
    expect((await fetch(String(address), { method: "POST", body: "{}" })).status).toBe(405);
  });

  it("tells a program of --exec where the keys are", async () => {
    const program =
      "fetch(process.env.ZOHO_HOOKS_JWKS_URL).then(({ status }) => process.exit(status === 200 ? 42 : 1))";
    const argv = ["listen", "--port", "0", "--serve-jwks", "--exec", `"${process.execPath}" -e "${program}"`];
    expect((await run(argv, { env: { ...env, PATH: process.env.PATH ?? "" } })).exitCode).toBe(42);
  });

  it("serves the keys of each product, and nothing without the flag", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = other.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    listener = await startListener(["--serve-jwks"], { env: { ...env, ZOHO_WEBHOOK_PRIVATE_KEY_CLIQ: pem } });
    const { jwks_url: address } = await listener.line("ready");
    const { keys } = (await (await fetch(String(address))).json()) as { keys: { kid: string }[] };
    expect(keys.map((key) => key.kid).sort()).toEqual([kid, keyId(other.publicKey)].sort());
    await listener.stop();
    listener = await startListener([], { env });
    expect(await listener.line("ready")).toMatchObject({ jwks_url: null });
    expect((await fetch(`${listener.url}/.well-known/jwks.json`)).status).toBe(404);
  });
});

describe("listen, when the keys at its JWKS address change,", () => {
  it("fetches them again for a new key, and rejects a key that stays unknown", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = other.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const served = await startListener(["--serve-jwks"], { env });
    const address = String((await served.line("ready")).jwks_url);
    let now = new Date("2026-03-01T09:00:00Z");
    listener = await startListener([], { env: { ZOHO_WEBHOOK_JWKS: address }, now: () => now });
    const port = new URL(listener.url).port;
    const send = (key: string) =>
      run(desk(port), { env: { ZOHO_WEBHOOK_PRIVATE_KEY: key }, now: () => now }).then(({ lines }) => lines()[0]);
    expect(await send(testKeys.privateKey)).toMatchObject({ status: 200 });
    now = new Date("2026-03-15T09:00:00Z");
    expect(await send(pem)).toMatchObject({ status: 401 });
    expect((await listener.event(2)).signatures).toMatchObject([{ result: "wrong_signature", match: "unknown_key" }]);
    await served.stop();
    const rotated = await startListener(["--serve-jwks", "--port", new URL(served.url).port], {
      env: { ZOHO_WEBHOOK_PRIVATE_KEY: pem },
    });
    now = new Date("2026-03-15T09:00:59Z");
    expect(await send(pem)).toMatchObject({ status: 401 });
    now = new Date("2026-03-15T09:01:00Z");
    const both = await Promise.all([send(pem), send(pem)]);
    expect(both).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(await send(testKeys.privateKey)).toMatchObject({ status: 401 });
    await rotated.stop();
  });
});
