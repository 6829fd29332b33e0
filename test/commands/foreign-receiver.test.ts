import { createHmac, randomUUID } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { CONFIG_FILE } from "../../src/config/settings.ts";
import { folderWith } from "../support/files.ts";
import { app, CRM, lead, listen } from "../support/forward-run.ts";
import type { Listener } from "../support/listener.ts";
import { hasPostgres, runSql, sharedAddress } from "../support/postgres.ts";
import { startTestTunnel } from "../support/test-tunnel.ts";

const KEY = { ZOHO_HOOKS_STORE_KEY: "a long random text of the tests" };
const SECRET = "a-secret-that-a-stranger-knows";
const MESSAGE = '{"messageId":"1"}';
const OFFER = { "x-hook-secret": SECRET };
const SIGNED = { "x-hook-signature": createHmac("sha256", SECRET).update(MESSAGE).digest("base64") };
const mail = async (to: Listener, headers: Record<string, string>) =>
  (await to.post("/webhooks/zoho/mail", MESSAGE, { "content-type": "application/json", ...headers })).status;

/** A listen in a project with these files, on a log of the user's. */
async function receiver(store: string, files: Record<string, string>, env = {}, argv: readonly string[] = []) {
  const tunnel = await startTestTunnel();
  onTestFinished(() => tunnel.close());
  const given = { ...KEY, ZOHO_HOOKS_STORE: store, ...env };
  return listen(argv, { cwd: folderWith(files), env: given, overrides: tunnel.overrides });
}

describe.runIf(hasPostgres)("a listen in a stranger's project, on a shared log of the user's", () => {
  it("keeps a secret that came through the project's tunnel from other receivers", async () => {
    const store = await sharedAddress(randomUUID());
    const clone = await receiver(store, { ".env": "NGROK_AUTHTOKEN=token-of-a-stranger\n" });
    expect(await mail(clone, OFFER)).toBe(200);
    expect(await mail(clone, SIGNED)).toBe(200);
    expect((await clone.event(2)).signatures).toMatchObject([{ result: "verified" }]);
    expect(await runSql(store, "SELECT name FROM secrets WHERE name LIKE 'secret:%'")).toEqual([]);
  });

  it("refuses a secret that came by the project's public URL, which other receivers may have, too", async () => {
    const store = await sharedAddress(randomUUID());
    const clone = await receiver(store, { [CONFIG_FILE]: '{"tunnel":{"publicUrl":"https://hooks.example.com"}}' });
    expect(await mail(clone, OFFER)).toBe(503);
    const { message, hint } = await clone.line("warning");
    expect(message).toContain("by tunnel.publicUrl in ");
    expect(hint).toContain("--public-url");
    expect(await runSql(store, "SELECT name FROM secrets WHERE name LIKE 'secret:%'")).toEqual([]);
  });

  it("does not have what waits from another project fail sooner than by default", async () => {
    const store = await sharedAddress(randomUUID());
    const slow = await app((response) => void setTimeout(() => response.end("OK"), 500));
    const project = await receiver(store, {}, {}, [slow.url, "--role", "receive"]);
    await project.post(CRM, lead(1));
    const config = { forwardTo: slow.url, retries: 0, retryBase: "10ms", forwardTimeout: "50ms" };
    const clone = await receiver(store, { [CONFIG_FILE]: JSON.stringify(config) });
    expect(await clone.line("forward")).toMatchObject({ n: 1, state: "delivered" });
    expect((await clone.line("warning")).message).toMatch(
      /not applied: .*retries in .*, .*retryBase in .*, .*forwardTimeout in /,
    );
  });
});

it.runIf(hasPostgres)(
  "a receiver that has a configured secret does not accept one that a sender gave to another receiver",
  async () => {
    const store = await sharedAddress(randomUUID());
    const other = await receiver(store, {}, { NGROK_AUTHTOKEN: "mine" });
    expect(await mail(other, OFFER)).toBe(200);
    const own = await receiver(store, {}, { ZOHO_WEBHOOK_HOOK_SECRET_MAIL: "the-users-own" });
    expect(await mail(own, SIGNED)).toBe(401);
    const without = await receiver(store, {});
    expect(await mail(without, SIGNED)).toBe(200);
  },
);
