import { describe, expect, it, onTestFinished } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/channels/expiry.ts";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import {
  channelId,
  clock,
  interrupt,
  linesOf,
  listen,
  start,
  startChannelListeners,
  statesOf,
  tunnel,
  world,
  zoho,
} from "../support/channel-listener.ts";
import { isWatch } from "../support/channel-world.ts";
import type { Listener } from "../support/listener.ts";
import { type RunOptions, run } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

const LEAD = "5725767000003000064";
startChannelListeners();

/** An event as the guide prints it. */
const guideBody = (more: object): string =>
  JSON.stringify({ module: "Leads", operation: "create", ids: [LEAD], data: { id: LEAD, Last_Name: "Doe" }, ...more });

describe("listen --channel", () => {
  it("creates the channel once its public URL leads here, then is ready and shows the time left", async () => {
    const of = await listen();
    const [row] = zoho.watch.rows();
    expect(row).toMatchObject({ notifyUrl: `${tunnel.url}/webhooks/zoho/crm`, related: false });
    expect(of.lines().map(({ type }) => type)).toEqual(["channel", "ready"]);
    const expected = { kind: "channel", product: "crm", id: row?.channelId, events: ["Leads.create", "Deals.all"] };
    expect(linesOf(of, "ready")[0]?.registered).toEqual([
      {
        ...expected,
        expires_at: new Date(clock.now().getTime() + 7 * DAY_MS - HOUR_MS).toISOString(),
        time_left_ms: 7 * DAY_MS - HOUR_MS,
      },
    ]);
    expect(JSON.stringify(of.lines())).not.toContain(row?.token);
  });

  it("has Zoho post to the app's own path, also after a move, and forwards to the same one", async () => {
    const app = await startTarget();
    onTestFinished(app.close);
    const of = await listen([String(app.port)], { ZOHO_HOOKS_PATHS: "/api/hooks/crm=crm,/api/*=auto" });
    const urls = (): unknown => zoho.watch.rows().map(({ notifyUrl }) => notifyUrl);
    expect(urls()).toEqual(Array(2).fill(`${tunnel.url}/api/hooks/crm`));
    expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
    await of.line("forward", { state: "delivered" });
    expect(app.seen.map(({ path }) => path)).toEqual(["/api/hooks/crm"]);
    tunnel.goDown();
    tunnel.comeBack("localhost");
    await expect.poll(() => statesOf(of)).toEqual(["created", "updated"]);
    expect(urls()).toEqual(Array(2).fill(`${tunnel.url}/api/hooks/crm`));
  });

  it("shows how long the channel lasts", async () => {
    const { out, err } = await run(["listen", "--port", "0", "--channel", "Leads.create"], {
      ...world(),
      onErr: (text) => void (text.includes("Ready.") && interrupt.abort()),
    });
    expect(err).toMatch(/^ {2}registered {3}crm Leads\.create \(channel \d+, 6d 23h left\)$/m);
    expect(out).toContain("deleted crm");
  });

  it("receives deliveries, verifies them by the channel's token, and rejects those with another or none", async () => {
    const of = await listen();
    expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
    expect(await of.event(1)).toMatchObject({ format: "wire", event: "Leads.create", schema: { ok: true } });
    expect((await of.event(1)).signatures).toContainEqual(
      expect.objectContaining({ id: "token", result: "verified", reason: `the token is channel ${channelId()}` }),
    );
    const url = zoho.watch.rows()[0]?.notifyUrl ?? "";
    for (const token of ["of-a-stranger", undefined]) {
      const body = { module: "Leads", operation: "insert", ids: [LEAD], channel_id: channelId(), token };
      const headers = { "content-type": "application/json" };
      expect((await fetch(url, { method: "POST", body: JSON.stringify(body), headers })).status).toBe(401);
    }
    expect((await of.event(3)).status).toBe(401);
  });

  it("accepts the configured token as well", async () => {
    const of = await listen([], { ZOHO_WEBHOOK_TOKEN: "t0ken" });
    expect((await of.post("/webhooks/zoho/crm", guideBody({ token: "t0ken" }))).status).toBe(200);
    expect((await of.event(1)).signatures).toMatchObject([{ id: "token", result: "verified" }, {}]);
    expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
  });

  it("suggests a sample that is not rejected for lack of the channel's token", async () => {
    const { err } = await run(["listen", "--port", "0", "--channel", "Leads.create"], {
      ...world(),
      errTTY: true,
      onErr: (text) => void (text.includes("Ready.") && interrupt.abort()),
    });
    expect(err).toContain("Ready.");
    expect(err).not.toContain("try it");
  });

  it("renews it in time, with new access tokens, and shows its expiry", async () => {
    const of = await listen();
    const before = zoho.watch.rows()[0]?.expiresAt ?? 0;
    clock.advance(134 * HOUR_MS);
    await expect.poll(() => statesOf(of)).toEqual(["created", "renewed"]);
    const lifetimeMs = 7 * DAY_MS - HOUR_MS;
    expect(zoho.watch.rows()[0]?.expiresAt).toBe(clock.now().getTime() + lifetimeMs);
    expect(linesOf(of, "channel")[1]).toMatchObject({
      previous_expires_at: new Date(before).toISOString(),
      time_left_ms: lifetimeMs,
    });
    expect(zoho.tokenRequests()).toHaveLength(2);
    expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
  });

  it("deletes it on Ctrl-C and confirms by the list, while deliveries still arrive", async () => {
    const of = await listen();
    const late: Promise<unknown>[] = [];
    zoho.trouble("cut", 1, (request) => {
      if (isWatch("DELETE")(request)) late.push(zoho.notify("Leads.create", [LEAD]));
      return false;
    });
    const { exitCode } = await of.stop();
    expect(exitCode).toBe(0);
    expect(zoho.watch.rows()).toEqual([]);
    expect(zoho.requests.slice(-2).map(({ method }) => method)).toEqual(["DELETE", "GET"]);
    expect(statesOf(of)).toEqual(["created", "deleted"]);
    expect(await Promise.all(late)).toEqual([[200]]);
  });

  it("exits with 7 and shows the delete command if Zoho cannot be reached at the end", async () => {
    const of = await listen();
    zoho.trouble("cut", 99);
    const { exitCode } = await of.stop();
    expect(exitCode).toBe(7);
    expect(linesOf(of, "channel").at(-1)).toMatchObject({
      state: "not_deleted",
      hint: `delete it with zoho-hooks channels delete ${channelId()} --yes --product crm`,
    });
  });

  it("exits with 7 if Zoho still lists it", async () => {
    const of = await listen();
    const yes = { code: "SUCCESS", details: { channel_id: channelId() }, message: "", status: "success" };
    zoho.trouble({ status: 200, body: { watch: [yes] } }, 1, isWatch("DELETE"));
    expect((await of.stop()).exitCode).toBe(7);
    expect(statesOf(of)).toEqual(["created", "not_deleted"]);
  });

  it("moves it to the tunnel's new URL, and retries until it succeeds", async () => {
    const of = await listen();
    clock.advance(1000);
    // Neither the renewal nor the POST that follows a refused one.
    const isWrite = (each: ApiRequest): boolean => isWatch("PUT")(each) || isWatch("POST")(each);
    zoho.trouble({ status: 400, body: { code: "INTERNAL_ERROR", message: "no", details: {} } }, 2, isWrite);
    tunnel.goDown();
    tunnel.comeBack("localhost");
    await expect.poll(() => statesOf(of)).toEqual(["created", "updated"]);
    expect(zoho.watch.rows().map(({ notifyUrl }) => notifyUrl)).toEqual(
      Array(2).fill(`${tunnel.url}/webhooks/zoho/crm`),
    );
    expect(linesOf(of, "warning").at(-1)?.message).toContain("does not post to");
    expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
  });

  it("creates it again after the machine slept past its end, and says since when changes are missed", async () => {
    const of = await listen();
    const end = zoho.watch.rows()[0]?.expiresAt ?? 0;
    clock.advance(8 * DAY_MS);
    await expect.poll(() => statesOf(of)).toEqual(["created", "lost", "created"]);
    expect(linesOf(of, "channel")[1]).toMatchObject({
      reason: "it expired: Zoho no longer lists it",
      previous_expires_at: new Date(end).toISOString(),
      hint: "recreating it as soon as possible; changes after 2026-03-08T08:00:00+00:00 are missed",
    });
  });

  it.each([
    [{ status: 429, body: { code: "TOO_MANY_REQUESTS" } }, /^retrying until it is renewed$/],
    [{ status: 200, body: "<html>" }, /^retrying until it is renewed; .*whether a proxy answered/],
  ])("reports that a renewal is retried after %j", async (trouble, hint) => {
    const of = await listen();
    zoho.trouble({ headers: { "retry-after": "0" }, ...trouble }, 4, isWatch("PUT"));
    clock.advance(134 * HOUR_MS);
    await expect.poll(() => statesOf(of)).toEqual(["created", "expiring"]);
    expect(linesOf(of, "channel")[1]?.hint).toMatch(hint);
  });

  it("reports a dead sign-in, and that listen must be restarted", async () => {
    const of = await listen();
    zoho.trouble({ status: 200, body: { error: "invalid_code" } }, 999, ({ path }) => path === "/oauth/v2/token");
    clock.advance(134 * HOUR_MS);
    await expect.poll(() => statesOf(of)).toEqual(["created", "expiring"]);
    expect(linesOf(of, "channel")[1]?.hint).toMatch(
      /^sign in again: .*; then restart this command, which still uses the/,
    );
  });

  it("exits with 9 if the channel is lost because of the sign-in", async () => {
    const of = await listen();
    zoho.trouble({ status: 200, body: { error: "invalid_code" } }, 99, ({ path }) => path === "/oauth/v2/token");
    clock.advance(8 * DAY_MS);
    const { exitCode, err } = await of.finished;
    expect(exitCode).toBe(9);
    expect(statesOf(of)).toContain("lost");
    expect(err).toContain("was lost");
  });

  it("exits with 9 on Ctrl-C while it is lost, and does not report it as deleted", async () => {
    const of = await listen();
    zoho.trouble({ status: 400, body: { code: "INTERNAL_ERROR", message: "no", details: {} } }, 99, isWatch("POST"));
    zoho.watch.drop(channelId());
    clock.advance(134 * HOUR_MS);
    await expect.poll(() => statesOf(of)).toEqual(["created", "lost"]);
    expect((await of.stop()).exitCode).toBe(9);
    expect(statesOf(of)).toEqual(["created", "lost", "unknown"]);
  });
});

describe("listen beside channels that were created before or meanwhile", () => {
  it("knows their tokens, and requires one of no other delivery", async () => {
    const options = world();
    const listener = await start(["--tunnel", "none"], options);
    const url = `${listener.url}/webhooks/zoho/crm`;
    const made = await run(["channels", "create", "Leads.create", "--url", url], options);
    expect(made.exitCode).toBe(0);
    expect(await zoho.notify("Leads.create", [LEAD])).toEqual([200]);
    expect((await listener.event(1)).signatures).toMatchObject([
      { id: "token", result: "verified", reason: `the token is channel ${channelId()}` },
    ]);
    expect((await listener.post("/webhooks/zoho/crm", guideBody({}))).status).toBe(200);
    expect((await listener.event(2)).signatures).toMatchObject([{ id: "token", result: "unsigned" }, {}]);
    expect((await listener.post("/webhooks/zoho/crm", guideBody({ token: "other" }))).status).toBe(200);
    expect((await listener.event(3)).signatures).toMatchObject([{ id: "token", result: "no_key" }, {}]);
  });
});

describe("listen beside a channel whose token it knows", () => {
  let options: RunOptions;
  let listener: Listener;
  const made = async (): Promise<string> => {
    options = world();
    listener = await start(["--tunnel", "none"], options);
    await run(["channels", "create", "Leads.create", "--url", `${listener.url}/webhooks/zoho/crm`], options);
    return channelId();
  };
  const notification = { module: "Leads", operation: "insert", ids: [LEAD] };

  it("rejects what claims to be of the channel without its token, or with that of another", async () => {
    const id = await made();
    for (const [body, reason] of [
      [notification, "has a token, but the body has none"],
      [{ ...notification, token: "of-a-stranger" }, "is not that of channel"],
      [{ Name: "x" }, "has a token, but the body has none"],
    ] as const) {
      const answer = await listener.post("/webhooks/zoho/crm", JSON.stringify({ ...body, channel_id: id }));
      expect(answer).toMatchObject({ status: 401, text: expect.stringContaining(reason) });
      const asNumber = JSON.stringify({ ...body, channel_id: 0 }).replace(":0", `:${id}`);
      expect((await listener.post("/webhooks/zoho/crm", asNumber)).status).toBe(401);
    }
    const url = `${listener.url}/webhooks/zoho/crm`;
    await run(["channels", "create", "Deals.all", "--url", url], options);
    const other = zoho.watch.rows().find(({ channelId: each }) => each !== id);
    const body = { ...notification, channel_id: id, token: other?.token };
    expect((await listener.post("/webhooks/zoho/crm", JSON.stringify(body))).status).toBe(401);
  });

  it("accepts a custom webhook on the same URL, and marks it as unsigned", async () => {
    const { out } = await run(["listen", "--port", "0", "--tunnel", "none"], {
      ...world(),
      onErr(text) {
        const url = /Listening on (http:\/\/[^/\s]+)/.exec(text)?.[1];
        const body = '{"Name":"Doe"}';
        const headers = { "content-type": "application/json" };
        if (url !== undefined) void fetch(`${url}/webhooks/zoho/crm`, { method: "POST", body, headers });
      },
      onOut: (text) => void (text.includes("#1") && interrupt.abort()),
    });
    expect(out).toMatch(/#1 +crm +webhook +– unsigned +– custom: no schema to check/);
  });
});

describe("listen --channel that cannot start", () => {
  const start = (argv: readonly string[] = [], options: RunOptions = world()) =>
    run(["listen", "--port", "0", "--json", "--channel", "Leads.create", ...argv], options);

  it("leaves no channel behind if a step after its creation fails", async () => {
    const refusal = { code: "OAUTH_SCOPE_MISMATCH", message: "invalid oauth scope", details: {} };
    zoho.trouble({ status: 401, body: refusal }, 1, isWatch("GET"));
    const { exitCode, lines } = await start();
    expect(exitCode).toBe(6);
    expect(zoho.requests.some(isWatch("POST"))).toBe(true);
    expect(zoho.watch.rows()).toEqual([]);
    expect(lines().find(({ type }) => type === "channel")).toMatchObject({ state: "deleted" });
  });

  it("leaves no channel behind on Ctrl-C during its creation, and exits with 0", async () => {
    zoho.trouble("cut", 1, (request) => {
      if (isWatch("POST")(request)) interrupt.abort();
      return false;
    });
    const { exitCode, err } = await start();
    expect([exitCode, err]).toEqual([0, ""]);
    expect(zoho.requests.some(isWatch("POST"))).toBe(true);
    expect(zoho.watch.rows()).toEqual([]);
  });

  it.each([
    ["for an event that no channel tells of", ["--channel", "Leads.created"], "Leads.create"],
    [
      "for a product that needs a workflow rule",
      ["--channel", "books:invoice"],
      "fires only if a workflow rule calls it",
    ],
  ])("is a usage error %s", async (_, argv, text) => {
    const { exitCode, err } = await start(argv);
    expect(exitCode).toBe(2);
    expect(err).toContain(text);
    expect(zoho.requests).toEqual([]);
  });

  it("is a usage error without a public URL, which Zoho's own servers need", async () => {
    const options = world({ ZOHO_ACCOUNTS_URL: "", ZOHO_API_URL: "" });
    const { exitCode, err } = await start(["--tunnel", "none"], options);
    expect(exitCode).toBe(2);
    expect(err).toContain("needs a public URL");
  });

  it("exits with 6 before it opens anything if nobody is signed in", async () => {
    const { env = {}, ...rest } = world();
    const signedOut = Object.fromEntries(Object.entries(env).filter(([name]) => !/CLIENT|REFRESH/.test(name)));
    const { exitCode } = await start([], { ...rest, env: { ...signedOut, ZOHO_KEYRING: "off" } });
    expect(exitCode).toBe(6);
    expect(tunnel.isOpen).toBe(false);
  });
});

describe("listen --expand", () => {
  it("shows each record beside the event, with every digit", async () => {
    const { id: lead } = zoho.create("crm", "Leads", { Last_Name: "Strict", Company: "Acme" });
    const of = await listen(["--expand"]);
    await zoho.notify("Leads.create", [lead, LEAD]);
    await expect.poll(() => linesOf(of, "record").length).toBe(2);
    const [found, missing] = [lead, LEAD].map((id) => linesOf(of, "record").find((line) => line.id === id));
    expect(found).toEqual({
      v: 1,
      type: "record",
      n: 1,
      product: "crm",
      module: "Leads",
      id: lead,
      record: expect.objectContaining({ id: lead, Last_Name: "Strict", Company: "Acme" }),
    });
    expect(missing).toMatchObject({ error: "Zoho no longer has a record with this id" });
    const event = await of.event(1);
    expect(Buffer.from(String(event.body_b64), "base64").toString()).not.toContain("Strict");
  });

  it("does not fetch a deleted record", async () => {
    const of = await listen(["--expand"]);
    await zoho.notify("Deals.delete", [LEAD]);
    await expect.poll(() => linesOf(of, "record")).toMatchObject([{ error: "it was deleted" }]);
    expect(zoho.requests.some(({ path }) => path.includes("/Deals/"))).toBe(false);
  });

  it.each([
    ["by a stranger, with a wrong token", ["--channel", "Leads.create"], { channel_id: "1", token: "of-a-stranger" }],
    ["in a body that is no notification", ["--tunnel", "none"], {}],
    ["in a body with the record in it", ["--tunnel", "none"], { operation: "create", data: { id: LEAD } }],
  ])("does not fetch the record of a delivery that is %s", async (_, argv, more) => {
    const of = await start(["--expand", ...argv], world());
    await of.post("/webhooks/zoho/crm", JSON.stringify({ module: "Leads", operation: "insert", ids: [LEAD], ...more }));
    await of.event(1);
    await of.stop();
    expect(zoho.requests.some(({ path }) => path.includes("/Leads/"))).toBe(false);
  });

  it("answers at once, fetches three at a time, and reports those that did not come before the end", async () => {
    const of = await listen(["--expand"]);
    const isRecord = ({ path }: { readonly path: string }): boolean => path.includes("/Leads/");
    zoho.trouble("silence", 99, isRecord);
    expect(await zoho.notify("Leads.create", ["101", "102", "103", "104", "105"])).toEqual([200]);
    await expect.poll(() => zoho.requests.filter(isRecord).length).toBe(3);
    await of.stop();
    expect(zoho.requests.filter(isRecord)).toHaveLength(3);
    expect(linesOf(of, "record").map(({ id, error }) => [id, error])).toEqual(
      ["101", "102", "103", "104", "105"].map((id) => [id, "listen ended before Zoho answered"]),
    );
  });

  it("reports why there is none, and the missing scope", async () => {
    const few = zoho.accounts.makeRefreshToken(["ZohoCRM.notifications.ALL"]);
    const of = await listen(["--expand"], { ZOHO_REFRESH_TOKEN: few });
    await zoho.notify("Leads.create", [LEAD]);
    await expect.poll(() => linesOf(of, "record").length).toBe(1);
    expect(linesOf(of, "record")[0]).toMatchObject({
      error: expect.stringContaining("ZohoCRM.modules.READ"),
      hint: expect.stringContaining("set ZOHO_REFRESH_TOKEN to a new one"),
    });
  });

  it.each([
    [[], /#1 +Leads (\d{19}) {2}\{"id":"\1","Last_Name":"Strict"/],
    [["-v"], /\n +"Last_Name": "Strict",\n/],
  ])("shows the record with %j below the number of its event", async (flags, pattern) => {
    const { out } = await run(["listen", "--port", "0", "--channel", "Leads.create", "--expand", ...flags], {
      ...world(),
      onErr: (text) => void (text.includes("Ready.") && zoho.create("crm", "Leads", { Last_Name: "Strict" })),
      onOut: (text) => void (text.includes("Strict") && interrupt.abort()),
    });
    expect(out).toMatch(pattern);
  });
});
