import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { linesOf, start, startChannelListeners, tunnel, world as user, zoho } from "../support/channel-listener.ts";
import { type ChannelWorld, HOOK, isWatch, startChannelWorld } from "../support/channel-world.ts";
import { run, tempFolder } from "../support/run.ts";

describe("channels create, beside another channel,", () => {
  let world: ChannelWorld;
  beforeEach(async () => {
    world = await startChannelWorld();
    await create("Leads.all", "Deals.edit", "--url", HOOK, "--id", "1");
  });
  afterEach(() => world.close());

  const create = (...argv: string[]) =>
    world.channels(["create", ...argv], { env: { ...world.env, ZOHO_WEBHOOK_TOKEN: "t0ken" } });

  it("warns that both post the same events to one URL, and says how to delete the new one", async () => {
    const { exitCode, err } = await create("Leads.create,Deals.all", "--url", HOOK, "--id", "2");
    expect(exitCode).toBe(0);
    expect(err).toBe(
      "warning: channel 1 posts Leads.create, Deals.edit to the same URL: your app gets each of these events twice\n" +
        "  keep one of the two: zoho-hooks channels delete 2 --product crm\n",
    );
  });

  it.each([
    ["of other events", ["Contacts.all", "--url", HOOK]],
    ["to another URL", ["Leads.all", "--url", `${HOOK}/2`]],
  ])("does not warn of one %s", async (_, argv) => {
    const { exitCode, err } = await create(...argv, "--id", "2");
    expect([exitCode, err]).toEqual([0, ""]);
  });
});

describe("listen --channel", () => {
  startChannelListeners();

  it("warns of a channel that posts its events here as well", async () => {
    const options = user();
    const url = `${tunnel.url}/webhooks/zoho/crm`;
    await run(["channels", "create", "Leads.all", "--id", "5", "--url", url], options);
    const of = await start(["--channel", "Leads.create,Deals.all"], options);
    expect(linesOf(of, "warning")).toMatchObject([
      {
        message: "channel 5 posts Leads.create to the same URL: your app gets each of these events twice",
        hint: "keep one of the two: zoho-hooks channels delete 5 --product crm",
      },
    ]);
  });

  it("does not warn of one that an earlier listen left behind, which it deletes", async () => {
    const url = `${tunnel.url}/webhooks/zoho/crm`;
    const options = user({ XDG_CONFIG_HOME: tempFolder() });
    const earlier = await start(["--channel", "Leads.create"], options);
    zoho.trouble("cut", 4, isWatch("DELETE"));
    expect((await earlier.stop()).exitCode).toBe(7);
    expect(zoho.watch.rows()).toMatchObject([{ notifyUrl: url }]);
    // In another folder, so that it does not take the channel over.
    const of = await start(["--channel", "Leads.create"], { ...options, cwd: tempFolder() });
    expect(linesOf(of, "channel").map(({ state }) => state)).toEqual(["created", "deleted"]);
    expect(linesOf(of, "warning")).toEqual([]);
  });
});
