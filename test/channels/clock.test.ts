import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/channels/expiry.ts";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import { type ChannelWorld, HOOK, startChannelWorld } from "../support/channel-world.ts";

let world: ChannelWorld;
beforeEach(async () => {
  world = await startChannelWorld();
});
afterEach(() => world.close());

const LIFETIME_MS = 7 * DAY_MS - HOUR_MS;
/** Time left of the only channel, by Zoho's clock. */
const leftMs = (): number => (world.server.watch.rows()[0]?.expiresAt ?? 0) - world.clock.now().getTime();
const off = (ms: number) => ({ now: () => new Date(world.clock.now().getTime() + ms) });
const AHEAD = 2 * HOUR_MS;

describe("with a wrong clock", () => {
  it.each([
    [3 * DAY_MS, [], LIFETIME_MS],
    [-3 * DAY_MS, [], LIFETIME_MS],
    [3 * DAY_MS, ["--expires", "2h"], 2 * HOUR_MS],
    [-3 * DAY_MS, ["--expires", "2h"], 2 * HOUR_MS],
    [3 * DAY_MS, ["--expires", "2026-03-05T09:00:00Z"], 4 * DAY_MS],
  ] as const)("create gives a channel the end that was meant: %i ms ahead, %j", async (ms, argv, endsAfterMs) => {
    const { exitCode, err } = await world.channels(["create", "Leads.create", "--url", HOOK, ...argv], off(ms));
    expect([exitCode, leftMs()]).toEqual([0, endsAfterMs]);
    expect(err).not.toContain("granted");
  });

  it("create keeps the channel if Zoho rejects the corrected end", async () => {
    const body = { watch: [{ code: "NO_PERMISSION", details: {}, message: "no", status: "error" }] };
    const isSecond = ({ method }: ApiRequest): boolean => method === "POST" && world.server.watch.rows().length > 0;
    world.server.trouble({ status: 403, body }, 1, isSecond);
    const argv = ["create", "Leads.create", "--url", HOOK];
    const { exitCode, err } = await world.channels(argv, off(-3 * DAY_MS));
    expect([exitCode, leftMs()]).toEqual([0, LIFETIME_MS - 3 * DAY_MS]);
    expect(err).toContain("Zoho granted 3d 23h instead of 6d 23h");
  });

  it("create grants the whole lifetime, and warns that the clock is ahead", async () => {
    const argv = ["create", "Leads.create", "--url", "https://abc.example/h"];
    const { exitCode, out, err } = await world.channels(argv, off(AHEAD));
    expect([exitCode, leftMs()]).toEqual([0, LIFETIME_MS]);
    expect(out).toContain("(6d 23h left)");
    expect(err).toContain("your clock is 2h ahead of Zoho's");
    expect(err).not.toContain("granted");
  });

  it.each([AHEAD, -AHEAD])("renew grants the whole lifetime: %i ms ahead", async (ms) => {
    await world.create("--id", "1", "--expires", "6d");
    const { exitCode, out, err } = await world.channels(["renew", "--json"], off(ms));
    expect([exitCode, leftMs()]).toEqual([0, LIFETIME_MS]);
    expect(out).toContain(`"time_left_ms":${LIFETIME_MS}`);
    expect(out).toContain(`2h ${ms > 0 ? "ahead of" : "behind"} Zoho's`);
    expect(world.requests("PUT")).toHaveLength(1);
    expect(err).toBe("");
  });

  it("list shows the time left by Zoho's clock", async () => {
    await world.create("--id", "1", "--expires", "3h");
    const { exitCode, out } = await world.channels(["list", "--expiring", "2h", "--json"], off(AHEAD));
    expect(exitCode).toBe(0);
    expect(out).not.toContain('"listed"');
  });

  it("renew --every does not shorten a channel either", async () => {
    await world.create("--id", "1", "--expires", "1h");
    const stop = new AbortController();
    const { exitCode } = await world.channels(["renew", "--every", "--json"], {
      ...off(AHEAD),
      sleep: world.clock.wait,
      signal: stop.signal,
      onOut: (text) => void (text.includes('"renewed"') && stop.abort()),
    });
    expect([exitCode, leftMs(), world.requests("PUT").length]).toEqual([0, LIFETIME_MS, 1]);
  });

  it("renew --every is in time although the clock is corrected meanwhile", async () => {
    await world.create("--id", "1");
    let aheadMs = 3 * DAY_MS;
    const stop = new AbortController();
    const { lines } = await world.channels(["renew", "1", "--every", "--json"], {
      now: () => new Date(world.clock.now().getTime() + aheadMs),
      sleep: (_ms, signal) => {
        aheadMs = 0;
        return world.clock.sleep(6 * HOUR_MS, signal);
      },
      signal: stop.signal,
      onOut: (text) => void (text.includes('"channel"') && stop.abort()),
    });
    expect(lines().flatMap(({ type, state }) => (type === "channel" ? [state] : []))).toEqual(["renewed"]);
  });

  it("renew restores an end that Zoho shortened, if Zoho sends no time", async () => {
    await world.create("--id", "1");
    world.server.hideClock();
    const { exitCode, err } = await world.channels(["renew"], off(AHEAD));
    expect([exitCode, leftMs()]).toEqual([7, LIFETIME_MS]);
    expect(err).toContain("(2026-03-08T08:00:00+00:00 → 2026-03-01T10:00:00+00:00); its previous expiry was restored");
    expect(err).toContain("this machine's clock says 2026-03-01T11:00:00+00:00: if it is ahead, correct it");
  });
});
