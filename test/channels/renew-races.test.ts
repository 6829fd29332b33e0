import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/channels/expiry.ts";
import { type ChannelWorld, HOOK, isWatch, startChannelWorld } from "../support/channel-world.ts";

let world: ChannelWorld;
beforeEach(async () => {
  world = await startChannelWorld();
});
afterEach(() => world.close());

/** Runs work on the n-th request of a method, before the answer. */
const onNth = (n: number, method: string, work: () => void): void => {
  let seen = 0;
  world.server.trouble("cut", 1, (request) => {
    if (isWatch(method)(request) && ++seen === n) work();
    return false;
  });
};
const onFirst = (method: string, work: () => void): void => onNth(1, method, work);
const states = (lines: readonly Record<string, unknown>[]) => lines.map(({ id, state }) => [id, state]);

describe("channels renew, of a channel that changes while it runs,", () => {
  it("does not undo an update, nor create a channel that was deleted before its end", async () => {
    for (const id of ["1", "2", "3"]) await world.create("--id", id, "--expires", `${id}h`);
    // After the list by which the channels are chosen.
    onNth(2, "GET", () => {
      for (const row of world.server.watch.rows()) if (row.channelId === "2") row.notifyUrl = `${HOOK}/new`;
      world.server.watch.drop("3");
    });
    const { exitCode, lines } = await world.channels(["renew", "--json"]);
    expect(states(lines())).toEqual([
      ["1", "renewed"],
      ["2", "renewed"],
      ["3", "unknown"],
    ]);
    expect(exitCode).toBe(7);
    expect(lines()[2]).toMatchObject({
      reason: "channel 3 was deleted before it could be renewed, so it was not created again",
      hint: expect.stringContaining("channels renew 3"),
    });
    expect(world.server.watch.rows().map(({ channelId, notifyUrl }) => [channelId, notifyUrl])).toEqual([
      ["1", HOOK],
      ["2", `${HOOK}/new`],
    ]);
  });

  it("does not create a channel that is deleted right before the PUT", async () => {
    await world.create("--id", "1");
    world.clock.advance(DAY_MS);
    onFirst("PUT", () => world.server.watch.drop("1"));
    const { exitCode, err } = await world.channels(["renew"]);
    expect([exitCode, world.server.watch.rows()]).toEqual([7, []]);
    expect(err).toContain("was deleted before it could be renewed");
  });

  it("creates a channel again that Zoho drops a minute before its end by this clock", async () => {
    await world.create("--id", "1", "--expires", "1h");
    world.clock.advance(HOUR_MS - MINUTE_MS);
    onFirst("PUT", () => world.server.watch.drop("1"));
    const { exitCode } = await world.channels(["renew"]);
    expect([exitCode, world.server.watch.rows().map(({ channelId }) => channelId)]).toEqual([0, ["1"]]);
  });

  it("creates a channel again that expired meanwhile", async () => {
    await world.create("--id", "1", "--expires", "1h");
    onFirst("PUT", () => {
      world.clock.advance(HOUR_MS);
    });
    const { exitCode, lines } = await world.channels(["renew", "--json"]);
    expect([exitCode, states(lines())]).toEqual([0, [["1", "created"]]]);
  });
});

describe("channels renew, twice at once,", () => {
  it("reports that there is nothing to do if the other asked for a later end", async () => {
    await world.create("--id", "1", "--expires", "1d");
    let lists = 0;
    // The other one starts a second later, and finishes before this one reads the channel again.
    world.server.trouble("cut", 1, (request) => {
      if (!isWatch("GET")(request) || ++lists < 2) return false;
      for (const row of world.server.watch.rows()) row.expiresAt = request.at + 7 * DAY_MS - HOUR_MS + 1000;
      return false;
    });
    const { exitCode, lines } = await world.channels(["renew", "--json"]);
    expect(exitCode).toBe(0);
    expect(lines()).toMatchObject([{ id: "1", state: "renewed", reason: "it had already been renewed" }]);
    expect(world.requests("PUT")).toEqual([]);
  });

  it.each([
    ["1d", 0],
    ["23h58m", 0],
    ["23h", 7],
  ])("with an end of %s, close to the present one of a day, exits with %i", async (expires, code) => {
    await world.create("--id", "1", "--expires", "1d");
    const { exitCode, out, err } = await world.channels(["renew", "--expires", expires]);
    expect(exitCode).toBe(code);
    expect(out + err).toContain(code === 0 ? "already been renewed" : "nothing was changed");
    expect(world.server.watch.rows()[0]?.expiresAt).toBe(world.clock.now().getTime() + DAY_MS);
  });
});
