import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOUR_MS } from "../../src/channels/expiry.ts";
import { type ChannelWorld, HOOK, startChannelWorld } from "../support/channel-world.ts";

let world: ChannelWorld;
beforeAll(async () => {
  world = await startChannelWorld();
  await world.channels(["create", "Leads.create", "Leads.edit", "--url", HOOK, "--expires", "2h"]);
  await world.channels(["create", "Contacts.all", "--url", `${HOOK}?token=h1dden`, "--expires", "4h"]);
});
afterAll(() => world.close());

/** On a machine that has not created them, such as in CI. */
const requiring = (...argv: string[]) => world.elsewhere(["list", "--require", ...argv]);

describe("channels list --require", () => {
  it.each([
    ["Leads.create"],
    ["Leads.create,Leads.update", "--require", "contacts.all"],
    ["Leads.edit", "--url", "https://ABC.example:443/webhooks/zoho/crm"],
    ["Contacts.delete", "--url", `${HOOK}?token=h1dden`],
  ])("exits with 0 while channels exist for %s %s %s", async (...argv) => {
    const { exitCode, err } = await requiring(...argv);
    expect([exitCode, err]).toEqual([0, ""]);
  });

  it.each([
    [["Leads.all,Contacts.create"], "there is no Zoho CRM channel for Leads.delete"],
    [["Deals.all"], "there is no Zoho CRM channel for Deals.all"],
    [
      ["Leads.create,Contacts.create", "--url", HOOK],
      `there is no Zoho CRM channel that posts to ${HOOK} for Contacts.create`,
    ],
    [["Leads.create", "--url", `${HOOK}?token=0ther`], `that posts to ${HOOK}?token=[masked] for Leads.create`],
  ])("exits with 8 and names what is missing: %j", async (argv, message) => {
    const { exitCode, out, err } = await requiring(...argv);
    expect([exitCode, err]).toEqual([8, expect.stringContaining(message)]);
    expect(err).toContain("create one: zoho-hooks channels create");
    expect(out).toContain("Leads.create Leads.edit");
    expect(out + err).not.toMatch(/h1dden|0ther/);
  });

  it.each([[["--url", HOOK]], [["--require", "Leads"]], [["--require", "Leads.create", "--url", "abc"]]])(
    "rejects %j",
    async (argv) => {
      expect((await world.elsewhere(["list", ...argv])).exitCode).toBe(2);
    },
  );

  it("exits with 8 after a channel has expired, although another machine created it", async () => {
    world.clock.advance(3 * HOUR_MS);
    expect((await world.elsewhere(["list", "--expiring", "1m"])).exitCode).toBe(0);
    expect((await requiring("Contacts.all")).exitCode).toBe(0);
    const { exitCode, err } = await requiring("Leads.create", "--json");
    expect([exitCode, JSON.parse(err).error]).toEqual([8, expect.objectContaining({ code: "no_channel" })]);
  });
});
