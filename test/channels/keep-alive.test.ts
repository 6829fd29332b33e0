import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ChannelConfig } from "../../src/channels/channel.ts";
import { requireSuccess } from "../../src/channels/client.ts";
import { DAY_MS, endAfter, HOUR_MS } from "../../src/channels/expiry.ts";
import { type ChannelChange, type KeepAliveOptions, keepAlive } from "../../src/channels/keep-alive.ts";
import { channelMemory } from "../../src/channels/memory.ts";
import { writeRenewals } from "../../src/channels/renew.ts";
import { zohoTime } from "../../src/zoho-api/time.ts";
import { failureOf, type Rig, startRig } from "../support/zoho-client.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rig.close();
});

const config: ChannelConfig = {
  id: "1105420521999070702",
  events: ["Leads.all"],
  notifyUrl: "https://abc.example/hook",
  token: "a-token",
  related: false,
  conditions: [],
};
const isWatch = (method: string) => (request: { method: string; path: string }) =>
  request.method === method && request.path.endsWith("/watch");

/** Runs the loop over simulated days. `gaps`: how often, on any tick of the clock, the channel was not alive. */
async function live(days: number, options: Partial<KeepAliveOptions> = {}) {
  const controller = new AbortController();
  const changes: (ChannelChange & { at: number })[] = [];
  const end = rig.clock.now().getTime() + days * DAY_MS;
  let gaps = 0;
  rig.clock.onAdvance(() => {
    if (changes.length > 0 && !rig.server.watch.isAlive(config.id)) gaps++;
    if (rig.clock.now().getTime() >= end) controller.abort();
  });
  const { lifetimeMs = 7 * DAY_MS - HOUR_MS, now = rig.clock.now } = options;
  const memory = channelMemory(rig.folder, { profile: "test", product: "crm" }, () => new Date());
  const access = { client: rig.client(), memory, now, command: (words: string) => words };
  const done = keepAlive({
    id: config.id,
    lifetimeMs,
    expiresAt: undefined,
    now,
    sleep: rig.clock.sleep,
    signal: controller.signal,
    async renew(from, onLost) {
      const renewal = { config, from, isGone: from === undefined };
      const renewing = { end: () => endAfter(lifetimeMs, now()), isOwned: true, onLost };
      return requireSuccess(await writeRenewals(access, [renewal], renewing));
    },
    poll: async () => undefined,
    pollMs: DAY_MS,
    onChange: (change) => changes.push({ ...change, at: rig.clock.now().getTime() }),
    ...options,
  });
  await done;
  return { changes, gaps, types: changes.map((change) => change.type) };
}

describe("keepAlive", () => {
  it("keeps a channel for a month without a gap: over token refreshes, a network cut and a rejected renewal", async () => {
    // No network for two hours around the second renewal; the fourth is rejected once.
    const renewals = new Set<number>();
    let cutUntil = 0;
    rig.server.trouble("cut", 100_000, (request) => {
      if (isWatch("PUT")(request)) renewals.add(Math.floor(request.at / DAY_MS));
      if (renewals.size === 2 && cutUntil === 0) cutUntil = request.at + 2 * HOUR_MS;
      return request.at < cutUntil;
    });
    const refusal = { watch: [{ code: "INVALID_DATA", message: "invalid data", details: {}, status: "error" }] };
    rig.server.trouble({ status: 400, body: refusal }, 1, (request) => isWatch("PUT")(request) && renewals.size === 4);
    const { changes, gaps, types } = await live(30);
    expect(gaps).toBe(0);
    expect(types).not.toContain("lost");
    expect(types).toContain("expiring");
    expect(rig.server.requests.filter(isWatch("POST"))).toHaveLength(2);
    expect(types[0]).toBe("created");
    expect(types.filter((type) => type === "renewed").length).toBeGreaterThanOrEqual(5);
    expect(rig.server.tokenRequests().length).toBeGreaterThan(4);
    for (const change of changes) {
      if (change.type === "renewed") expect(change.expiresAt?.getTime()).toBeGreaterThan(change.from?.getTime() ?? 0);
    }
    expect(rig.server.watch.isAlive(config.id)).toBe(true);
  });
});

describe("keepAlive, case by case,", () => {
  it("renews at 75 to 80 % of the lifetime, by a PUT of the whole channel", async () => {
    const { changes, types } = await live(12);
    expect(types).toEqual(["created", "renewed", "renewed"]);
    const lifetimeMs = 7 * DAY_MS - HOUR_MS;
    const [created, renewed] = changes;
    const part = ((renewed?.at ?? 0) - (created?.at ?? 0)) / lifetimeMs;
    expect(part).toBeGreaterThanOrEqual(0.75);
    expect(part).toBeLessThanOrEqual(0.8);
    const [put] = rig.server.requests.filter(isWatch("PUT"));
    expect(put?.json).toMatchObject({
      watch: [{ channel_id: config.id, token: "a-token", notify_on_related_action: false, events: ["Leads.all"] }],
    });
  });

  it("retries during a network cut, and reports each failure with the time left", async () => {
    // Three hours without network, from the moment of the first renewal.
    let cutUntil: number | undefined;
    rig.server.trouble("cut", 100_000, (request) => {
      if (cutUntil === undefined && request.method === "PUT") cutUntil = request.at + 3 * HOUR_MS;
      return cutUntil !== undefined && request.at < cutUntil;
    });
    const { changes, gaps, types } = await live(7);
    expect(gaps).toBe(0);
    expect(types[0]).toBe("created");
    expect(types.at(-1)).toBe("renewed");
    const failures = changes.filter((change) => change.type === "expiring");
    expect(failures.length).toBeGreaterThan(10);
    expect(failures.length).toBeLessThan(30);
    expect(failures.every((change) => change.expiresAt.getTime() > change.at)).toBe(true);
  });

  it("retries more often towards the end, and succeeds when the network is back in the last minute", async () => {
    const expiresAt = new Date(rig.clock.now().getTime() + 3 * HOUR_MS);
    await rig.client().create([{ config, expiresAt }]);
    rig.server.trouble("cut", 100_000, (request) => request.at < expiresAt.getTime() - 60_000);
    const { gaps, types } = await live(0.25, { expiresAt });
    expect(gaps).toBe(0);
    expect(types).not.toContain("lost");
    expect(types.at(-1)).toBe("renewed");
  });

  it("creates the channel again under its id when Zoho rejects the renewal", async () => {
    const refusal = { watch: [{ code: "INVALID_DATA", message: "invalid data", details: {}, status: "error" }] };
    rig.server.trouble({ status: 400, body: refusal }, 1, isWatch("PUT"));
    const { gaps, types } = await live(7);
    expect(gaps).toBe(0);
    expect(types).toEqual(["created", "renewed"]);
    expect(rig.server.requests.filter(isWatch("POST"))).toHaveLength(2);
  });

  it("creates nothing if the sign-in may not renew it", async () => {
    const expiresAt = new Date(rig.clock.now().getTime() + 2 * HOUR_MS);
    await rig.client().create([{ config, expiresAt }]);
    const refusal = { watch: [{ code: "NO_PERMISSION", message: "permission denied", details: {}, status: "error" }] };
    rig.server.trouble({ status: 207, body: refusal }, 100_000, isWatch("PUT"));
    const { changes } = await live(1 / 12 - 0.001, { expiresAt });
    expect(new Set(changes.map(({ type }) => type))).toEqual(new Set(["expiring"]));
    expect(rig.server.requests.filter(isWatch("POST"))).toHaveLength(1);
  });

  it("limits its rate however short the lifetime is", async () => {
    await live(0.001, { lifetimeMs: 1000 });
    expect(rig.server.requests.filter(isWatch("PUT")).length).toBeLessThan(15);
  });

  it("reports a lost channel, and creates it again from its configuration", async () => {
    let dropped = false;
    rig.clock.onAdvance(() => {
      if (!dropped && rig.clock.now().getTime() > Date.parse("2026-03-03T00:00:00Z")) {
        rig.server.watch.drop(config.id);
        dropped = true;
      }
    });
    const { changes, types } = await live(8);
    expect(types).toEqual(["created", "lost", "created"]);
    expect(changes[1]).toMatchObject({ error: { code: "not_subscribed" } });
    expect(rig.server.watch.rows()[0]).toMatchObject({ token: "a-token", related: false });
  });

  it("does not accept a renewal whose end is not later", async () => {
    // Zoho accepts every write without changing the end.
    const expiresAt = new Date(rig.clock.now().getTime() + 2 * HOUR_MS);
    const stale = { channel_id: config.id, channel_expiry: zohoTime(expiresAt) };
    const body = { watch: [{ code: "SUCCESS", details: { events: [stale] }, message: "ok", status: "success" }] };
    rig.server.trouble({ status: 200, body }, 100_000, (request) => request.path.endsWith("/watch"));
    const { changes, types } = await live(0.25, { expiresAt });
    expect(types).not.toContain("renewed");
    expect(changes.find((change) => change.type === "expiring")).toMatchObject({ error: { code: "not_renewed" } });
    expect(types.filter((type) => type === "lost")).toHaveLength(1);
    expect(rig.server.requests.length).toBeLessThan(600);
  });

  it("warns when Zoho grants an hour, and renews by that", async () => {
    const { changes, gaps } = await live(0.5, { lifetimeMs: 8 * DAY_MS });
    expect(gaps).toBe(0);
    expect(changes[0]).toMatchObject({ type: "created" });
    expect(changes[0]?.type === "created" && changes[0].warning).toContain("granted 1h instead of 8d");
    expect(changes.length).toBeGreaterThan(10);
  });

  it("restores the end of a channel that Zoho shortened, and renews it when the grant is later", async () => {
    const expiresAt = new Date(rig.clock.now().getTime() + 2 * HOUR_MS);
    await rig.client().create([{ config, expiresAt }]);
    const { changes, gaps, types } = await live(0.25, { lifetimeMs: 8 * DAY_MS, expiresAt, isDue: true });
    expect(gaps).toBe(0);
    expect(changes[0]).toMatchObject({ type: "expiring", expiresAt, error: { code: "not_renewed" } });
    const renewed = types.indexOf("renewed");
    expect(types.slice(0, renewed).every((type) => type === "expiring")).toBe(true);
    expect(types.slice(renewed).every((type) => type === "renewed")).toBe(true);
    expect(changes[renewed]).toMatchObject({ from: expiresAt, warning: expect.stringContaining("instead of 8d") });
  });

  it("reports a wrong clock when the granted end is past by it", async () => {
    const ahead = () => new Date(rig.clock.now().getTime() + 2 * HOUR_MS);
    const { changes, gaps } = await live(0.5, { now: ahead });
    expect(gaps).toBe(0);
    const [first] = changes;
    expect(first?.type === "lost" && String(first.error)).toContain("this machine's clock says");
    expect(first).toMatchObject({ error: { hint: expect.stringContaining("correct the clock") } });
  });

  it("fails with the error of the sign-in if that lost the channel", async () => {
    const expiresAt = new Date(rig.clock.now().getTime() + 2 * HOUR_MS);
    await rig.client().create([{ config, expiresAt }]);
    const dead = { status: 200, body: { error: "invalid_code" } };
    rig.server.trouble(dead, 100_000, (request) => request.path === "/oauth/v2/token");
    const changes: ChannelChange[] = [];
    const failure = await failureOf(live(30, { expiresAt, onChange: (change) => changes.push(change) }));
    expect(failure).toMatchObject({ exitCode: 6, code: "invalid_code" });
    expect(changes.some((change) => change.type === "expiring")).toBe(true);
    expect(changes.at(-1)?.type).toBe("lost");
    expect(changes.filter((change) => change.type === "lost")).toHaveLength(1);
  });

  it("does not report a dead sign-in every quarter of an hour while the channel lasts", async () => {
    const dead = { status: 200, body: { error: "invalid_code" } };
    const start = rig.clock.now().getTime();
    rig.server.trouble(dead, 100_000, ({ path, at }) => path === "/oauth/v2/token" && at > start + DAY_MS);
    const changes: ChannelChange[] = [];
    await failureOf(live(8, { onChange: (change) => changes.push(change) }));
    expect(changes.filter(({ type }) => type === "expiring").length).toBeGreaterThan(10);
    expect(changes.length).toBeLessThan(50);
  });

  it("creates it again after the accounts server was down, which is no failure of the sign-in", async () => {
    const start = rig.clock.now().getTime();
    const expiresAt = new Date(start + 2 * HOUR_MS);
    await rig.client().create([{ config, expiresAt }]);
    rig.server.state.accounts.accessTokens = {};
    rig.server.trouble(
      { status: 503, body: "<html>" },
      100_000,
      ({ path, at }) => /token/.test(path) && at < start + 3 * HOUR_MS,
    );
    const { changes, types } = await live(0.25, { expiresAt });
    expect(types.slice(-2)).toEqual(["lost", "created"]);
    expect(changes[0]).toMatchObject({ type: "expiring", error: { exitCode: 7, hint: "try again in a while" } });
  });

  it("ends when its signal aborts, even while it sleeps", async () => {
    const controller = new AbortController();
    let napping: () => void = () => undefined;
    const asleep = new Promise<void>((resolve) => {
      napping = resolve;
    });
    const done = keepAlive({
      id: config.id,
      lifetimeMs: DAY_MS,
      expiresAt: new Date(rig.clock.now().getTime() + DAY_MS),
      now: rig.clock.now,
      sleep: (_ms, signal) =>
        new Promise((resolve) => {
          signal?.addEventListener("abort", () => resolve());
          napping();
        }),
      signal: controller.signal,
      renew: () => Promise.reject(new Error("not due")),
      poll: async () => undefined,
      pollMs: DAY_MS,
      onChange: () => undefined,
    });
    await asleep;
    controller.abort();
    await done;
  });
});
