import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HOUR_MS } from "../../src/channels/expiry.ts";
import { type ChannelWorld, HOOK, isWatch, startChannelWorld } from "../support/channel-world.ts";

let world: ChannelWorld;
beforeEach(async () => {
  world = await startChannelWorld();
});
afterEach(() => world.close());

const INVALID = { code: "INVALID_DATA", message: "invalid data", details: { api_name: "notify_url" } };
const idsTo = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => String(1001 + i));
/** Made by another machine, which expire one after the other. */
const createMany = async (count: number): Promise<void> => {
  const token = world.server.accounts.makeAccessToken(["ZohoCRM.notifications.ALL"]);
  const watch = idsTo(count).map((channel_id, i) => ({
    channel_id,
    events: ["Leads.edit"],
    notify_url: HOOK,
    token: "hush",
    channel_expiry: `${new Date(world.clock.now().getTime() + HOUR_MS + i * 1000).toISOString().slice(0, 19)}Z`,
  }));
  for (let at = 0; at < count; at += 50)
    await fetch(`${world.server.url}/crm/v8/actions/watch`, {
      method: "POST",
      headers: { authorization: `Zoho-oauthtoken ${token}` },
      body: JSON.stringify({ watch: watch.slice(at, at + 50) }),
    });
};
const renew = async (...argv: string[]) => {
  const { exitCode, lines, err } = await world.channels(["renew", "--json", ...argv]);
  return { exitCode, err, lines: lines(), channels: lines().filter(({ type }) => type === "channel") };
};
const sizes = () => world.requests("PUT").map(({ json }) => (json as { watch: unknown[] }).watch.length);
const renewedIds = () =>
  world.server.watch
    .rows()
    .filter(({ expiresAt }) => expiresAt > world.clock.now().getTime() + 24 * HOUR_MS)
    .map(({ channelId }) => channelId);

describe("channels renew of many channels", () => {
  it("reads and writes fifty at once, and reports each in order", async () => {
    await createMany(120);
    const { exitCode, channels } = await renew();
    expect([exitCode, sizes(), world.requests("GET").length]).toEqual([0, [50, 50, 20], 1 + 3]);
    expect(channels.map(({ id, state }) => [id, state])).toEqual(idsTo(120).map((id) => [id, "renewed"]));
    expect(renewedIds()).toEqual(idsTo(120));
    expect(world.server.watch.rows().every(({ token, notifyUrl }) => token === "hush" && notifyUrl === HOOK)).toBe(
      true,
    );
  });

  it("does not undo what changes before the second fifty are written", async () => {
    await createMany(60);
    const url = `${HOOK}/new`;
    let puts = 0;
    world.server.trouble("cut", 1, (request) => {
      if (isWatch("PUT")(request) && ++puts === 1)
        for (const row of world.server.watch.rows()) if (row.channelId === "1055") row.notifyUrl = url;
      return false;
    });
    expect((await renew()).exitCode).toBe(0);
    expect(world.server.watch.rows().find(({ channelId }) => channelId === "1055")?.notifyUrl).toBe(url);
  });

  it.each([
    ["in its result", false, [3]],
    ["by an answer for the whole request", true, [3, 1, 1, 1]],
  ])("renews the others if Zoho refuses one %s", async (_, whole, puts) => {
    await createMany(3);
    world.server.unusual.refuse("1002", INVALID, { whole });
    const { exitCode, channels } = await renew();
    expect([exitCode, sizes()]).toEqual([7, puts]);
    expect(channels.map(({ id, state }) => [id, state])).toEqual([
      ["1001", "renewed"],
      ["1002", "expiring"],
      ["1003", "renewed"],
    ]);
    expect(channels[1]?.reason).toMatch(/^Zoho refused to update channel 1002: .*INVALID_DATA/);
    expect(renewedIds()).toEqual(["1001", "1003"]);
  });

  it("reports a channel without a result, and reads an expiry that the answer lacks from one list", async () => {
    await createMany(3);
    const good = (channel_id: string) => ({ code: "SUCCESS", details: { channel_id }, status: "success" });
    world.server.trouble({ status: 200, body: { watch: [good("1001"), good("1003")] } }, 1, isWatch("PUT"));
    let lists = 0;
    world.server.trouble("cut", 1, (request) => {
      if (isWatch("GET")(request) && ++lists === 3)
        for (const row of world.server.watch.rows()) row.expiresAt += 48 * HOUR_MS;
      return false;
    });
    const { exitCode, channels } = await renew();
    expect([exitCode, lists]).toEqual([7, 3]);
    expect(channels.map(({ id, state }) => [id, state])).toEqual([
      ["1001", "renewed"],
      ["1002", "expiring"],
      ["1003", "renewed"],
    ]);
    expect(channels[1]?.reason).toBe("Zoho's answer has no result for channel 1002");
  });

  it("writes nothing more after Zoho has limited the rate", async () => {
    await world.create("--id", "1", "--expires", "1h");
    world.clock.advance(2 * HOUR_MS);
    await createMany(2);
    world.server.trouble({ status: 429, body: { code: "TOO_MANY_REQUESTS" } }, 99, isWatch("PUT"));
    const created = world.requests("POST").length;
    const { exitCode, channels } = await renew();
    expect([exitCode, channels.map(({ id, state }) => [id, state])]).toEqual([
      7,
      [
        ["1", "lost"],
        ["1001", "expiring"],
        ["1002", "expiring"],
      ],
    ]);
    expect(channels[0]?.reason).toContain("too many requests");
    expect(world.requests("POST")).toHaveLength(created);
    expect(new Set(sizes())).toEqual(new Set([2]));
  });

  it("warns once of all that may have been renewed if the answer is lost", async () => {
    await createMany(2);
    world.server.trouble("cut", 4, isWatch("PUT"));
    const { exitCode, lines } = await renew();
    expect([exitCode, lines.filter(({ type }) => type === "warning").map(({ message }) => message)]).toEqual([
      7,
      ["channels 1001, 1002 may have been renewed: Zoho did not answer"],
    ]);
  });

  it("shows one request for fifty with --dry-run, and says what it would renew until when", async () => {
    await createMany(60);
    const { exitCode, lines } = await renew("--dry-run");
    const shown = lines.map(({ type, method, body }) => [type, method, JSON.parse(String(body)).watch.length]);
    expect([exitCode, shown, sizes()]).toEqual([
      0,
      [
        ["api_request", "PUT", 50],
        ["api_request", "PUT", 10],
      ],
      [],
    ]);
    const { err } = await world.channels(["renew", "--dry-run"]);
    expect(err).toContain(`would renew channels ${idsTo(60).join(", ")} until 2026-03-08T08:00:00+00:00`);
  });

  it("says with --dry-run what it would create again, and what it would leave as it is", async () => {
    await world.create("--id", "1", "--expires", "1h");
    world.clock.advance(2 * HOUR_MS);
    await world.create("--id", "2");
    const before = world.server.requests.length;
    const { exitCode, out, err } = await world.channels(["renew", "--dry-run"]);
    expect([exitCode, err]).toEqual([
      0,
      "would create channel 1 again, until 2026-03-08T10:00:00+00:00\n" +
        "would leave channel 2 as it is: it expires at 2026-03-08T10:00:00+00:00\n",
    ]);
    expect(out).toContain("POST ");
    expect(world.server.requests.slice(before).every(({ method }) => method === "GET")).toBe(true);
  });
});
