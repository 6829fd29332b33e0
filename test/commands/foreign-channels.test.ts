import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Prompts } from "../../src/reports/prompts.ts";
import { type ChannelWorld, HOOK, isWatch, startChannelWorld } from "../support/channel-world.ts";
import { run, tempFolder } from "../support/run.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";

/** The user's Zoho, and that of a stranger whose project has a sign-in in its `.env`. */
let mine: ChannelWorld;
let stranger: ChannelWorld;
let env: Record<string, string>;
beforeEach(async () => {
  [mine, stranger] = [await startChannelWorld(), await startChannelWorld()];
  env = { XDG_CONFIG_HOME: tempFolder() };
});
afterEach(async () => {
  await mine.close();
  await stranger.close();
});

function inClone(argv: readonly string[], lines: Readonly<Record<string, string>> = stranger.env, more = {}) {
  const text = Object.entries(lines).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(stranger.cwd, ".env"), text.join(""));
  return stranger.channels(argv, { env: { ...env, ...more } });
}

/** The exit code of `verify` for a delivery with this token. */
async function verified(cwd: string, token: string | null | undefined): Promise<number> {
  const uri = "https://www.zohoapis.com/crm/v2/Leads";
  const ids = ["5725767000003000064"];
  const more = { server_time: 1, query_params: {}, affected_fields: [], resource_uri: uri };
  const body = { ...more, module: "Leads", operation: "insert", ids, channel_id: "2", token };
  const argv = ["verify", "-", "--product", "crm"];
  return (await run(argv, { cwd, env: { ...env, ZOHO_WEBHOOK_TOKEN: "mine" }, stdin: JSON.stringify(body) })).exitCode;
}

describe("the token of a channel that was created in a stranger's project", () => {
  it("counts in that project only, where its .env has the sign-in", async () => {
    const { exitCode, err } = await inClone(["create", "Leads.create", "--url", HOOK]);
    expect([exitCode, err]).toEqual([0, expect.stringContaining("which listen in this project knows")]);
    const token = stranger.server.watch.rows()[0]?.token;
    expect(await verified(stranger.cwd, token)).toBe(0);
    expect(await verified(mine.cwd, token)).toBe(3);
  });

  it("counts in that project only, where its .env has the token", async () => {
    const lines = { ZOHO_WEBHOOK_TOKEN: "of-the-stranger" };
    expect((await inClone(["create", "Leads.create", "--url", HOOK], lines, mine.env)).exitCode).toBe(0);
    expect(mine.server.watch.rows()[0]?.token).toBe("of-the-stranger");
    expect(await verified(stranger.cwd, "of-the-stranger")).toBe(0);
    expect(await verified(mine.cwd, "of-the-stranger")).toBe(3);
  });

  it("counts everywhere, where it is the user's", async () => {
    const argv = ["create", "Leads.create", "--url", HOOK];
    expect((await mine.channels(argv, { env: { ...env, ...mine.env } })).exitCode).toBe(0);
    expect(await verified(stranger.cwd, mine.server.watch.rows()[0]?.token)).toBe(0);
  });
});

/** Without its URL, so that the rest would be taken from what is remembered. */
const LISTED = {
  watch: [
    { channel_id: "1", resource_name: "Leads", events: ["Leads.create"], channel_expiry: "2026-03-01T10:00:00Z" },
  ],
  info: { per_page: 200, count: 1, page: 1, more_records: false },
};

it.each([
  ["is not listed", ["renew", "1"], undefined],
  ["is listed", ["renew", "--all"], LISTED],
  ["is listed", ["update", "1", "--events", "Leads.all"], LISTED],
])(
  "the Zoho of a stranger's project gets no token of a channel of the user's that %s there: %s",
  async (_, argv, body) => {
    const create = ["create", "Leads.create", "--id", "1", "--url", HOOK];
    expect((await mine.channels(create, { env: { ...env, ...mine.env } })).exitCode).toBe(0);
    const token = mine.server.watch.rows()[0]?.token ?? "";
    if (body !== undefined) stranger.server.trouble({ status: 200, body }, 9, isWatch("GET"));
    const { exitCode, err } = await inClone(argv);
    expect([exitCode, err]).toEqual([7, expect.stringContaining("this machine has no copy of it")]);
    for (const { text } of stranger.server.requests) expect(text).not.toContain(token);
  },
);

describe("an expired channel that was created with an access token", () => {
  /** Of the same Zoho: by its host alone it could be either's. */
  const withToken = () => {
    const { ZOHO_ACCOUNTS_URL = "", ZOHO_API_URL = "" } = mine.env;
    return { ZOHO_ACCOUNTS_URL, ZOHO_API_URL, ZOHO_ACCESS_TOKEN: mine.server.accounts.makeAccessToken(ALL_SCOPES) };
  };
  const create = ["create", "Leads.create", "--url", "https://stranger.example/hook", "--expires", "30m"];
  const renewed = async () => {
    mine.clock.advance(2_000_000);
    const more = { ...env, ...withToken() };
    return (await mine.channels(["renew", "--all"], { env: more })).exitCode;
  };

  it("is not created again with the user's, where the token was a stranger's", async () => {
    expect((await inClone(create, withToken(), { XDG_CONFIG_HOME: env.XDG_CONFIG_HOME })).exitCode).toBe(0);
    expect(await renewed()).toBe(0);
    expect(mine.requests("POST")).toHaveLength(1);
  });

  it("is, where the token was the user's", async () => {
    expect((await inClone(create, {}, withToken())).exitCode).toBe(0);
    expect(await renewed()).toBe(0);
    expect(mine.requests("POST")).toHaveLength(2);
  });
});

describe("a secret of the user's environment", () => {
  const prompts = { confirm: async () => true } as unknown as Prompts;
  const more = { ZOHO_WEBHOOK_TOKEN: "of-the-user", ZOHO_WEBHOOK_SECRET: "SecretOfTheUser12345" };
  /** The stranger's account is at the same Zoho. */
  const inCloneAt = (argv: readonly string[], options = {}) => {
    const { ZOHO_ACCOUNTS_URL = "", ZOHO_API_URL = "", ...lines } = stranger.env;
    const text = Object.entries(lines).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(stranger.cwd, ".env"), text.join(""));
    const { clock, cwd } = stranger;
    const user = { ...env, ...more, ZOHO_ACCOUNTS_URL, ZOHO_API_URL, NGROK_AUTHTOKEN: "of-the-user" };
    return run(argv, { cwd, env: user, now: clock.now, sleep: clock.sleep, ...options });
  };

  it.each([
    [["channels", "create", "Leads.create", "--url", HOOK]],
    [["listen", "--port", "0", "--channel", "Leads.create"]],
    [["webhooks", "create", "invoice", "--product", "books", "--org", "1", "--url", HOOK]],
  ])("needs a yes before a stranger's account is given it by %s", async (argv) => {
    const { exitCode, err } = await inCloneAt(argv);
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/its owner could read ZOHO_WEBHOOK_(?:TOKEN|SECRET)/)]);
    expect(stranger.server.requests.filter(({ method, path }) => method !== "GET" && !path.includes("oauth"))).toEqual(
      [],
    );
  });

  it("needs none where it is a kept one that this account was given when it was made", async () => {
    const scopes = ["ZohoBooks.settings.CREATE", "ZohoBooks.settings.READ"];
    stranger.env.ZOHO_REFRESH_TOKEN = stranger.server.accounts.makeRefreshToken(scopes);
    const { ZOHO_ACCOUNTS_URL = "", ZOHO_API_URL = "" } = stranger.env;
    const options = { env: { ...env, ZOHO_ACCOUNTS_URL, ZOHO_API_URL } };
    const create = (module: string) =>
      inCloneAt(["webhooks", "create", module, "--product", "books", "--url", HOOK], options);
    const first = await create("invoice");
    expect([first.exitCode, first.err]).toEqual([0, expect.stringContaining("its secret is stored")]);
    const second = await create("item");
    expect(second.exitCode).toBe(0);
    rmSync(join(env.XDG_CONFIG_HOME ?? "", "zoho-hooks/approved.json"));
    const later = await create("item");
    expect([later.exitCode, later.err]).toEqual([2, expect.stringContaining("its owner could read")]);
  });

  it("is given after a yes, which is remembered", async () => {
    const argv = ["channels", "create", "Leads.create", "--url", HOOK];
    expect((await inCloneAt(argv, { prompts })).exitCode).toBe(0);
    expect((await inCloneAt(argv)).exitCode).toBe(0);
    expect(stranger.server.watch.rows()[0]?.token).toBe("of-the-user");
  });
});
