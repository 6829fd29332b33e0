import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import { accessTokens } from "../../src/zoho-api/access-token.ts";
import { startChannelWorld } from "../support/channel-world.ts";
import { run } from "../support/run.ts";
import { failureOf, type Rig, startRig } from "../support/zoho-client.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const isToken = ({ path }: ApiRequest): boolean => path === "/oauth/v2/token";
const tooMany = (times: number, headers: Record<string, string> = {}): void =>
  rig.server.trouble({ status: 429, body: "<html>slow down</html>", headers }, times, isToken);
/** Another command of the same user. */
const another = () => accessTokens(rig.context, rig.signIn, rig.http);
const fail = async () => {
  const { exitCode, message, hint } = await failureOf(another().get());
  return { exitCode, text: `${message}\n${hint}`, requests: rig.server.tokenRequests().length };
};
const BLAME = /data cent|revoked|per refresh token|login/;

describe("a 429 of the accounts server", () => {
  it.each([
    ["without Retry-After pauses all commands for 30 s", {}, 4, 30_000, "30s"],
    ["pauses all commands for its Retry-After", { "retry-after": "120" }, 1, 120_000, "2m"],
  ])("%s, and blames nothing", async (_, headers, tries, pauseMs, shown) => {
    tooMany(tries, headers);
    const first = await fail();
    expect(first).toMatchObject({ exitCode: 6, requests: tries });
    expect(first.text).toContain(`rate-limited the sign-in (HTTP 429)\nwait ${shown}, then try again`);
    rig.clock.advance(pauseMs - 1000);
    const second = await fail();
    expect(second).toMatchObject({ exitCode: 6, requests: tries });
    expect(second.text).toContain("rate-limited the sign-in: no new access token for another 1s");
    expect(first.text + second.text).not.toMatch(BLAME);
    rig.clock.advance(1000);
    expect((await another().get()).value).toMatch(/^1000\./);
    expect(rig.server.tokenRequests()).toHaveLength(tries + 1);
  });

  it("does not count as one of the ten refreshes of ten minutes", async () => {
    for (let i = 0; i < 12; i++) {
      tooMany(1, { "retry-after": "61" });
      expect((await fail()).exitCode).toBe(6);
      rig.clock.advance(61_000);
    }
    expect((await another().get()).value).toMatch(/^1000\./);
  });
});

describe("ten refreshes of ours in ten minutes", () => {
  it("are the only reason to pause for the rest of the ten minutes", async () => {
    for (let i = 0; i < 9; i++) await another().replace(await another().get());
    await another()
      .replace(await another().get())
      .catch(() => {});
    // Its own token is not usable any more, and no other one is available.
    const folder = join(rig.folder, "tokens");
    const path = join(folder, readdirSync(folder)[0] ?? "");
    const { accessToken: _, ...record } = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify(record));
    const { exitCode, text, requests } = await fail();
    expect([exitCode, requests]).toEqual([6, 10]);
    expect(text).toMatch(
      /no new access token for another (10m|9m 59s): Zoho grants ten per refresh token in ten minutes/,
    );
    expect(text).not.toMatch(/data cent|revoked|login/);
    rig.clock.advance(600_000);
    expect((await another().get()).value).toMatch(/^1000\./);
  });
});

describe("a throttle of an emulator on this machine", () => {
  it("ends when the emulator is advanced, although less time has passed here", async () => {
    const world = await startChannelWorld();
    try {
      const form = { client_id: world.server.accounts.clientId, client_secret: world.server.accounts.clientSecret };
      const refresh = { ...form, grant_type: "refresh_token", refresh_token: String(world.env.ZOHO_REFRESH_TOKEN) };
      const ask = () =>
        fetch(`${world.server.url}/oauth/v2/token`, { method: "POST", body: new URLSearchParams(refresh) });
      for (let i = 0; i < 10; i++) await ask();
      const refused = await world.create();
      expect(refused.exitCode).toBe(6);
      expect(refused.err).toContain("rate-limited the sign-in (Access Denied)");
      world.clock.advance(180_000);
      const by = ["emulate", "advance", "11m", "--url", world.server.url];
      expect((await run(by, { cwd: world.cwd })).exitCode).toBe(0);
      expect((await world.create()).exitCode).toBe(0);
    } finally {
      await world.close();
    }
  });
});
