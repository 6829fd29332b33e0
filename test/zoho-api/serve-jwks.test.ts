import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { keyId } from "../../src/signatures/keys.ts";
import { startChild } from "../support/child.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";
import { testKeys } from "../support/test-secrets.ts";

const env = { ZOHO_WEBHOOK_PRIVATE_KEY: testKeys.privateKey };
const kid = keyId(createPublicKey(testKeys.publicKey));
const desk = (port: string | undefined): string[] => [
  "send",
  "desk",
  "Ticket_Add",
  "--format",
  "wire",
  "--to",
  String(port),
  "--json",
];

let listener: Listener | undefined;
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

describe("listen with a private key", () => {
  it("serves the public half of the key that send signs with, and nothing else of it", async () => {
    listener = await startListener([], { env });
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
    const argv = ["listen", "--port", "0", "--exec", `"${process.execPath}" -e "${program}"`];
    expect((await run(argv, { env: { ...env, PATH: process.env.PATH ?? "" } })).exitCode).toBe(42);
  });

  it("serves the keys of each product, and nothing without one", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = other.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    listener = await startListener([], { env: { ...env, ZOHO_WEBHOOK_PRIVATE_KEY_CLIQ: pem } });
    const { jwks_url: address } = await listener.line("ready");
    const { keys } = (await (await fetch(String(address))).json()) as { keys: { kid: string }[] };
    expect(keys.map((key) => key.kid).sort()).toEqual([kid, keyId(other.publicKey)].sort());
    await listener.stop();
    listener = await startListener([]);
    expect(await listener.line("ready")).toMatchObject({ jwks_url: null });
    const none = await fetch(`${listener.url}/.well-known/jwks.json`);
    expect([none.status, await none.text()]).toEqual([404, expect.stringContaining("ZOHO_WEBHOOK_PRIVATE_KEY")]);
  });
});

describe("listen, when the keys at its JWKS address change,", () => {
  it("fetches them again for a new key, and rejects a key that stays unknown", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = other.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const served = await startListener([], { env });
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
    const rotated = await startListener(["--port", new URL(served.url).port], {
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
