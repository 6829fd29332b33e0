import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/channels/expiry.ts";
import { isWatch } from "../support/channel-world.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";
import { TestClock } from "../support/test-clock.ts";
import { startTestTunnel, type TestTunnel } from "../support/test-tunnel.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const LEAD = "5725767000003000064";
let tunnel: TestTunnel;
let zoho: ZohoServer;
let clock: TestClock;
let env: Record<string, string>;
let isDown: boolean;
let project: string;
const listeners: Listener[] = [];
const tunnels: TestTunnel[] = [];

beforeEach(async () => {
  clock = new TestClock();
  [tunnel, zoho] = await Promise.all([startTestTunnel(), startZohoServer(clock.now)]);
  tunnels.push(tunnel);
  project = tempFolder();
  isDown = false;
  zoho.trouble("cut", 999, (request) => isDown && isWatch("DELETE")(request));
  env = {
    ZOHO_HOOKS_TUNNEL: "ngrok",
    NGROK_AUTHTOKEN: "a-token-of-the-test",
    XDG_CONFIG_HOME: tempFolder(),
    ZOHO_CLIENT_ID: zoho.accounts.clientId,
    ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
    ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken(ALL_SCOPES),
    ZOHO_ACCOUNTS_URL: zoho.url,
    ZOHO_API_URL: zoho.url,
  };
});
afterEach(async () => {
  isDown = false;
  for (const each of listeners.splice(0)) await each.stop();
  await zoho.close();
  for (const each of tunnels.splice(0)) await each.close();
});

const options = (more: RunOptions = {}): RunOptions => ({
  ...{ now: clock.now, sleep: clock.wait, cwd: project, overrides: tunnel.overrides, env },
  ...more,
});

async function listen(argv: readonly string[], more: RunOptions = {}): Promise<Listener> {
  const listener = await startListener(argv, options(more));
  listeners.push(listener);
  return listener;
}

/** A channel whose listener could not delete it, as after `kill -9`. Resolves to its id. */
async function leaveBehind(more: RunOptions = {}, events = "Leads.create"): Promise<string> {
  const listener = await listen(["--channel", events], more);
  isDown = true;
  expect((await listener.stop()).exitCode).toBe(7);
  isDown = false;
  // Ids are made from the time and three random digits.
  clock.advance(1);
  return ids().at(-1) ?? "none";
}

const ids = (): readonly string[] => [...new Set(zoho.watch.rows().map(({ channelId }) => channelId))];
const linesOf = (of: Listener, type: string) => of.lines().filter((line) => line.type === type);
const statesOf = (of: Listener): unknown[] => linesOf(of, "channel").map(({ state }) => state);
const notesOf = (of: Listener): string => String(linesOf(of, "ready")[0]?.notes);
const countOf = (method: string): number => zoho.requests.filter(isWatch(method)).length;
const lockFiles = (): readonly string[] =>
  readdirSync(join(env.XDG_CONFIG_HOME ?? "", "zoho-hooks"))
    .filter((name) => name.startsWith("channel-"))
    .map((name) => join(env.XDG_CONFIG_HOME ?? "", "zoho-hooks", name));

describe("a channel that an earlier listen of the project left behind", () => {
  it("is taken over by listen --channel, in one request, with its token", async () => {
    const id = await leaveBehind();
    const before = zoho.watch.rows()[0];
    const of = await listen(["--channel", "Leads.create,Deals.all"]);
    const reason = "taken over: an earlier listen of this project left it behind";
    expect(linesOf(of, "channel")[0]).toMatchObject({ id, reason });
    expect(ids()).toEqual([id]);
    expect([countOf("POST"), countOf("PUT"), statesOf(of)]).toEqual([1, 1, ["updated"]]);
    expect(zoho.watch.rows().map(({ module, token }) => [module, token])).toEqual([
      ["Leads", before?.token],
      ["Deals", before?.token],
    ]);
    expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
    expect((await of.stop()).exitCode).toBe(0);
    expect([ids(), lockFiles()]).toEqual([[], []]);
  });

  it("gets the token that is configured by then", async () => {
    const id = await leaveBehind();
    await listen(["--channel", "Leads.create"], { env: { ...env, ZOHO_WEBHOOK_TOKEN: "t0ken" } });
    expect(zoho.watch.rows()).toMatchObject([{ channelId: id, token: "t0ken" }]);
    expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
  });

  it("is created again if Zoho does not have it any more", async () => {
    const id = await leaveBehind();
    zoho.watch.drop(id);
    const of = await listen(["--channel", "Leads.create"]);
    expect([ids(), statesOf(of)]).toEqual([[id], ["created"]]);
  });

  it("is deleted if Zoho does not let it be written", async () => {
    await leaveBehind();
    const before = countOf("DELETE");
    const refusal = { watch: [{ code: "INVALID_DATA", message: "no", details: {}, status: "error" }] };
    zoho.trouble({ status: 400, body: refusal }, 1, isWatch("PUT"));
    const of = await listen(["--channel", "Leads.create"]);
    expect(statesOf(of)).toEqual(["created"]);
    expect(countOf("DELETE")).toBe(before + 1);
    expect(zoho.watch.rows()).toHaveLength(1);
  });

  it("stays as it is if Zoho cannot be asked", async () => {
    const id = await leaveBehind();
    zoho.trouble(
      { status: 429, headers: { "retry-after": "0" }, body: { code: "TOO_MANY_REQUESTS" } },
      9,
      isWatch("PUT"),
    );
    const { exitCode } = await run(["listen", "--port", "0", "--channel", "Deals.all"], options());
    const memory = readFileSync(join(env.XDG_CONFIG_HOME ?? "", "zoho-hooks/channels.json"), "utf8");
    const { events } = JSON.parse(memory).channels[0];
    expect([exitCode, ids(), events]).toEqual([7, [id], ["Leads.create"]]);
    expect(notesOf(await listen(["--tunnel", "none"]))).toContain(`Channel ${id} is left over`);
  });

  it("is not taken over while its listener runs", async () => {
    await listen(["--channel", "Leads.create"]);
    const other = await startTestTunnel();
    tunnels.push(other);
    clock.advance(1);
    const of = await listen(["--channel", "Leads.create", "--store", "other.db"], { overrides: other.overrides });
    expect([ids().length, statesOf(of)]).toEqual([2, ["created"]]);
    expect(notesOf(of)).not.toContain("left over");
    // Of one change, the second notification counts as a repeat of the first.
    expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200, 200]);
  });
});

describe("a channel that a listen of another project left behind", () => {
  it("is deleted if it posts to the same URL", async () => {
    const id = await leaveBehind({ cwd: tempFolder() });
    const of = await listen(["--channel", "Leads.create"]);
    expect(statesOf(of)).toEqual(["created", "deleted"]);
    expect(linesOf(of, "channel")[1]).toMatchObject({ id, reason: "an earlier listen left it behind" });
    expect([ids().length, ids().includes(id), lockFiles().length]).toEqual([1, false, 1]);
  });

  it("is named with its delete command if it posts elsewhere", async () => {
    const id = await leaveBehind({ cwd: tempFolder() });
    const other = await startTestTunnel();
    tunnels.push(other);
    const of = await listen(["--channel", "Leads.create"], { overrides: other.overrides });
    expect(notesOf(of)).toContain(`To delete it: zoho-hooks channels delete ${id} --product crm`);
    expect(ids()).toHaveLength(2);
  });
});

describe("what is left behind, without taking it over", () => {
  it("is named by listen, without a request to Zoho", async () => {
    const id = await leaveBehind();
    const before = zoho.requests.length;
    const interrupt = new AbortController();
    const { err } = await run(["listen", "--port", "0", "--tunnel", "none"], {
      ...options({ signal: interrupt.signal }),
      onErr: (text) => void (text.includes("Ready.") && interrupt.abort()),
    });
    expect(err).toContain(
      `Channel ${id} is left over: its listen ended without deleting it, and it posts to ${tunnel.url}/webhooks/zoho/crm ` +
        `until 2026-03-08T08:00:00+00:00. To delete it: zoho-hooks channels delete ${id} --product crm`,
    );
    expect(zoho.requests.length).toBe(before);
  });

  it("is named after it was renewed, and no more once it has expired", async () => {
    const first = await listen(["--channel", "Leads.create"]);
    clock.advance(134 * HOUR_MS);
    await expect.poll(() => statesOf(first)).toEqual(["created", "renewed"]);
    isDown = true;
    await first.stop();
    clock.advance(6 * DAY_MS);
    expect(notesOf(await listen(["--tunnel", "none"]))).toContain("is left over");
    clock.advance(2 * DAY_MS);
    expect(notesOf(await listen(["--tunnel", "none", "--store", "other.db"]))).not.toContain("left over");
  });

  it("is marked by channels list", async () => {
    const id = await leaveBehind();
    const list = (...argv: string[]) => run(["channels", "list", ...argv], options());
    const text = await list();
    expect(text.out).toMatch(new RegExp(`^${id} +6d 23h, left over +Leads.create`, "m"));
    expect(text.err).toContain(`channel ${id} is left over: its listen ended without deleting it`);
    expect((await list("--json")).lines()).toMatchObject([
      {
        ...{ id, state: "listed", reason: "its listen ended without deleting it" },
        hint: `to delete it: zoho-hooks channels delete ${id} --product crm`,
      },
    ]);
    expect((await run(["channels", "delete", id, "--yes"], options())).err).not.toContain("uses channel");
  });

  it("is not while its listener runs", async () => {
    await listen(["--channel", "Leads.create"]);
    expect((await run(["channels", "list"], options())).out).not.toContain("left over");
    expect(notesOf(await listen(["--tunnel", "none"], { cwd: tempFolder() }))).not.toContain("left over");
  });

  it("is a channel whose listener's process has ended, or gives no sign of life", async () => {
    const running = await listen(["--channel", "Leads.create"]);
    const [path = ""] = lockFiles();
    const owner = readFileSync(path, "utf8");
    isDown = true;
    await running.stop();
    for (const [holder, text, minutesAgo, isLeft] of [
      ["another process with its process id", owner, 2, true],
      ["another machine, without a heartbeat for two minutes", elsewhere(owner), 2, true],
      ["another machine, with a heartbeat", elsewhere(owner), 0, false],
      ["a process of this machine that has ended", owner.replace(/\d+$/, "2147483646"), 0, true],
    ] as const) {
      writeFileSync(path, text);
      const at = new Date(Date.now() - minutesAgo * 60_000);
      utimesSync(path, at, at);
      expect((await run(["channels", "list"], options())).out.includes("left over"), holder).toBe(isLeft);
    }
  });
});

function elsewhere(owner: string): string {
  return owner.replace(/ .*$/, " another-machine//1");
}

describe("the channel of a listen", () => {
  it.each([
    ["left behind", leaveBehind, "its listen has ended: to delete it, zoho-hooks channels delete"],
    ["that runs", () => listen(["--channel", "Leads.create"]), "a running listen renews it: it is alive, 6d 23h left"],
  ])("%s is renewed by its id only", async (_, make, because) => {
    await make();
    const [id = ""] = ids();
    for (const flags of [[], ["--expiring", "30d"], ["--every"]]) {
      const interrupt = new AbortController();
      const { err } = await run(["channels", "renew", ...flags], {
        ...options({ signal: interrupt.signal }),
        onErr: (text) => void (text.includes("no channel yet") && interrupt.abort()),
      });
      expect(err).toContain(`channel ${id} is left out, because ${because}`);
    }
    expect(countOf("PUT")).toBe(0);
    clock.advance(HOUR_MS);
    expect((await run(["channels", "renew", id], options())).exitCode).toBe(0);
  });

  it("that runs is not deleted as dead while its tunnel is down", async () => {
    await listen(["--channel", "Leads.create"]);
    for (const row of zoho.watch.rows()) row.notifyUrl = "http://127.0.0.1:9/hook";
    await run(["channels", "delete", "--dead", "--yes"], options());
    expect(ids()).toHaveLength(1);
  });
});

describe("channels delete", () => {
  it("warns that a running listen uses the channel", async () => {
    await listen(["--channel", "Leads.create"]);
    const { err, exitCode } = await run(["channels", "delete", "--all", "--yes"], options());
    expect(err).toContain(`a running zoho-hooks listen uses channel`);
    expect(err).toContain("stop that listen instead");
    expect(exitCode).toBe(0);
  });
});
