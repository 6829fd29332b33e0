import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import { type ChannelWorld, isWatch, startChannelWorld } from "../support/channel-world.ts";

let world: ChannelWorld;
beforeEach(async () => {
  world = await startChannelWorld();
});
afterEach(() => world.close());

const isToken = ({ path }: ApiRequest): boolean => path === "/oauth/v2/token";
const tooMany = (times: number, headers: Record<string, string> = {}): void =>
  world.server.trouble({ status: 429, body: "<html>slow down</html>", headers }, times, isToken);
const list = async () => {
  const { exitCode, err } = await world.channels(["list"]);
  return { exitCode, err, requests: world.server.tokenRequests().length };
};
const INVALID_TOKEN = { code: "INVALID_TOKEN", message: "invalid oauth token", details: {}, status: "error" };
const tokenFile = (): string => {
  const folder = join(world.cwd, ".config/zoho-hooks/tokens");
  return join(folder, readdirSync(folder)[0] ?? "");
};
const cachedTokens = (): Record<string, unknown> => JSON.parse(readFileSync(tokenFile(), "utf8"));
const BLAME = /data cent|revoked|per refresh token|login/;

describe("a 429 of the accounts server", () => {
  it.each([
    ["without Retry-After pauses all commands for 30 s", {}, 4, 30_000, "30s"],
    ["pauses all commands for its Retry-After", { "retry-after": "120" }, 1, 120_000, "2m"],
  ])("%s, and blames nothing", async (_, headers, tries, pauseMs, shown) => {
    tooMany(tries, headers);
    const first = await list();
    expect(first).toMatchObject({ exitCode: 6, requests: tries });
    expect(first.err).toContain(`rate-limited the sign-in (HTTP 429)\n  wait ${shown}, then try again`);
    world.clock.advance(pauseMs - 1000);
    const second = await list();
    expect(second).toMatchObject({ exitCode: 6, requests: tries });
    expect(second.err).toContain("rate-limited the sign-in: no new access token for another 1s");
    expect(first.err + second.err).not.toMatch(BLAME);
    world.clock.advance(1000);
    expect(await list()).toMatchObject({ exitCode: 0, requests: tries + 1 });
  });

  it("does not count as one of the ten refreshes of ten minutes", async () => {
    for (let i = 0; i < 12; i++) {
      tooMany(1, { "retry-after": "61" });
      expect((await list()).exitCode).toBe(6);
      world.clock.advance(61_000);
    }
    expect((await list()).exitCode).toBe(0);
  });
});

describe("ten refreshes of ours in ten minutes", () => {
  it("are the only reason to pause for the rest of the ten minutes", async () => {
    const reject = () => world.server.trouble({ status: 401, body: INVALID_TOKEN }, 1, isWatch("GET"));
    for (let i = 0; i < 10; i++) {
      if (i > 0) reject();
      expect((await list()).exitCode).toBe(0);
    }
    // Its own token is not usable any more, and no other one is available.
    const { accessToken: _, ...record } = cachedTokens();
    writeFileSync(tokenFile(), JSON.stringify(record));
    const { exitCode, err, requests } = await list();
    expect([exitCode, requests]).toEqual([6, 10]);
    expect(err).toMatch(
      /no new access token for another (10m|9m 59s): Zoho grants ten per refresh token in ten minutes/,
    );
    expect(err).not.toMatch(/data cent|revoked|login/);
    world.clock.advance(600_000);
    expect((await list()).exitCode).toBe(0);
  });
});
