import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/channels/expiry.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import type { Prompts } from "../../src/process/prompts.ts";
import { startListener } from "../support/listener.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "../support/run.ts";
import { TestClock } from "../support/test-clock.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const URL = "https://abc.example/webhooks/zoho/crm";
let server: ZohoServer;
let clock: TestClock;
let env: Record<string, string>;
let cwd: string;
beforeEach(async () => {
  clock = new TestClock();
  server = await startZohoServer(clock.now);
  cwd = tempFolder();
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
  run(["channels", ...argv], { env, cwd, now: clock.now, sleep: clock.sleep, ...options });
/** With Zoho's own servers, to which nothing is sent. */
const atZoho = (argv: readonly string[]): Promise<RunResult> =>
  channels(argv, { env: { ...env, ZOHO_ACCOUNTS_URL: undefined, ZOHO_API_URL: undefined } });
const create = (...argv: string[]): Promise<RunResult> => channels(["create", ...argv, "--url", URL, "--json"]);
const watchRequests = (method: string) =>
  server.requests.filter((each) => each.method === method && each.path.endsWith("/actions/watch"));
const answering = (answer: boolean): Prompts => {
  const never = () => Promise.reject(new Error("not asked for"));
  return { confirm: async () => answer, text: never, secret: never, choose: never, chooseMany: never };
};

describe("channels create without --url", () => {
  const withoutUrl = () => channels(["create", "Leads.create"]);
  const holdLog = async (url: string | undefined) => {
    const log = await openLog({ path: join(cwd, ".zoho-hooks", "events.db"), now: clock.now });
    const hold = await log.lock({ pid: 4711, url, since: clock.now() });
    if (!hold.held) throw new Error("nobody else can hold a new log");
    return { log, hold };
  };

  it("uses the current URL of the running listen", async () => {
    const { log, hold } = await holdLog("https://first.example");
    await hold.setUrl("https://second.example/base");
    expect((await withoutUrl()).exitCode).toBe(0);
    expect(server.watch.rows()[0]?.notifyUrl).toBe("https://second.example/base/webhooks/zoho/crm");
    await hold.release();
    await log.close();
  });

  it("requires --url if no listener runs, even if one did before", async () => {
    const missing = await atZoho(["create", "Leads.create"]);
    expect(missing).toMatchObject({ exitCode: 2, err: expect.stringContaining("--url https://") });
    const { log, hold } = await holdLog("https://first.example");
    await hold.release();
    await log.close();
    const { exitCode, err } = await atZoho(["create", "Leads.create"]);
    expect(exitCode).toBe(2);
    expect(err).toContain("no listener with a public https URL is running in this project");
  });

  it("rejects a listener that Zoho cannot reach", async () => {
    const listener = await startListener(["--tunnel", "none"], { cwd, env, now: clock.now });
    const { exitCode, err } = await atZoho(["create", "Leads.create"]);
    expect(exitCode).toBe(2);
    expect(err).toContain(`no public https URL, only ${listener.url}`);
    await listener.stop();
  });
});

describe("channels create", () => {
  it("creates a channel of just under the longest lifetime, without related records, with a masked token", async () => {
    const result = await create("Leads.create", "Deals.update");
    expect(result.exitCode).toBe(0);
    const [row] = server.watch.rows();
    expect(row).toMatchObject({ related: false, values: false, notifyUrl: URL, events: ["Leads.create"] });
    expect(row?.expiresAt).toBe(clock.now().getTime() + 7 * DAY_MS - HOUR_MS);
    expect(row?.token).toMatch(/^[\w-]{20,50}$/);
    expect(result.lines()).toMatchObject([
      {
        v: 1,
        type: "channel",
        state: "created",
        id: row?.channelId,
        events: ["Leads.create", "Deals.edit"],
        token: "[masked]",
        expires_at: "2026-03-08T08:00:00.000Z",
      },
    ]);
    expect(result.out + result.err).not.toContain(row?.token);
  });

  it("rejects an expiry that Zoho would cut to an hour, before asking Zoho", async () => {
    const result = await create("Leads.all", "--expires", "30d");
    expect(result.exitCode).toBe(2);
    expect(result.err).toContain("Zoho would silently make it one hour");
    expect(server.requests).toHaveLength(0);
  });

  it("warns when Zoho grants less than was asked for", async () => {
    const body = (expiry: string) => ({
      watch: [
        {
          code: "SUCCESS",
          details: { events: [{ channel_id: "1", channel_expiry: expiry, resource_name: "Leads" }] },
          status: "success",
        },
      ],
    });
    server.trouble(
      { status: 201, body: body("2026-03-01T10:00:00+00:00") },
      1,
      (each) => each.method === "POST" && each.path.includes("watch"),
    );
    const result = await create("Leads.all", "--id", "1");
    expect(result.exitCode).toBe(0);
    expect(result.lines().at(-1)).toMatchObject({ type: "warning" });
    expect(String(result.lines().at(-1)?.message)).toContain("granted 1h instead of 6d 23h");
  });

  it("rejects a URL with a password, and masks a token in one", async () => {
    const at = (url: string) => channels(["create", "Leads.create", "--url", url]);
    const refused = await at("https://u:p4ss@example.com/h");
    expect([refused.exitCode, refused.err]).toEqual([2, expect.stringContaining("user name or password")]);
    const made = await at("https://example.com/h?token=h1dden");
    expect(made.out).toContain("https://example.com/h?token=[masked]");
    expect(refused.err + made.out).not.toMatch(/p4ss|h1dden/);
    expect(watchRequests("POST")[0]?.json).toMatchObject({
      watch: [{ notify_url: "https://example.com/h?token=h1dden" }],
    });
  });

  it("shows no token of a truncated answer", async () => {
    const body = '{"watch":[{"channel_id":"17","token":"h1dden","notify_url":"https://example.com/h?auth=h1dden","eve';
    server.trouble({ status: 200, body }, 9, (each) => each.path.includes("watch"));
    const { exitCode, err } = await channels(["list"]);
    expect(exitCode).toBe(7);
    expect(err).toContain("[masked]");
    expect(err).not.toContain("h1dden");
  });

  it("looks up the ids for a condition on fields", async () => {
    const result = await create("Deals.edit", "--fields", "Stage,Amount", "--values");
    expect(result.exitCode).toBe(0);
    expect(watchRequests("POST")[0]?.json).toMatchObject({
      watch: [
        {
          return_affected_field_values: true,
          notification_condition: [
            { type: "field_selection", module: { api_name: "Deals", id: "554023000000000131" } },
          ],
        },
      ],
    });
    const [channel] = result.lines();
    const shown = await channels(["show", String(channel?.id)]);
    expect(shown.out).toMatch(/^ {2}only when +Stage or Amount of Deals changes$/m);
  });

  it.each([
    [["Stage", "or", ["Account_Name", "and", "Lead_Source"]], "Stage or (Account_Name and Lead_Source)"],
    [["Stage", "or", ["Amount", "or", ["Owner", "or", "Type"]]], "Stage, Amount, Owner or Type"],
    [[["Stage", "or", "Amount"], "and", "Owner"], "(Stage or Amount) and Owner"],
  ])("shows a condition that was made elsewhere in words: %j", async (selection, shown) => {
    const selectionOf = (part: unknown): unknown =>
      Array.isArray(part)
        ? { group_operator: part[1], group: [part[0], part[2]].map(selectionOf) }
        : { field: { api_name: part, id: "554023000000000525" }, group_operator: null, group: null };
    const module = { api_name: "Deals", id: "554023000000000131" };
    const condition = { type: "field_selection", module, field_selection: selectionOf(selection) };
    const row = { channel_id: "1", resource_name: "Deals", events: ["Deals.edit"], notify_url: URL, token: null };
    const watch = [{ ...row, notification_condition: [condition] }];
    server.trouble({ status: 200, body: { watch } }, 1, (each) => each.path.includes("watch"));
    const { out } = await channels(["show", "1"]);
    expect(out).toMatch(/^ {2}only when +(.*) of Deals changes$/m);
    expect(out).toContain(` ${shown} of Deals changes\n`);
  });

  it.each([
    [["Leads.create", "Deals.edit", "--fields", "Stage"], "does not name its module"],
    [["Leads.create", "--fields", "Deals:Stage"], "no event of Deals"],
    [["Deals.edit", "--fields", "Stage", "--fields", "Deals:Amount"], "are already given"],
    [["Leads.craete"], "Leads.craete"],
    [["Leads.constructor"], "Leads.constructor"],
    [["Contacts.all", "--product", "bigin", "--values"], "does not document --values"],
    [["Contacts.all", "--product", "bigin", "--fields", "Email"], "does not document --fields"],
    [["Leads.all", "--product", "mail"], "has no notification channels"],
    [["Leads.all", "--id", "abc"], "is not a channel id"],
  ])("is a usage error with %j", async (argv, text) => {
    const result = await create(...argv);
    expect(result.exitCode).toBe(2);
    expect(result.err).toContain(text);
    expect(watchRequests("POST")).toHaveLength(0);
  });

  it("writes known modules in Zoho's case, and others as given", async () => {
    const { out } = await channels([
      "create",
      "leads.ALL",
      "sales_orders.create",
      "my_things.edit",
      "--url",
      URL,
      "--dry-run",
    ]);
    expect(out).toMatch(/Leads\.all".*"Sales_Orders\.create".*"my_things\.edit"/s);
  });

  it("shows its request instead of sending it, without tokens", async () => {
    const result = await channels(["create", "Leads.all", "--url", URL, "--dry-run"]);
    expect(result.exitCode).toBe(0);
    expect(result.out).toContain(`POST ${server.url}/crm/v8/actions/watch`);
    expect(result.out).toContain('"token":"[masked]"');
    expect(server.requests).toHaveLength(0);
  });

  it("shows Zoho's code, what it means and what to do", async () => {
    env.ZOHO_REFRESH_TOKEN = server.accounts.makeRefreshToken(["ZohoCRM.notifications.READ"]);
    const result = await create("Leads.all");
    expect(result.exitCode).toBe(6);
    const { error } = JSON.parse(result.err);
    expect(error).toMatchObject({ code: "oauth_scope_mismatch" });
    expect(error.message).toContain("ZohoCRM.notifications.CREATE (or ZohoCRM.notifications.ALL)");
    expect(error.hint).toContain("set ZOHO_REFRESH_TOKEN to a new one");
  });

  it("shows requests with --verbose, without secrets", async () => {
    const result = await channels(["create", "Leads.all", "--url", URL, "--verbose"]);
    expect(result.err).toContain(`POST ${server.url}/oauth/v2/token 200`);
    expect(result.err).toContain("authorization: Zoho-oauthtoken [masked]");
    for (const secret of [server.accounts.clientSecret, env.ZOHO_REFRESH_TOKEN, server.watch.rows()[0]?.token]) {
      expect(result.err + result.out).not.toContain(secret);
    }
  });

  it.each([
    ["http://localhost:4460", "not a public address"],
    ["https://10.1.2.3", "not a public address"],
    ["https://172.31.0.9", "not a public address"],
    ["https://192.168.1.7", "not a public address"],
    ["https://[fd00::1]", "not a public address"],
    ["http://hooks.example", "not https"],
    ["https://172.32.0.9", undefined],
  ])("warns of a URL that Zoho cannot reach: %s", async (origin, why) => {
    const { exitCode, err } = await atZoho(["create", "Leads.all", "--url", `${origin}/x`, "--dry-run"]);
    expect(exitCode).toBe(0);
    if (why === undefined) expect(err).not.toContain("Zoho may not");
    else expect(err).toContain(`Zoho may not be able to post to ${origin}: it is ${why}`);
  });
});

describe("channels list and show", () => {
  it("list channels, soonest to expire first, with masked tokens", async () => {
    await create("Leads.all", "--id", "1105420521999070702", "--expires", "3d");
    await create("Deals.all", "--id", "2", "--expires", "5h");
    const listed = await channels(["list", "--json"]);
    expect(listed.lines().map(({ id, time_left_ms }) => [id, time_left_ms])).toEqual([
      ["2", 5 * HOUR_MS],
      ["1105420521999070702", 3 * DAY_MS],
    ]);
    const token = server.watch.rows()[0]?.token ?? "";
    const text = await channels(["list"]);
    expect(text.out).toMatch(/channel +time left +events/);
    expect(text.out).toContain("5h");
    expect(text.out).not.toContain(token);
    expect((await channels(["show", "1105420521999070702", "--show-secrets"])).out).toContain(token);
    const shown = await channels(["show", "1105420521999070702"]);
    expect(shown.out).toContain("Leads.edit, Leads.create, Leads.delete");
  });

  it("exits with 8 when a channel expires within the time, and with 0 when none does", async () => {
    expect((await channels(["list", "--expiring", "24h"])).exitCode).toBe(0);
    await create("Leads.all", "--expires", "3d");
    expect((await channels(["list", "--expiring", "24h"])).exitCode).toBe(0);
    const soon = await channels(["list", "--expiring", "4d", "--json"]);
    expect(soon.exitCode).toBe(8);
    expect(soon.lines()).toHaveLength(1);
  });

  it("reports that there are none, and exits with 7 for an unknown one", async () => {
    const none = await channels(["list"]);
    expect([none.exitCode, none.out]).toEqual([0, ""]);
    expect(none.err).toContain("no Zoho CRM channel");
    const gone = await channels(["show", "9"]);
    expect(gone.exitCode).toBe(7);
  });
});

describe("channels renew", () => {
  it("shows the old and new end, and keeps the rest", async () => {
    await create("Deals.edit", "--id", "1", "--fields", "Stage", "--values", "--expires", "1d");
    const before = structuredClone(server.watch.rows()[0]);
    const result = await channels(["renew", "1"]);
    expect(result.exitCode).toBe(0);
    expect(result.out).toContain("renewed crm 1  2026-03-02T09:00:00Z → 2026-03-08T08:00:00Z (6d 23h left)");
    expect(server.watch.rows()[0]).toEqual({ ...before, expiresAt: Date.parse("2026-03-08T08:00:00Z") });
  });

  it("renews only those that expire soon with --expiring", async () => {
    await create("Leads.all", "--id", "1", "--expires", "3d");
    await create("Leads.all", "--id", "2", "--expires", "5h");
    const result = await channels(["renew", "--expiring", "24h", "--json"]);
    expect(result.lines().map(({ id, state }) => [id, state])).toEqual([["2", "renewed"]]);
  });

  it("creates a lost channel again from what is stored", async () => {
    await create("Leads.all", "--id", "1", "--expires", "1d");
    const token = server.watch.rows()[0]?.token;
    clock.advance(2 * DAY_MS);
    const result = await channels(["renew", "1", "--json"]);
    expect(result.exitCode).toBe(0);
    expect(result.lines()).toMatchObject([{ state: "created", id: "1" }]);
    expect(server.watch.rows()[0]).toMatchObject({ token, notifyUrl: URL, related: false });
  });

  it("fails for an unknown channel, and if the new end is not later", async () => {
    expect((await channels(["renew", "99"])).err).toContain("created elsewhere, or deleted");
    await create("Leads.all", "--id", "1", "--expires", "3d");
    const result = await channels(["renew", "1", "--expires", "2d"]);
    expect(result.exitCode).toBe(7);
    expect(result.err).toContain("2026-03-04T09:00:00+00:00 → 2026-03-03T09:00:00+00:00); nothing was changed");
    expect(server.watch.rows()[0]?.expiresAt).toBe(Date.parse("2026-03-04T09:00:00Z"));
  });

  it("renews the others when one fails, and exits with its code", async () => {
    await create("Leads.all", "--id", "1", "--expires", "1d");
    await create("Leads.all", "--id", "2", "--expires", "2d");
    server.unusual.refuse("1", { code: "INVALID_DATA", message: "invalid data" });
    const result = await channels(["renew", "--json"]);
    expect(result.exitCode).toBe(7);
    expect(result.lines().map(({ id, state }) => [id, state])).toEqual([
      ["1", "expiring"],
      ["2", "renewed"],
    ]);
    expect(String(result.lines()[0]?.reason)).toContain("INVALID_DATA");
  });

  it("keeps channels alive with --every until stopped: renews late ones at once, creates lost ones again", async () => {
    await create("Leads.all", "--id", "1", "--expires", "1d");
    await create("Leads.all", "--id", "2", "--expires", "1h");
    // It expires before its first renewal.
    let puts = 0;
    server.trouble("cut", 1, (each) => {
      if (each.method === "PUT" && ++puts === 1) clock.advance(HOUR_MS);
      return false;
    });
    const stop = new AbortController();
    const seen = new Set<unknown>();
    const result = await channels(["renew", "--every", "--json"], {
      sleep: clock.wait,
      signal: stop.signal,
      onOut(text) {
        const { id, state } = JSON.parse(text);
        if (state === "renewed" && id === "1") seen.add(id);
        if (state === "created" && id === "2") seen.add(id);
        if (seen.size === 2) stop.abort();
      },
    });
    expect(result.exitCode).toBe(0);
    expect(
      result
        .lines()
        .filter(({ id }) => id === "2")
        .map(({ state }) => state),
    ).toEqual(["lost", "created"]);
    for (const id of ["1", "2"]) expect(server.watch.isAlive(id)).toBe(true);
  });
});

describe("channels create --id of a channel that Zoho lists", () => {
  const writes = () => server.requests.filter(({ method, path }) => method !== "GET" && path.endsWith("/watch"));

  it("replaces it by one PUT, and keeps its URL and its token", async () => {
    await create("Leads.all", "--id", "1", "--expires", "3d", "--related", "--values");
    const before = structuredClone(server.watch.rows()[0]);
    const result = await channels(["create", "Deals.edit", "--id", "1", "--json"]);
    expect(result.exitCode).toBe(0);
    expect(result.lines()).toMatchObject([
      { state: "updated", id: "1", events: ["Deals.edit"], notify_url: URL, related: false, values: false },
    ]);
    expect(server.watch.rows()).toMatchObject([
      {
        ...{ module: "Deals", events: ["Deals.edit"], notifyUrl: URL, token: before?.token },
        ...{ related: false, values: false, expiresAt: clock.now().getTime() + 7 * DAY_MS - HOUR_MS },
      },
    ]);
    expect(writes().map(({ method }) => method)).toEqual(["POST", "PUT"]);
    expect(result.out + result.err).not.toContain("a new token");
  });

  it("gives it another URL, token and expiry", async () => {
    await create("Leads.all", "--id", "1");
    const argv = ["create", "Leads.all", "--id", "1", "--url", "https://new.example/hook", "--expires", "2h"];
    const given = { env: { ...env, ZOHO_WEBHOOK_TOKEN: "t0ken" } };
    expect((await channels([...argv, "--values"], given)).exitCode).toBe(0);
    expect(server.watch.rows()).toMatchObject([
      {
        ...{ notifyUrl: "https://new.example/hook", token: "t0ken", values: true },
        expiresAt: clock.now().getTime() + 2 * HOUR_MS,
      },
    ]);
  });

  it("shows its PUT with --dry-run, and changes nothing", async () => {
    await create("Leads.all", "--id", "1");
    const { exitCode, out } = await channels(["create", "Deals.all", "--id", "1", "--dry-run"]);
    expect([exitCode, out]).toEqual([0, expect.stringContaining(`PUT ${server.url}/crm/v8/actions/watch`)]);
    expect(writes()).toHaveLength(1);
  });

  it("leaves it as it is if Zoho refuses that", async () => {
    await create("Leads.all", "--id", "1");
    const before = structuredClone(server.watch.rows());
    expect((await channels(["create", "Nothing.all", "--id", "1"])).exitCode).toBe(7);
    expect(server.watch.rows()).toEqual(before);
    server.watch.drop("1");
    expect((await channels(["renew", "1"])).exitCode).toBe(0);
    expect(server.watch.rows()).toMatchObject([{ module: "Leads" }]);
  });
});

describe("channels create --id of a channel that Zoho does not list", () => {
  it("creates it, and needs a URL", async () => {
    expect((await atZoho(["create", "Leads.all", "--id", "1"])).err).toContain("--url https://");
    expect((await create("Leads.all", "--id", "1")).lines()).toMatchObject([{ state: "created", id: "1" }]);
  });
});

describe("channels delete", () => {
  it("asks, and changes nothing if the answer is no", async () => {
    await create("Leads.create", "--id", "1");
    expect((await channels(["delete", "1"], { prompts: answering(false) })).err).toContain("nothing was changed");
    expect(server.watch.isAlive("1")).toBe(true);
    expect((await channels(["delete", "1"], { prompts: answering(true) })).out).toContain("deleted crm 1");
    expect(server.watch.isAlive("1")).toBe(false);
  });

  it.each([[[]], [["1", "--all"]], [["--all", "--dead"]], [["1", "--dead"]]])(
    "is told one way what to delete: %j",
    async (argv) => {
      const { exitCode, err } = await channels(["delete", ...argv, "--yes"]);
      expect([exitCode, err]).toEqual([2, expect.stringContaining("give the ids of the channels, --all or --dead")]);
    },
  );

  it("needs --yes without a terminal, and confirms by the list", async () => {
    await create("Leads.all", "--id", "1");
    const unasked = await channels(["delete", "1"]);
    expect([unasked.exitCode, server.watch.isAlive("1")]).toEqual([2, true]);
    expect(unasked.err).toContain("--yes");
    const lie = { watch: [{ code: "SUCCESS", details: { channel_id: "1" }, message: "gone", status: "success" }] };
    server.trouble({ status: 200, body: lie }, 1, (each) => each.method === "DELETE");
    const lied = await channels(["delete", "1", "--yes", "--json"]);
    expect(lied.exitCode).toBe(7);
    expect(lied.lines()).toMatchObject([{ state: "not_deleted", reason: "Zoho still lists it" }]);
    const done = await channels(["delete", "1", "1", "--yes", "--json"]);
    expect([done.exitCode, done.lines().map(({ state }) => state)]).toEqual([0, ["deleted"]]);
    const again = await channels(["delete", "1", "--yes", "--json"]);
    expect([again.exitCode, again.lines()[0]?.state]).toEqual([7, "unknown"]);
  });

  it("deletes all, and with --dead those created here whose URL is dead", async () => {
    const closed = await startZohoServer();
    await closed.close();
    const at = (url: string, id: string) => channels(["create", "Leads.all", "--id", id, "--url", url]);
    await at(`${server.url}/alive`, "1");
    await at(`${closed.url}/dead`, "2");
    await at(`${closed.url}/foreign`, "3");
    // Created by another team: known to Zoho, but not here.
    const memory = join(cwd, ".config/zoho-hooks/channels.json");
    const { channels: kept } = JSON.parse((await import("node:fs")).readFileSync(memory, "utf8"));
    writeFileSync(memory, JSON.stringify({ channels: kept.filter((each: { id: string }) => each.id !== "3") }));
    const shown = await channels(["delete", "--dead", "--dry-run", "--yes", "--json"]);
    expect([shown.exitCode, watchRequests("DELETE")]).toEqual([0, []]);
    expect(shown.lines()).toMatchObject([{ type: "api_request", method: "DELETE", sent: false }]);
    const result = await channels(["delete", "--dead", "--yes", "--json"]);
    expect(result.exitCode).toBe(0);
    expect(result.lines()).toMatchObject([{ state: "deleted", id: "2" }]);
    expect((await channels(["delete", "--all", "--yes", "--json"])).lines().map(({ id }) => id)).toEqual(["1", "3"]);
  });
});

describe("channels delete --dead", () => {
  it("forgets expired channels, but neither with --dry-run nor without a yes", async () => {
    await create("Leads.all", "--id", "1", "--expires", "1d");
    clock.advance(2 * DAY_MS);
    await channels(["delete", "--dead", "--dry-run"]);
    const { exitCode, out, err } = await channels(["delete", "--dead"]);
    expect([exitCode, out + err]).toEqual([2, expect.stringContaining('"Forget 1, which Zoho no longer lists?"')]);
    expect(out + err).not.toContain("forgotten");
    expect((await channels(["renew", "1", "--dry-run"])).exitCode).toBe(0);
    expect((await channels(["delete", "--dead", "--yes"])).exitCode).toBe(0);
    expect((await channels(["renew", "1", "--dry-run"])).err).toContain("created elsewhere, or deleted");
  });
});

describe("the sign-in of channels", () => {
  it("is required", async () => {
    const result = await channels(["list"], { env: {} });
    expect(result.exitCode).toBe(6);
    expect(result.err).toContain("zoho-hooks login");
  });

  it("uses one access token for many commands", async () => {
    for (let i = 0; i < 3; i++) await channels(["list"]);
    expect(server.tokenRequests()).toHaveLength(1);
  });
});
