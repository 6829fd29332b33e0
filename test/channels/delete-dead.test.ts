import { lookup } from "node:dns/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HOUR_MS } from "../../src/channels/expiry.ts";
import type { Prompts } from "../../src/process/prompts.ts";
import { type ChannelWorld, startChannelWorld } from "../support/channel-world.ts";
import { startListener } from "../support/listener.ts";
import { tempFolder } from "../support/run.ts";

let world: ChannelWorld;
beforeEach(async () => {
  world = await startChannelWorld();
  await world.create("--id", "1", "--url", "https://nothing.invalid/h");
});
afterEach(() => world.close());

/** Without a name server it is not known whether a name exists. */
const isNotFound = (await lookup("nothing.invalid").catch((error) => error.code)) === "ENOTFOUND";
const saying = (answer: boolean, questions: string[]): Prompts => {
  const never = () => Promise.reject(new Error("not asked for"));
  const confirm: Prompts["confirm"] = async ({ message }) => {
    questions.push(message);
    return answer;
  };
  return { confirm, text: never, secret: never, choose: never, chooseMany: never };
};

describe("channels delete --dead, of a URL whose host name does not resolve,", () => {
  it("skips the channel with --yes, because a VPN may know the name", async () => {
    const { exitCode, err } = await world.channels(["delete", "--dead", "--yes"]);
    expect(exitCode).toBe(0);
    expect(world.server.watch.isAlive("1")).toBe(true);
    expect(world.requests("DELETE")).toEqual([]);
    if (!isNotFound) return;
    expect(err).toContain(
      "skipped channel 1, which posts to https://nothing.invalid/h: its host name does not resolve from here",
    );
    expect(err).toContain("channels delete 1 --product crm");
  });

  it("deletes it if the user agrees", async ({ skip }) => {
    skip(!isNotFound, "needs a name server");
    const questions: string[] = [];
    const { exitCode } = await world.channels(["delete", "--dead"], { prompts: saying(true, questions) });
    expect(exitCode).toBe(0);
    expect(questions).toEqual([expect.stringMatching(/: Delete 1 of 1 channels\?$/)]);
    expect(world.server.watch.isAlive("1")).toBe(false);
  });
});

describe("channels delete --dead, of a channel whose URL Zoho does not list,", () => {
  it("checks the URL that it was created with, and deletes no channel whose URL answers", async () => {
    await world.create("--id", "2", "--url", `${world.server.url}/hook`);
    await world.create("--id", "3", "--url", "http://127.0.0.1:9/hook");
    for (const id of ["2", "3"]) world.server.unusual.hideUrl(id);
    const { exitCode, err } = await world.channels(["delete", "--dead", "--yes"]);
    expect([exitCode, world.server.watch.isAlive("2"), world.server.watch.isAlive("3")]).toEqual([0, true, false]);
    expect(err).toContain("3 posts to http://127.0.0.1:9/hook: connection refused");
  });
});

describe("channels delete --dead while listen runs", () => {
  it("leaves the channel to it alone, and its check is no delivery there", async () => {
    const listener = await startListener([], { cwd: tempFolder() });
    await world.create("--id", "2", "--url", `${listener.url}/webhooks/zoho/crm`);
    await world.channels(["delete", "--dead", "--yes"]);
    expect(world.server.watch.isAlive("2")).toBe(true);
    const { exitCode } = await listener.stop();
    const events = listener.lines().filter(({ type }) => type === "event" || type === "trouble");
    expect([exitCode, events]).toEqual([0, []]);
    expect(listener.lines().at(-1)).toMatchObject({ type: "summary", received: 0, rejected: 0 });
  });
});

describe("channels delete --dead without a terminal and --yes", () => {
  it("changes nothing, neither at Zoho nor here", async () => {
    await world.create("--id", "2", "--url", "http://127.0.0.1:9/hook");
    await world.create("--id", "3", "--expires", "1h");
    world.clock.advance(2 * HOUR_MS);
    const { exitCode, out, err } = await world.channels(["delete", "--dead"]);
    expect([exitCode, world.requests("DELETE")]).toEqual([2, []]);
    expect(err).toContain("and forget 3, which Zoho no longer lists?");
    expect(out + err).not.toContain("forgotten");
    expect((await world.channels(["renew", "3"])).exitCode).toBe(0);
  });
});
