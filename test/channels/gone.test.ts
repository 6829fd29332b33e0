import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/channels/expiry.ts";
import { type ChannelWorld, HOOK, isWatch, startChannelWorld } from "../support/channel-world.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";

let world: ChannelWorld;
beforeEach(async () => {
  world = await startChannelWorld();
});
afterEach(() => world.close());

const list = (...argv: string[]) => world.channels(["list", "--json", ...argv]);
const renew = (...argv: string[]) => world.channels(["renew", "--json", ...argv]);
const states = (lines: readonly Record<string, unknown>[]) => lines.map(({ id, state }) => [id, state]);
const ids = () => world.server.watch.rows().map(({ channelId }) => channelId);

describe("a channel that was created here and has expired", () => {
  beforeEach(async () => {
    await world.create("--id", "1", "--expires", "1h", "--values");
    world.clock.advance(2 * HOUR_MS);
  });

  it("is shown by list, and fails list --expiring", async () => {
    const all = await list();
    expect(all.exitCode).toBe(0);
    expect(all.lines()).toMatchObject([
      { id: "1", state: "lost", reason: expect.stringContaining("it expired"), time_left_ms: -HOUR_MS },
    ]);
    expect((await list("--expiring", "24h")).exitCode).toBe(8);
    const text = await world.channels(["list"]);
    expect(text.out).toMatch(/^1 +expired +Leads.create/m);
    expect(text.err).toContain("to create it again: zoho-hooks channels renew 1 --product crm; to forget it: ");
    expect(text.out + text.err).not.toMatch(/no Zoho CRM channel/);
  });

  it("is warned of once by list, and again by list --expiring and after another loss", async () => {
    const warnings = async (...argv: string[]) => (await world.channels(["list", ...argv])).err;
    await list();
    expect(await warnings()).toContain("channel 1 is gone: it expired");
    const second = await world.channels(["list"]);
    expect([second.out, second.err]).toEqual([expect.stringMatching(/^1 +expired +Leads.create/m), ""]);
    expect(await warnings("--expiring", "24h")).toContain("channel 1 is gone: it expired");
    await renew();
    expect(await warnings()).toBe("");
    world.clock.advance(8 * DAY_MS);
    expect(await warnings()).toContain("channel 1 is gone: it expired");
  });

  it.each([[[]], [["--expiring", "24h"]]])("is created again by renew %j, as it was", async (argv) => {
    const { exitCode, lines } = await renew(...argv);
    expect(exitCode).toBe(0);
    expect(lines()).toMatchObject([{ id: "1", state: "created", reason: expect.stringContaining("created again") }]);
    expect(world.server.watch.rows()).toMatchObject([{ channelId: "1", notifyUrl: HOOK, values: true }]);
    expect((await list("--expiring", "24h")).exitCode).toBe(0);
  });

  it("is created again by renew --every, and reported once", async () => {
    const stop = new AbortController();
    const { exitCode, lines } = await world.channels(["renew", "--every", "--json"], {
      ...{ sleep: world.clock.wait, signal: stop.signal },
      onOut: (text) => void (text.includes('"created"') && stop.abort()),
    });
    expect(exitCode).toBe(0);
    expect(states(lines().filter(({ type }) => type === "channel"))).toEqual([["1", "created"]]);
    expect(ids()).toEqual(["1"]);
  });

  it("has expired where Zoho shortened it under renew --every, and is created again", async () => {
    await renew();
    world.clock.advance(6 * DAY_MS);
    const end = new Date(world.clock.now().getTime() + HOUR_MS);
    const details = { events: [{ channel_id: "1", channel_expiry: end.toISOString(), resource_name: "Leads" }] };
    const shortened = { watch: [{ code: "SUCCESS", status: "success", details }] };
    world.server.trouble({ status: 200, body: shortened }, 2, (request) => {
      if (!isWatch("PUT")(request)) return false;
      for (const row of world.server.watch.rows()) row.expiresAt = end.getTime();
      return true;
    });
    const stop = new AbortController();
    await world.channels(["renew", "--every", "--json"], {
      ...{ sleep: world.clock.wait, signal: stop.signal },
      onOut: (text) => void (text.includes('"expiring"') && stop.abort()),
    });
    const memory = join(world.cwd, ".config/zoho-hooks/channels.json");
    await expect.poll(() => readFileSync(memory, "utf8")).toContain(end.toISOString());
    world.clock.advance(2 * HOUR_MS);
    expect((await renew()).lines()).toMatchObject([{ id: "1", state: "created" }]);
    expect(ids()).toEqual(["1"]);
  });

  it.each([
    ["delete", "1", "--yes"],
    ["delete", "--all", "--yes"],
    ["delete", "--dead", "--yes"],
  ])("is forgotten by %s %s", async (...argv) => {
    const { exitCode, out, err } = await world.channels(argv);
    expect([exitCode, out + err]).toEqual([0, expect.stringMatching(/forgotten/)]);
    expect((await list("--expiring", "24h")).exitCode).toBe(0);
    expect((await renew()).exitCode).toBe(0);
    expect(ids()).toEqual([]);
  });

  it.each([
    ["environment", () => ({ ZOHO_ENVIRONMENT: "sandbox" })],
    ["organisation", () => ({ ZOHO_REFRESH_TOKEN: world.server.accounts.makeRefreshToken(ALL_SCOPES) })],
  ])("is ignored by a sign-in of another %s with the same name", async (_, other) => {
    const env = { ...world.env, ...other() };
    expect((await world.channels(["list", "--expiring", "24h"], { env })).exitCode).toBe(0);
    await world.channels(["renew"], { env });
    await world.channels(["delete", "--dead", "--yes"], { env });
    expect(ids()).toEqual([]);
    expect((await list("--expiring", "24h")).exitCode).toBe(8);
  });

  it("is reported to a sign-in that has listed it, though another refresh token created it", async () => {
    await renew();
    const env = { ...world.env, ZOHO_REFRESH_TOKEN: world.server.accounts.makeRefreshToken(ALL_SCOPES) };
    expect((await world.channels(["list", "--expiring", "24h"], { env })).exitCode).toBe(0);
    world.clock.advance(8 * DAY_MS);
    expect((await world.channels(["list", "--expiring", "24h"], { env })).exitCode).toBe(8);
    expect((await list("--expiring", "24h")).exitCode).toBe(0);
  });

  it("is not created automatically if its end is not known", async () => {
    // As written by versions that did not store the end.
    const path = join(world.cwd, ".config/zoho-hooks/channels.json");
    const { channels } = JSON.parse(readFileSync(path, "utf8"));
    const old = channels.map(({ expiresAt: _, account: __, ...rest }: Record<string, unknown>) => rest);
    writeFileSync(path, JSON.stringify({ channels: old }));
    expect((await list("--expiring", "24h")).exitCode).toBe(8);
    const { exitCode, lines } = await renew();
    expect([exitCode, states(lines()), ids()]).toEqual([7, [["1", "lost"]], []]);
    expect((await renew("1")).exitCode).toBe(0);
    expect(ids()).toEqual(["1"]);
  });
});

describe("a channel that was created here and deleted elsewhere before its end", () => {
  it("is created again only if it is named, even after its end", async () => {
    await world.create("--id", "1", "--expires", "3d");
    await world.elsewhere(["delete", "1", "--yes"]);
    const { exitCode, lines } = await renew();
    expect([exitCode, states(lines())]).toEqual([7, [["1", "unknown"]]]);
    expect(lines()[0]).toMatchObject({ reason: expect.stringContaining("something else deleted it") });
    world.clock.advance(4 * DAY_MS);
    expect((await renew()).exitCode).toBe(7);
    expect(ids()).toEqual([]);
    expect((await list("--expiring", "24h")).exitCode).toBe(8);
    expect((await renew("1")).exitCode).toBe(0);
    expect(ids()).toEqual(["1"]);
    expect(states((await list()).lines())).toEqual([["1", "listed"]]);
  });

  it("has the later end that a list showed after a renewal elsewhere", async () => {
    await world.create("--id", "1", "--expires", "1d");
    await world.elsewhere(["renew", "1"]);
    await list();
    world.clock.advance(2 * DAY_MS);
    await world.elsewhere(["delete", "1", "--yes"]);
    expect(states((await renew()).lines())).toEqual([["1", "unknown"]]);
    expect(ids()).toEqual([]);
  });

  it("is left alone by renew --every, at its start and while it runs", async () => {
    await world.create("--id", "1", "--expires", "3d");
    await world.create("--id", "2", "--expires", "5h");
    await world.elsewhere(["delete", "1", "--yes"]);
    const stop = new AbortController();
    const { lines } = await world.channels(["renew", "--every", "--json"], {
      ...{ sleep: world.clock.wait, signal: stop.signal },
      async onOut(text) {
        const { id, state } = JSON.parse(text);
        if (id === "2" && state === "unknown") stop.abort();
        if (state !== "renewed") return;
        await world.elsewhere(["delete", "2", "--yes"]);
        world.clock.advance(134 * HOUR_MS);
      },
    });
    expect(states(lines().filter(({ type }) => type === "channel"))).toEqual([
      ["1", "unknown"],
      ["2", "renewed"],
      ["2", "unknown"],
    ]);
    expect(lines().at(-1)).toMatchObject({ reason: "it was deleted elsewhere, and is no longer kept alive" });
    world.clock.advance(7 * DAY_MS);
    await renew();
    expect(ids()).toEqual([]);
  });
});
