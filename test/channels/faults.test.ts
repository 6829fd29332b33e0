import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HOUR_MS } from "../../src/channels/expiry.ts";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "../support/run.ts";
import { TestClock } from "../support/test-clock.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const URL = "https://abc.example/webhooks/zoho/crm";
let server: ZohoServer;
let clock: TestClock;
let env: Record<string, string>;
let cwd: string;
let interrupt: AbortController;
beforeEach(async () => {
  clock = new TestClock();
  server = await startZohoServer(clock.now);
  cwd = tempFolder();
  interrupt = new AbortController();
  env = {
    ZOHO_CLIENT_ID: server.accounts.clientId,
    ZOHO_CLIENT_SECRET: server.accounts.clientSecret,
    ZOHO_REFRESH_TOKEN: server.accounts.makeRefreshToken(ALL_SCOPES),
    ZOHO_ACCOUNTS_URL: server.url,
    ZOHO_API_URL: server.url,
  };
});
afterEach(() => server.close());

const channels = (argv: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
  run(["channels", ...argv], { env, cwd, now: clock.now, sleep: clock.sleep, signal: interrupt.signal, ...options });
const create = (...argv: string[]): Promise<RunResult> => channels(["create", "Leads.create", "--url", URL, ...argv]);
const isWatch = (method: string) => (request: ApiRequest) =>
  request.method === method && request.path.endsWith("/actions/watch");
const writes = () => server.requests.filter(({ method, path }) => method !== "GET" && path.endsWith("/watch"));
/** A channel is remembered if it can be created again. */
const renewFromMemory = async (id: string): Promise<number> => {
  server.watch.drop(id);
  return (await channels(["renew", id])).exitCode;
};

describe("a channels command that is interrupted", () => {
  it.each([
    ["list", "watch"],
    ["list", "oauth"],
  ])("ends at once while it waits for Zoho, without a bug report: %s, %s", async (command, path) => {
    server.trouble("silence", 1, (request) => request.path.includes(path));
    const running = channels([command]);
    await server.seen((request) => request.path.includes(path));
    interrupt.abort("SIGINT");
    const { exitCode, err } = await running;
    expect([exitCode, err]).toEqual([130, ""]);
  });

  it("gives a script the status of the signal", async () => {
    server.trouble("silence");
    const running = channels(["list", "--json"]);
    await server.seen(() => true);
    interrupt.abort("SIGTERM");
    expect((await running).exitCode).toBe(143);
  });
});

/** A failing server that may be retried at once. */
const BUSY = { status: 503, headers: { "retry-after": "0" }, body: "<html>" };

describe("channels create without an answer", () => {
  it.each([
    ["is cut off", () => server.trouble("cut", 4, isWatch("POST"))],
    ["is a page of something else", () => server.trouble({ status: 200, body: "<html>" }, 4, isWatch("POST"))],
  ])("warns that the channel may exist, and keeps its token, if the answer %s", async (_, trouble) => {
    trouble();
    const { exitCode, err } = await create("--id", "4711");
    expect(exitCode).toBe(7);
    expect(err).toContain("channel 4711 may have been created");
    expect(err).not.toContain("Zoho refused to create channel 4711: zoho-hooks does not know this error code");
    expect(await renewFromMemory("4711")).toBe(0);
    expect(server.watch.rows()[0]?.token).toMatch(/.{30}/);
  });

  it("warns on Ctrl-C as well", async () => {
    server.trouble("silence", 1, isWatch("POST"));
    const running = create("--id", "4711");
    await server.seen(isWatch("POST"));
    interrupt.abort("SIGINT");
    const { exitCode, err } = await running;
    expect(exitCode).toBe(130);
    expect(err).toContain("channel 4711 may have been created");
    interrupt = new AbortController();
    expect(await renewFromMemory("4711")).toBe(0);
  });

  it.each(["cut", BUSY] as const)("does not warn if there is no access token because of %j", async (last) => {
    const isToken = ({ path }: ApiRequest): boolean => path === "/oauth/v2/token";
    server.trouble(BUSY, 3, isToken);
    server.trouble(last, 1, isToken);
    const { exitCode, err } = await create();
    expect(exitCode).toBe(7);
    expect(err).not.toContain("may have been created");
    expect((await channels(["list", "--json"])).out).not.toContain('"id"');
  });

  it.each([202, 207])("does not warn if an item is rejected with %i", async (status) => {
    const refusal = { code: "INVALID_DATA", message: "no", details: {}, status: "error" };
    server.trouble({ status, body: { watch: [refusal] } }, 1, isWatch("POST"));
    const { exitCode, err } = await create("--id", "4711");
    expect(exitCode).toBe(7);
    expect(err).not.toContain("may have been created");
  });

  it("forgets a channel that Zoho rejected, and restores what it knew before", async () => {
    const refusal = { code: "INVALID_DATA", message: "no", details: {}, status: "error" };
    server.trouble({ status: 400, body: { watch: [refusal] } }, 1, isWatch("POST"));
    const refused = await create("--id", "4711");
    expect(refused.exitCode).toBe(7);
    expect(refused.err).not.toContain("may have been created");
    expect(await renewFromMemory("4711")).toBe(7);

    await create("--id", "4712");
    const token = server.watch.rows()[0]?.token;
    server.watch.drop("4712");
    server.trouble({ status: 400, body: { watch: [refusal] } }, 1, isWatch("POST"));
    await create("--id", "4712");
    await renewFromMemory("4712");
    expect(server.watch.rows()[0]?.token).toBe(token);
  });
});

describe("channels delete", () => {
  it("reports what Zoho deleted if the list cannot be read afterwards", async () => {
    await create("--id", "4711");
    server.trouble(BUSY, 4, isWatch("GET"));
    const { exitCode, err } = await channels(["delete", "4711", "--yes"]);
    expect(exitCode).toBe(7);
    expect(err).toContain("its list could not be read afterwards: 4711\n");
    expect(err).toContain("zoho-hooks channels list --product crm");
    expect((await channels(["list", "--json"])).out).toBe("");
  });

  it("warns of what is unknown on Ctrl-C", async () => {
    await create("--id", "4711");
    server.trouble("silence", 1, isWatch("DELETE"));
    const running = channels(["delete", "4711", "--yes"]);
    await server.seen(isWatch("DELETE"));
    interrupt.abort("SIGINT");
    const { exitCode, err } = await running;
    expect([exitCode, err]).toEqual([130, expect.stringContaining("may have been deleted: Zoho did not answer: 4711")]);
  });
});

describe("channels renew", () => {
  it.each([
    ["PUT", "renewed"],
    ["POST", "created again"],
  ])("warns of what is unknown on Ctrl-C: %s", async (method, been) => {
    await create("--id", "4711", "--expires", "5h");
    if (method === "POST") clock.advance(8 * 24 * HOUR_MS);
    const before = writes().length;
    const isIt = (each: ApiRequest): boolean => isWatch(method)(each) && writes().length > before;
    server.trouble("silence", 1, isIt);
    const running = channels(["renew"]);
    await server.seen(isIt);
    interrupt.abort("SIGINT");
    const { exitCode, err } = await running;
    expect([exitCode, err]).toEqual([
      130,
      expect.stringContaining(`channel 4711 may have been ${been}: Zoho did not answer`),
    ]);
  });
});

describe("channels create", () => {
  it("reports a channel that it may not read back", async () => {
    const may = { ...env, ZOHO_REFRESH_TOKEN: server.accounts.makeRefreshToken(["ZohoCRM.notifications.CREATE"]) };
    const result = await channels(["create", "Leads.create", "--url", URL], { env: may });
    const id = server.watch.rows()[0]?.channelId;
    expect(id).toBeDefined();
    expect(result.exitCode).toBe(6);
    expect(result.err).toContain(`channel ${id} was created, until`);
    expect(result.err).toContain(`channels delete ${id}`);
  });
});

describe("channels renew --every", () => {
  const every = (onLine: (line: Record<string, unknown>) => void | Promise<void>) =>
    channels(["renew", "--every", "--json"], {
      sleep: clock.wait,
      onOut: (text) => void onLine(JSON.parse(text)),
      onErr: () => undefined,
    });

  it("warns that an access token alone expires within the hour", async () => {
    await create("--id", "1", "--expires", "5h");
    const token = server.accounts.makeAccessToken(ALL_SCOPES);
    const { lines, out, err } = await channels(["renew", "--every", "--json"], {
      env: { ZOHO_ACCESS_TOKEN: token, ZOHO_ACCOUNTS_URL: server.url, ZOHO_API_URL: server.url },
      onOut: (text) => void (text.includes("renewed") && interrupt.abort()),
      sleep: clock.wait,
    });
    expect(lines().find(({ type }) => type === "warning")?.message).toContain("nothing can be renewed after that");
    expect(out + err).not.toContain(token);
  });

  it("only shows the requests with --dry-run", async () => {
    await create("--id", "1", "--expires", "5h");
    const before = writes().length;
    const { exitCode, out } = await channels(["renew", "--every", "--dry-run"]);
    expect(exitCode).toBe(0);
    expect(out).toContain("PUT ");
    expect(writes()).toHaveLength(before);
  });

  it("does not undo changes made meanwhile", async () => {
    await create("--id", "1", "--expires", "5h");
    let renewals = 0;
    const running = every(async ({ state }) => {
      if (state !== "renewed") return;
      renewals++;
      if (renewals === 2) return interrupt.abort();
      await run(["channels", "create", "Deals.all", "--id", "1", "--url", `${URL}/new`], {
        env,
        cwd,
        now: clock.now,
      });
      clock.advance(134 * HOUR_MS);
    });
    expect((await running).exitCode).toBe(0);
    expect(server.watch.rows()).toMatchObject([{ module: "Deals", notifyUrl: `${URL}/new` }]);
  });

  it("keeps new channels alive, and continues when it cannot look for them", async () => {
    await create("--id", "1", "--expires", "5h");
    let made = false;
    const running = every(async ({ type, state, id }) => {
      // Reported before the next pause begins.
      if (type === "warning") setTimeout(() => clock.advance(16 * 60_000), 20);
      if (state === "renewed" && id === "2") interrupt.abort();
      if (state !== "renewed" || made) return;
      made = true;
      await run(["channels", "create", "Deals.all", "--url", URL, "--id", "2", "--expires", "1h"], {
        env,
        cwd,
        now: clock.now,
      });
      // The first look meets a failing server.
      const refusal = { code: "INVALID_REQUEST", message: "a bad moment", details: {}, status: "error" };
      server.trouble({ status: 400, body: refusal }, 1, isWatch("GET"));
      clock.advance(16 * 60_000);
    });
    expect((await running).exitCode).toBe(0);
    expect(server.watch.rows().find(({ channelId }) => channelId === "2")?.expiresAt).toBeGreaterThan(
      clock.now().getTime() + 6 * 24 * HOUR_MS,
    );
  });

  it("skips deleted channels of others, and one that cannot be kept alive stops no other", async () => {
    await create("--id", "1", "--expires", "5h");
    const elsewhere = { ...env, XDG_CONFIG_HOME: tempFolder() };
    const foreign = (...argv: string[]) => run(["channels", ...argv], { env: elsewhere, cwd, now: clock.now });
    let made = false;
    const warnings: unknown[] = [];
    const running = every(async ({ type, state, id, message }) => {
      if (type === "warning") warnings.push(message);
      if (state === "unknown") return interrupt.abort();
      if (state !== "renewed") return;
      if (id === "2") {
        await foreign("delete", "2", "--yes");
        clock.advance(134 * HOUR_MS);
      }
      if (made) return;
      made = true;
      for (const each of ["2", "3"])
        await foreign("create", "Deals.all", "--url", URL, "--id", each, "--expires", "1h");
      server.unusual.hideUrl("3");
      clock.advance(16 * 60_000);
    });
    const result = await running;
    expect(warnings).toEqual([expect.stringMatching(/^channel 3 is not kept alive: .*is listed without its URL/)]);
    expect(result.lines().filter(({ state }) => state === "unknown")).toMatchObject([
      { id: "2", reason: "it was deleted elsewhere, and is no longer kept alive" },
    ]);
    expect(server.watch.rows().some(({ channelId }) => channelId === "2")).toBe(false);
  });

  it("starts with none, and with one that cannot be kept alive", async () => {
    const elsewhere = { ...env, XDG_CONFIG_HOME: tempFolder() };
    const foreign = (...argv: string[]) => run(["channels", ...argv], { env: elsewhere, cwd, now: clock.now });
    await foreign("create", "Deals.all", "--url", URL, "--id", "3", "--expires", "5h");
    server.unusual.hideUrl("3");
    const said: unknown[] = [];
    const running = channels(["renew", "--every"], {
      sleep: clock.wait,
      onErr: (text) => {
        said.push(text);
        if (!text.includes("no channel yet")) return;
        void create("--id", "1", "--expires", "5h").then(() => clock.advance(16 * 60_000));
      },
      onOut: (text) => void (text.includes("renewed") && interrupt.abort()),
    });
    expect((await running).exitCode).toBe(0);
    expect(said.join("")).toContain("channel 3 is not kept alive");
    expect(said.join("")).toContain("now also keeping alive: 1");
  });

  it("creates a channel from elsewhere again that expired while it could not be renewed", async () => {
    const elsewhere = { ...env, XDG_CONFIG_HOME: tempFolder() };
    await run(["channels", "create", "Deals.all", "--url", URL, "--id", "2", "--expires", "5h"], {
      env: elsewhere,
      cwd,
      now: clock.now,
    });
    let slept = false;
    const running = every(({ state }) => {
      if (state === "created") interrupt.abort();
      if (state !== "renewed" || slept) return;
      slept = true;
      // The machine slept for longer than the channel's lifetime.
      setTimeout(() => clock.advance(200 * HOUR_MS), 20);
    });
    const states = (await running).lines().map(({ state }) => state);
    expect(states.filter((each) => each !== undefined)).toEqual(["renewed", "lost", "created"]);
  });

  it("does not create a channel again that was deleted here meanwhile", async () => {
    await create("--id", "1", "--expires", "5h");
    const running = every(async ({ state }) => {
      if (state === "unknown") return interrupt.abort();
      if (state !== "renewed") return;
      await run(["channels", "delete", "1", "--yes"], { env, cwd, now: clock.now });
      clock.advance(134 * HOUR_MS);
    });
    const result = await running;
    expect(result.exitCode).toBe(0);
    expect(result.lines().at(-1)).toMatchObject({
      state: "unknown",
      id: "1",
      reason: "it was deleted here, and is no longer kept alive",
    });
    expect(server.watch.rows()).toEqual([]);
  });
});

describe("channels create --id of a channel with a condition", () => {
  const conditionsOf = () => server.watch.rows().map(({ module, condition }) => [module, condition !== null]);

  it("removes it if no --fields is given, and sets it if one is", async () => {
    await create("Deals.edit", "--fields", "Deals:Stage", "--id", "1");
    expect(conditionsOf()).toEqual([
      ["Leads", false],
      ["Deals", true],
    ]);
    expect((await channels(["create", "Deals.edit", "--id", "1"])).exitCode).toBe(0);
    const put = writes().at(-1)?.json as { watch: Record<string, unknown>[] };
    expect(put.watch[0]).not.toHaveProperty("notification_condition");
    expect(conditionsOf()).toEqual([["Deals", false]]);
    server.watch.drop("1");
    expect((await channels(["renew", "1"])).exitCode).toBe(0);
    expect(conditionsOf()).toEqual([["Deals", false]]);
    expect((await channels(["create", "Deals.edit", "--id", "1", "--fields", "Stage"])).exitCode).toBe(0);
    expect(conditionsOf()).toEqual([["Deals", true]]);
  });
});
