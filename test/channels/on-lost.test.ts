import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HOUR_MS } from "../../src/channels/expiry.ts";
import { CONFIG_FILE } from "../../src/project/settings.ts";
import { type ChannelWorld, startChannelWorld } from "../support/channel-world.ts";

let world: ChannelWorld;
let stop: AbortController;
beforeEach(async () => {
  world = await startChannelWorld();
  stop = new AbortController();
  await world.create("--id", "1", "--expires", "1h");
});
afterEach(() => world.close());

const INVALID = { code: "INVALID_DATA", message: "invalid data" };
/** Does something, appends what it got, and then does the rest. It is in a file since shells quote differently. */
const alarm = (rest = "", before = ""): string => {
  const text = `
    import { appendFileSync } from "node:fs";
    ${before}
    const own = Object.entries(process.env).filter(([name]) => name.startsWith("ZOHO_HOOKS_CHANNEL_"));
    appendFileSync("alarms.jsonl", JSON.stringify(Object.fromEntries(own)) + "\\n");
    appendFileSync("environment.txt", JSON.stringify(process.env));
    ${rest}`;
  writeFileSync(join(world.cwd, "alarm.mjs"), text);
  return "node alarm.mjs";
};
const text = (name: string): string =>
  existsSync(join(world.cwd, name)) ? readFileSync(join(world.cwd, name), "utf8") : "";
const alarms = () =>
  text("alarms.jsonl")
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Record<string, string>]));
type Line = Record<string, unknown>;
const every = (command: string, onLine: (line: Line) => void) =>
  world.channels(["renew", "--every", "--json", "--on-lost", command], {
    // Windows finds no program without these.
    env: { ...world.env, PATH: process.env.PATH ?? "", SystemRoot: process.env.SystemRoot ?? "" },
    sleep: world.clock.wait,
    signal: stop.signal,
    onOut: (lines) => {
      for (const line of lines.split("\n")) if (line !== "") onLine(JSON.parse(line));
    },
  });
/** After the pause that follows a report has begun. */
const advance = (ms: number): void => void world.clock.asleep(2).then(() => world.clock.advance(ms));
const refuse = (): void => world.server.unusual.refuse("1", INVALID);

describe("channels renew --every --on-lost", () => {
  it("runs the command once for each loss, with the channel and the reason, and never its token", async () => {
    refuse();
    const token = world.server.watch.rows()[0]?.token ?? "";
    let losses = 0;
    let isCreated = false;
    const running = every(alarm("", 'console.log("from the alarm");'), ({ state }) => {
      if (state === "expiring") advance(HOUR_MS);
      if (state === "created") {
        isCreated = true;
        refuse();
        advance(200 * HOUR_MS);
      }
      if (state === "lost" && ++losses === 2)
        void expect
          .poll(alarms)
          .toHaveLength(2)
          .then(() => stop.abort());
    });
    // Tries that fail while it is lost are no further losses.
    await expect.poll(alarms).toHaveLength(1);
    const tries = () => world.requests("POST").length;
    const before = tries();
    const anHourLater = async <T>(read: () => T) => {
      // An hour that passes within a try would make its new access token expire.
      await world.clock.asleep(2);
      world.clock.advance(HOUR_MS);
      await world.clock.asleep(2);
      return read();
    };
    await expect.poll(() => anHourLater(tries)).toBeGreaterThanOrEqual(before + 3);
    expect(alarms()).toHaveLength(1);
    world.server.unusual.accept("1");
    await expect.poll(async () => isCreated || anHourLater(() => isCreated)).toBe(true);
    const { exitCode, out, err } = await running;
    expect([exitCode, losses]).toEqual([9, 2]);
    const reason = expect.stringContaining("INVALID_DATA");
    const facts = { ZOHO_HOOKS_CHANNEL_ID: "1", ZOHO_HOOKS_CHANNEL_PRODUCT: "crm", ZOHO_HOOKS_CHANNEL_REASON: reason };
    expect(alarms()).toEqual([facts, facts]);
    expect(token).toMatch(/.{30}/);
    expect(text("environment.txt")).not.toContain(token);
    expect([err.includes("from the alarm"), out.includes("from the alarm")]).toEqual([true, false]);
  });

  it("reports a command that fails, and goes on renewing", async () => {
    refuse();
    const { exitCode, lines } = await every(alarm("process.exit(3);"), ({ type, state, message }) => {
      if (state === "expiring") advance(HOUR_MS);
      if (type === "warning" && String(message).includes("--on-lost")) {
        world.server.unusual.accept("1");
        advance(HOUR_MS);
      }
      if (state === "created") stop.abort();
    });
    expect([exitCode, world.server.watch.isAlive("1")]).toEqual([0, true]);
    expect(lines().filter(({ type }) => type === "warning")).toMatchObject([
      { message: "the command of --on-lost for channel 1 exited with 3" },
    ]);
  });

  it("ends a command that takes longer than a minute", async () => {
    refuse();
    const { lines } = await every(alarm("setInterval(() => {}, 1000);"), ({ state, message }) => {
      if (state === "expiring") advance(HOUR_MS);
      if (state === "lost")
        void expect
          .poll(alarms)
          .toHaveLength(1)
          .then(() => world.clock.advance(61_000));
      if (String(message).includes("--on-lost")) stop.abort();
    });
    expect(lines().filter(({ type }) => type === "warning")).toMatchObject([
      { message: "the command of --on-lost for channel 1 was stopped after 1m" },
    ]);
  });

  it("waits for the command where the run ends with the loss, because of the sign-in", async () => {
    const command = alarm('await new Promise((over) => setTimeout(over, 300)); appendFileSync("done.txt", "done");');
    const { exitCode } = await every(command, ({ state }) => {
      if (state !== "renewed") return;
      world.server.state.accounts.accessTokens = {};
      const dead = { status: 200, body: { error: "invalid_code" } };
      world.server.trouble(dead, 999, ({ path }) => path === "/oauth/v2/token");
      advance(200 * HOUR_MS);
    });
    expect([exitCode, alarms().length, text("done.txt")]).toEqual([6, 1, "done"]);
  });

  it("is rejected without --every, and is no setting of a project", async () => {
    const { exitCode, err } = await world.channels(["renew", "--on-lost", "node alarm.mjs"]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("--on-lost is for --every only")]);
    writeFileSync(join(world.cwd, CONFIG_FILE), JSON.stringify({ onLost: "node alarm.mjs" }));
    expect((await world.channels(["renew", "1"])).exitCode).toBe(2);
  });
});
