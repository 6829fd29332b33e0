import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/channels/expiry.ts";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { tempFolder } from "../support/run.ts";
import { TestClock } from "../support/test-clock.ts";
import { startTestTunnel, type TestTunnel } from "../support/test-tunnel.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const RECORD = "5725767000003000064";
let tunnel: TestTunnel;
let zoho: ZohoServer;
let clock: TestClock;
let listener: Listener | undefined;

beforeEach(async () => {
  clock = new TestClock();
  [tunnel, zoho] = await Promise.all([startTestTunnel(), startZohoServer(clock.now)]);
});
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
  await zoho.close();
  await tunnel.close();
});

async function listen(argv: readonly string[], scopes: readonly string[]): Promise<Listener> {
  listener = await startListener(argv, {
    now: clock.now,
    sleep: clock.wait,
    cwd: tempFolder(),
    overrides: tunnel.overrides,
    env: {
      ZOHO_HOOKS_TUNNEL: "ngrok",
      NGROK_AUTHTOKEN: "a-token-of-the-test",
      ZOHO_CLIENT_ID: zoho.accounts.clientId,
      ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
      ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken(scopes),
      ZOHO_ACCOUNTS_URL: zoho.url,
      ZOHO_API_URL: zoho.url,
    },
  });
  return listener;
}

const linesOf = (of: Listener, type: string) => of.lines().filter((line) => line.type === type);
const statesOf = (of: Listener): unknown[] => linesOf(of, "channel").map(({ state }) => state);
const watchCalls = (path: string): readonly ApiRequest[] => zoho.requests.filter((each) => each.path === path);

describe.each([
  {
    product: "bigin",
    event: "Contacts.create",
    path: "/bigin/v2/actions/watch",
    scopes: ["ZohoBigin.notifications.ALL", "ZohoBigin.modules.READ"],
    idIs: /"channel_id":"\d+"/,
  },
  {
    product: "recruit",
    event: "Candidates.create",
    path: "/recruit/v2/actions/watch",
    // A `.ALL` scope is not documented.
    scopes: [
      ...["READ", "CREATE", "UPDATE", "DELETE"].map((each) => `ZohoRecruit.notifications.${each}`),
      "ZohoRecruit.modules.READ",
    ],
    idIs: /"channel_id":\d+,/,
  },
])("listen --channel $product:…", ({ product, event, path, scopes, idIs }) => {
  const start = () => listen(["--channel", `${product}:${event}`, "--expand"], scopes);

  it("creates, receives, verifies, expands, renews and deletes, with the product's calls only", async () => {
    const of = await start();
    const [row] = zoho.watch.rows();
    expect(row).toMatchObject({ notifyUrl: `${tunnel.url}/webhooks/zoho/${product}`, events: [event] });
    const sent = watchCalls(path)[0]?.json as { watch: Record<string, unknown>[] } | undefined;
    const [item] = sent?.watch ?? [];
    expect(Object.keys(item ?? {})).toEqual(["channel_id", "events", "channel_expiry", "token", "notify_url"]);
    expect(watchCalls(path)[0]?.text).toMatch(idIs);
    expect(linesOf(of, "ready")[0]).toMatchObject({
      registered: [{ product, id: row?.channelId, events: [event], time_left_ms: DAY_MS - HOUR_MS }],
    });

    const { id } = zoho.create(product, event.split(".")[0] ?? "", { Last_Name: "Boyle" });
    expect(await of.event(1)).toMatchObject({ product, format: "wire", event, schema: { ok: true } });
    expect((await of.event(1)).signatures).toContainEqual(
      expect.objectContaining({ id: "token", result: "verified", reason: `the token is channel ${row?.channelId}` }),
    );
    await expect.poll(() => linesOf(of, "record")).toMatchObject([{ product, record: { id } }]);

    clock.advance(0.81 * (DAY_MS - HOUR_MS));
    await expect.poll(() => statesOf(of)).toEqual(["created", "renewed"]);
    expect(watchCalls(path).some(({ method }) => method === "PATCH")).toBe(false);
    expect(zoho.watch.rows()[0]?.expiresAt).toBeGreaterThan(row?.expiresAt ?? 0);
    expect(zoho.watch.rows()[0]?.token).toBe(row?.token);
    expect(await zoho.notify(event, ["5725767000003000071"])).toEqual([200]);

    expect((await of.stop()).exitCode).toBe(0);
    expect(statesOf(of)).toEqual(["created", "renewed", "deleted"]);
    expect(zoho.watch.rows()).toEqual([]);
    const calls = zoho.requests.filter((each) => each.path.endsWith("/actions/watch"));
    expect(new Set(calls.map((each) => each.path))).toEqual(new Set([path]));
  });

  it("renews it when Zoho has made it older, and creates it again when that made it expire", async () => {
    const of = await start();
    zoho.advance(20 * HOUR_MS);
    clock.advance(3000);
    await expect.poll(() => statesOf(of)).toEqual(["created", "renewed"]);
    zoho.advance(DAY_MS);
    clock.advance(3000);
    await expect.poll(() => statesOf(of)).toEqual(["created", "renewed", "lost", "created"]);
    expect(linesOf(of, "channel")[2]?.reason).toBe("it expired: Zoho no longer lists it");
  });

  it.each([
    ["a wrong token", { token: "of-a-stranger" }],
    ["no token", {}],
  ])("rejects a notification with %s", async (_, more) => {
    const of = await start();
    const [row] = zoho.watch.rows();
    const body = { module: row?.module, operation: "insert", ids: [RECORD], channel_id: row?.channelId, ...more };
    const headers = { "content-type": "application/json" };
    const posted = await fetch(row?.notifyUrl ?? "", { method: "POST", body: JSON.stringify(body), headers });
    expect(posted.status).toBe(401);
    await of.stop();
    expect(zoho.requests.some((each) => each.path.includes(RECORD))).toBe(false);
  });

  it("names the scope to sign in with if records cannot be read", async () => {
    const of = await listen(["--channel", `${product}:${event}`, "--expand"], scopes.slice(0, -1));
    await zoho.notify(event, [RECORD]);
    await expect.poll(() => linesOf(of, "record").length).toBe(1);
    const scope = scopes.at(-1);
    expect(linesOf(of, "record")[0]).toMatchObject({
      error: expect.stringContaining(`lacks the scope ${scope}`),
      hint: expect.stringContaining("sign in again to grant it"),
    });
  });

  it("expands its notifications without a channel, too", async () => {
    const of = await listen(["--expand"], scopes);
    const [module = ""] = event.split(".");
    const { id } = zoho.create(product, module, { Last_Name: "Boyle" });
    const body = { module, operation: "insert", ids: [id], channel_id: "1" };
    await of.post(`/webhooks/zoho/${product}`, JSON.stringify(body), { "content-type": "application/json" });
    await expect.poll(() => linesOf(of, "record")).toMatchObject([{ product, module, record: { id } }]);
  });
});
