import { afterEach, beforeEach, expect, it } from "vitest";
import { type ChannelWorld, startChannelWorld } from "../support/channel-world.ts";
import { run } from "../support/run.ts";

const ALIVE = "http://127.0.0.1:1/hook";
let world: ChannelWorld;
beforeEach(async () => {
  world = await startChannelWorld();
});
afterEach(() => world.close());

/** The command that doctor shows for a channel whose URL does not answer. */
async function remedy(): Promise<string> {
  const { env, cwd, clock } = world;
  const { lines } = await run(["doctor", "--json"], { env, cwd, now: clock.now, sleep: clock.sleep });
  const text = String(lines().find(({ id }) => id === "channels.url")?.remedy);
  return text.replace(/^.*; or /, "");
}

it.each([
  ["Deals.edit", "--values", "--fields", "Stage,Amount,Lead_Source"],
  ["Leads.all,Deals.edit", "--related", "--fields", "Deals:Stage"],
  ["Leads.create"],
])("the command to copy that gives a channel another URL keeps all else: %s", async (...argv) => {
  await world.channels(["create", ...argv, "--id", "5", "--url", ALIVE]);
  const before = structuredClone(world.server.watch.rows());
  const words = (await remedy()).replace("https://…", "https://new.example/hook").split(" ");
  expect(words.slice(0, 2)).toEqual(["zoho-hooks", "channels"]);
  const { exitCode, err } = await world.channels(words.slice(2));
  expect([exitCode, err]).toEqual([0, expect.not.stringContaining("error")]);
  const expected = { notifyUrl: "https://new.example/hook", expiresAt: expect.any(Number) };
  expect(world.server.watch.rows()).toEqual(before.map((row) => ({ ...row, ...expected })));
});

it("has a place to fill in for a condition that --fields cannot make", async () => {
  await world.channels(["create", "Deals.edit", "--id", "5", "--url", ALIVE, "--fields", "Stage,Amount"]);
  for (const row of world.server.watch.rows()) {
    const { field_selection } = row.condition as { field_selection: { group_operator: string } };
    field_selection.group_operator = "and";
  }
  expect(await remedy()).toContain("create Deals.edit --id 5 --fields … --url https://…");
});
