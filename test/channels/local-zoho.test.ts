import { afterEach, beforeEach, expect, it } from "vitest";
import { managedProducts } from "../../src/zoho-webhooks/index.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "../support/run.ts";
import { startTestTunnel, type TestTunnel } from "../support/test-tunnel.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const LEAD = "5725767000003000064";
const SCOPES = [...ALL_SCOPES, ...managedProducts.flatMap(({ loginScopes }) => loginScopes)];
let zoho: ZohoServer;
let tunnel: TestTunnel;
let cwd: string;
let env: Record<string, string>;
let listener: Listener | undefined;

/** A user with an emulator on this machine, and an account at ngrok. */
beforeEach(async () => {
  [tunnel, zoho] = await Promise.all([startTestTunnel(), startZohoServer()]);
  cwd = tempFolder();
  env = {
    NGROK_AUTHTOKEN: "a-token-of-the-test",
    ZOHO_KEYRING: "off",
    ZOHO_CLIENT_ID: zoho.accounts.clientId,
    ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
    ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken(SCOPES),
    ZOHO_ACCOUNTS_URL: zoho.url,
    ZOHO_API_URL: zoho.url,
  };
});
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
  await Promise.all([zoho.close(), tunnel.close()]);
});

const options = (): RunOptions => ({ cwd, env, overrides: tunnel.overrides });
const cli = (...argv: string[]): Promise<RunResult> => run(argv, options());
const listen = async (...argv: string[]): Promise<Listener> => {
  listener = await startListener(argv, options());
  return listener;
};
const notifyUrls = (): unknown[] => zoho.watch.rows().map(({ notifyUrl }) => notifyUrl);

it("listen --channel gives a local Zoho the receiver's own URL, and opens no tunnel", async () => {
  const of = await listen("--channel", "Leads.create");
  expect(tunnel.isOpen).toBe(false);
  expect(notifyUrls()).toEqual([`${of.url}/webhooks/zoho/crm`]);
  expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
  expect((await of.event(1)).signatures).toContainEqual(expect.objectContaining({ id: "token", result: "verified" }));
  expect(of.lines().filter(({ type }) => type === "warning")).toEqual([]);
  const { err } = await of.stop();
  expect(err).toBe("");
  expect(zoho.watch.rows()).toEqual([]);
});

it("listen --channel uses the receiver's loopback address where it listens on all", async () => {
  const of = await listen("--channel", "Leads.create", "--host", "0.0.0.0");
  expect(notifyUrls()).toEqual([`${of.url.replace("0.0.0.0", "127.0.0.1")}/webhooks/zoho/crm`]);
  expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
});

it.each([
  ["--tunnel none", ["--tunnel", "none"], false],
  ["--tunnel ngrok", ["--tunnel", "ngrok"], true],
  ["--domain", ["--domain", "hooks.example"], true],
])("listen --channel with a local Zoho heeds %s", async (_, argv, opens) => {
  const of = await listen("--channel", "Leads.create", ...argv);
  expect(tunnel.isOpen).toBe(opens);
  expect(notifyUrls()).toEqual([`${opens ? tunnel.url : of.url}/webhooks/zoho/crm`]);
});

it("listen with a local Zoho does not offer a tunnel", async () => {
  delete env.NGROK_AUTHTOKEN;
  const interrupt = new AbortController();
  const { err } = await run(["listen", "--port", "0", "-v"], {
    ...options(),
    signal: interrupt.signal,
    onErr: (text) => void (text.includes("Ready.") && interrupt.abort()),
  });
  expect(err).toContain("Ready.");
  expect(err).not.toMatch(/ngrok|public/i);
});

it("channels create takes the local URL of the running listen", async () => {
  const of = await listen();
  const { exitCode, err } = await cli("channels", "create", "Leads.create");
  expect(exitCode).toBe(0);
  expect(err).not.toContain("Zoho may not");
  expect(notifyUrls()).toEqual([`${of.url}/webhooks/zoho/crm`]);
  expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
  expect((await of.event(1)).signatures).toContainEqual(expect.objectContaining({ id: "token", result: "verified" }));
  const id = zoho.watch.rows()[0]?.channelId ?? "";
  const updated = await cli(
    "channels",
    "create",
    "Leads.create",
    "--id",
    id,
    "--url",
    `${of.url}/webhooks/zoho/crm?n=1`,
  );
  expect([updated.exitCode, updated.err]).toEqual([0, ""]);
  expect((await cli("channels", "delete", "--dead", "--yes")).err).toContain(
    "no Zoho CRM channel that was created here posts to",
  );
});

it("channels create without a running listen says how to start one, without a tunnel", async () => {
  const { exitCode, err } = await cli("channels", "create", "Leads.create");
  expect(exitCode).toBe(2);
  expect(err).toBe(
    "error: --url is required: no listener is running in this project\n" +
      "  add --url http://…, or start one: zoho-hooks listen\n",
  );
});

it("counts a profile whose servers are local", async () => {
  const { ZOHO_API_URL: _, ZOHO_REFRESH_TOKEN: __, ...login } = env;
  const signedIn = await run(["login", "--code", zoho.accounts.makeCode(ALL_SCOPES)], { cwd, env: login });
  expect(signedIn.exitCode, signedIn.err).toBe(0);
  env = { NGROK_AUTHTOKEN: "a-token-of-the-test", ZOHO_KEYRING: "off" };
  expect((await cli("whoami")).out).toContain("default");
  const of = await listen("--channel", "Leads.create");
  expect(tunnel.isOpen).toBe(false);
  expect(notifyUrls()).toEqual([`${of.url}/webhooks/zoho/crm`]);
  expect((await cli("channels", "create", "Deals.create")).exitCode).toBe(0);
  expect(notifyUrls()).toEqual([`${of.url}/webhooks/zoho/crm`, `${of.url}/webhooks/zoho/crm`]);
});

it.each([
  ["desk", "Ticket_Add", () => zoho.desk.hooks[0]?.body.url],
  ["books", "invoice", () => zoho.finance.hooks[0]?.body.url],
  ["sign", "Completed", () => zoho.sign.hooks[0]?.form.webhook_url],
])("webhooks create --product %s takes the local URL of the running listen", async (product, event, url) => {
  const of = await listen();
  const { exitCode, err } = await cli("webhooks", "create", event, "--product", product);
  expect(exitCode, err).toBe(0);
  expect(err).not.toContain("Zoho may not");
  expect(url()).toBe(`${of.url}/webhooks/zoho/${product}`);
});

it("doctor does not ask for a tunnel", async () => {
  await listen("--channel", "Leads.create");
  const { out } = await cli("doctor", "-v");
  expect(out).toMatch(/ngrok\.token +not needed: Zoho is on this machine/);
  expect(out).toMatch(/✓ channels/);
  expect(out).not.toMatch(/for a public URL/);
});
