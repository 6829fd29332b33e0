import { describe, expect, it, onTestFinished } from "vitest";
import { connect, startInspector, type TestInspector, userEnv } from "../support/inspector.ts";
import { type Listener, startListener } from "../support/listener.ts";
import {
  leadBody,
  type ProjectOptions,
  SECRETS,
  signature,
  startLoggedProject,
  TOKEN,
  ticketBody,
} from "../support/logged-project.ts";
import { startTarget } from "../support/target.ts";

type Json = Record<string, unknown>;
interface Result {
  readonly ok: boolean;
  readonly lines: readonly Json[];
  readonly notes: readonly string[];
}

const CRM = `/webhooks/zoho/crm?token=${TOKEN}`;

/** A running listen, and a client of the API of its project. */
async function startApi(options: ProjectOptions = {}) {
  const env = { ...userEnv(), ...SECRETS };
  const project = await startLoggedProject({ ...options, env: { ...env, ...options.env } });
  onTestFinished(() => project.stop());
  const inspector = await startInspector([], { cwd: project.cwd, env });
  return { project, inspector, ...clientOf(inspector) };
}

/** The same for the API of the running listen itself. */
async function startRunApi({ argv = [], ...options }: ProjectOptions = {}) {
  const env = { ...userEnv(), ...SECRETS, ...options.env };
  const project = await startLoggedProject({ ...options, argv: [...argv, "--ui"], env });
  onTestFinished(() => project.stop());
  return { project, env, ...clientOf(runInspector(project.listener)) };
}

function runInspector(listener: Listener) {
  return connect(String(listener.lines().find(({ type }) => type === "ready")?.inspector_url));
}

function clientOf({ raw, token }: Pick<TestInspector, "raw" | "token">) {
  const own = { authorization: `Bearer ${token}` };
  const call = async (method: string, path: string, body?: unknown) => {
    const json: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
    const answer = await raw(`/v1${path}`, {
      method,
      headers: { ...own, ...json },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, ...(answer.json() as unknown as Result & { error: string; hint: string | null }) };
  };
  return {
    call,
    events: (query = "") => call("GET", `/events${query}`),
  };
}

describe("GET /v1/events", () => {
  it("lists deliveries as `events list --json` does, the newest first", async () => {
    const { project, events } = await startApi();
    await project.deliver(CRM, leadBody());
    await project.deliver("/webhooks/zoho/desk", ticketBody());
    const { status, ok, lines, notes } = await events();
    expect([status, ok, notes]).toEqual([200, true, []]);
    const listed = await project.run(["events", "list", "--json"]);
    expect(lines).toEqual(listed.lines());
    expect(lines.map(({ event }) => event)).toEqual(["Ticket.Create", "Leads.create"]);
    expect(lines[1]).toMatchObject({ state: "delivered", body: { data: { id: "4150868000000002179" } } });
    expect((await events("?event=crm:*&limit=1")).lines).toMatchObject([{ n: 1 }]);
    expect((await events("?where=data.Company%3DNorthwind&where=data.Last_Name%3DTanaka")).lines).toHaveLength(1);
    expect((await events("?limit=1")).notes).toEqual(["these are the newest 1: there are more"]);
    expect((await events("?event=crm:Lead?.*")).lines).toHaveLength(1);
    expect((await events("?event=crm:Deals.*")).notes).toEqual(["no delivery in the log matches"]);
  });

  it("waits for a delivery, and until the app has answered it", async () => {
    const { project, events } = await startApi();
    let isOver = false;
    const waiting = events("?event=crm:Leads.*&wait=20s").finally(() => {
      isOver = true;
    });
    await project.deliver("/webhooks/zoho/desk", ticketBody());
    expect(isOver).toBe(false);
    await project.deliver(CRM, leadBody());
    expect(await waiting).toMatchObject({ ok: true, lines: [{ event: "Leads.create", state: "delivered" }] });
  });

  it("says what came instead, when none came in time", async () => {
    const { project, events } = await startApi();
    const waiting = events("?event=crm:Leads.*&wait=1s");
    await project.deliver("/webhooks/zoho/desk", ticketBody());
    await project.deliver("/webhooks/zoho/crm?token=wrong", leadBody({ token: "wrong" }), {
      "content-type": "application/json",
    });
    const { status, ok, lines, notes } = await waiting;
    expect([status, ok, lines]).toEqual([200, false, []]);
    const newest = "the newest are #2 crm Leads.create, answered 401: .+ ago\\); #1 desk Ticket.Create \\(.+ ago\\)";
    expect(notes).toEqual([expect.stringMatching(new RegExp(`^no crm:Leads\\.\\* came within 1s; ${newest}$`))]);
    // Also where it came before the wait began, as it does where a test sends and then waits.
    expect((await events("?event=crm:Leads.*&wait=0s")).notes[0]).toMatch(new RegExp(newest));
  });

  it("counts a rejected delivery only where it is asked for", async () => {
    const { project, events } = await startApi();
    await project.deliver("/webhooks/zoho/crm?token=wrong", leadBody({ token: "wrong" }), {
      "content-type": "application/json",
    });
    expect(await events("?wait=0s")).toMatchObject({ ok: false, lines: [] });
    expect(await events("?wait=0s&only=rejected")).toMatchObject({ ok: true, lines: [{ n: 1, status: 401 }] });
  });

  it("is not ok where the app did not accept it, or has not yet", async () => {
    const failing = await startApi({ answer: (response) => void response.writeHead(500).end() });
    await failing.project.deliver(CRM, leadBody());
    expect(await failing.events("?wait=5s")).toMatchObject({ ok: false, lines: [{ state: "failed" }] });
    const down = await startApi({ argv: ["--retries", "9"] });
    await down.project.app.close();
    await down.project.listener.post(CRM, leadBody(), { "content-type": "application/json", ...signature(leadBody()) });
    expect(await down.events("?wait=1s")).toMatchObject({
      ok: false,
      lines: [{ n: 1, state: "waiting" }],
      notes: ["#1 crm Leads.create: it still waits for your app"],
    });
    // The newest alone does not hide it.
    await failing.project.app.close();
    expect(await failing.events("?wait=1s&limit=1")).toMatchObject({ ok: false });
  });

  it("finds a delivery that fails while it waits for one", async () => {
    let answer: () => void = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { project, events } = await startApi({
      answer: async (response) => {
        await answered;
        response.writeHead(400).end();
      },
    });
    await project.listener.post(CRM, leadBody(), { "content-type": "application/json", ...signature(leadBody()) });
    await project.listener.event(1);
    const waiting = events("?only=failed&wait=15s");
    await expect.poll(() => project.app.seen.length).toBe(1);
    answer();
    expect(await waiting).toMatchObject({ ok: true, lines: [{ n: 1, state: "failed" }] });
  });

  it("says what the app answered where it is tried again", async () => {
    const { project, events } = await startApi({
      answer: (response) => void response.writeHead(500).end(),
      argv: ["--retries", "9"],
      env: { ...SECRETS, ZOHO_HOOKS_RETRY_BASE: "1h" },
    });
    await project.listener.post(CRM, leadBody(), { "content-type": "application/json", ...signature(leadBody()) });
    await project.listener.line("forward", { n: 1, state: "retry" });
    expect((await events("?wait=1s")).notes).toEqual([
      "#1 crm Leads.create: your app answered 500, and listen tries it again",
    ]);
  });

  it("lists and waits only for what came after a number", async () => {
    const { project, events } = await startApi();
    await project.deliver(CRM, leadBody());
    expect((await events("?after=0")).lines).toMatchObject([{ n: 1 }]);
    expect(await events("?after=1")).toMatchObject({ lines: [], notes: ["no delivery in the log matches"] });
    const missed = await events("?after=1&wait=0s");
    expect(missed).toMatchObject({ ok: false, lines: [], notes: ["no event came within 0s; nothing came"] });
    const waiting = events("?after=1&event=crm:Leads.*&wait=20s");
    await project.deliver(CRM, leadBody());
    expect(await waiting).toMatchObject({ ok: true, lines: [{ n: 2 }] });
  });

  it("does not count an event that --events kept from the app", async () => {
    const { project, events } = await startRunApi({ argv: ["--events", "crm:*"] });
    await project.listener.post("/webhooks/zoho/desk", ticketBody(), {
      "content-type": "application/json",
      ...signature(ticketBody()),
    });
    await expect.poll(async () => (await events()).lines.length).toBe(1);
    const { ok, lines, notes } = await events("?wait=0s");
    expect([ok, lines]).toEqual([false, []]);
    expect(notes).toEqual([
      expect.stringMatching(/; the newest are #1 desk Ticket.Create, not one of the setting events \(.+ ago\)$/),
    ]);
    await project.listener.post(CRM, leadBody(), { "content-type": "application/json", ...signature(leadBody()) });
    expect(await events("?wait=20s")).toMatchObject({ ok: true, lines: [{ n: 2, event: "Leads.create" }] });
  });

  it.each([
    ["since=2026-05-01T10:00:00+02:00", "since:", "a + in a URL is read as a space: encode it as %2B"],
    ["since=2h&until=3h", "until (", "since 3h until 2h"],
    ["only=nope", "only:", "failed, rejected"],
    ["search=", "search:", ""],
    ["where=x", "", "such as where 'data.Email"],
    ["evnt=crm:*", 'GET /v1/events has no member "evnt"', "did you mean event?"],
    ["zzzzzzzz=1", 'GET /v1/events has no member "zzzzzzzz"', "there are product, since"],
  ])("names members and no flags where it refuses ?%s", async (query, error, hint) => {
    const { events } = await startApi();
    const answer = await events(`?${query}`);
    expect(answer.error).toContain(error);
    expect(answer.hint ?? "").toContain(hint);
    expect(`${answer.error} ${answer.hint}`).not.toContain("--");
  });

  it.each([
    ["?wait=11m", 422, "wait: 11m is more than 10m"],
    ["?wait=5", 422, 'wait: "5" is not a duration'],
    ["?limit=0", 400, "limit"],
    ["?limit=1&limit=2", 400, "limit"],
    ["?evnt=crm:*", 400, "evnt"],
    ["?event=crm:Leads.*%00", 400, "NUL"],
    ["?product=nope", 422, "nope"],
    ["?event=crm:Leads.craete&wait=10s", 422, "there is no event Leads.craete"],
    ["?search=what?&limit=0", 400, "limit"],
  ])("refuses %s", async (query, status, error) => {
    const { events } = await startApi();
    const answer = await events(query);
    expect(answer.status).toBe(status);
    expect(answer.error).toContain(error);
  });

  it("ends a wait when its client goes away", async () => {
    const { inspector } = await startApi();
    const headers = { authorization: `Bearer ${inspector.token}` };
    const url = `http://127.0.0.1:${inspector.port}/v1/events?wait=10m`;
    const left = Array.from({ length: 64 }, () => {
      const gone = new AbortController();
      const answer = fetch(url, { headers, signal: gone.signal }).catch(() => undefined);
      return { gone, answer };
    });
    const refused = async () => (await fetch(url.replace("10m", "0s"), { headers })).status;
    await expect.poll(refused, { timeout: 10_000 }).toBe(503);
    for (const { gone } of left) gone.abort();
    await Promise.all(left.map(({ answer }) => answer));
    await expect.poll(refused, { timeout: 10_000 }).toBe(200);
  });
});

describe("GET /v1/events/{n}", () => {
  it("has a delivery in full, with secrets masked", async () => {
    const { project, call } = await startApi();
    await project.deliver(CRM, leadBody());
    const shown = await project.run(["events", "show", "1", "--json"]);
    for (const n of ["1", "last"])
      expect(await call("GET", `/events/${n}`)).toEqual({ status: 200, ok: true, lines: shown.lines(), notes: [] });
    expect(JSON.stringify(await call("GET", "/events/1"))).not.toContain(TOKEN);
  });

  it("refuses a number that is not there", async () => {
    const { project, call } = await startApi();
    await project.deliver(CRM, leadBody());
    expect(await call("GET", "/events/7")).toMatchObject({
      status: 404,
      error: expect.stringContaining("no event #7"),
    });
    expect((await call("GET", "/events/0")).status).toBe(400);
    expect((await call("GET", "/events/x")).status).toBe(400);
  });
});

describe("DELETE /v1/events", () => {
  it("removes only what this listen has received", async () => {
    const { project, env } = await startRunApi();
    await project.deliver(CRM, leadBody());
    await project.deliver("/webhooks/zoho/desk", ticketBody());
    await project.listener.stop();
    const listener = await startListener(["--ui", "--forward-to", String(project.app.port)], { cwd: project.cwd, env });
    onTestFinished(async () => void (await listener.stop()));
    const again = clientOf(runInspector(listener));
    await listener.post(CRM, leadBody(), { "content-type": "application/json", ...signature(leadBody()) });
    await listener.line("forward", { n: 3 });
    expect(await again.call("DELETE", "/events")).toMatchObject({ ok: true, lines: [{ removed: 1, oldest: 1 }] });
    expect(await again.call("DELETE", "/events")).toMatchObject({ ok: true, lines: [{ removed: 0, oldest: 1 }] });
    const listed = await project.run(["events", "list", "--json"]);
    expect(listed.lines().map(({ n }) => n)).toEqual([2, 1]);
    // What was saved before no longer counts in this run.
    expect(await again.events("?wait=0s")).toMatchObject({ ok: false, lines: [] });
    await listener.post(CRM, leadBody(), { "content-type": "application/json", ...signature(leadBody()) });
    expect(await again.events("?wait=20s")).toMatchObject({ ok: true, lines: [{ n: 4 }] });
  });

  it("leaves what waits for the app, which no longer counts", async () => {
    const { project, call, events } = await startRunApi({ argv: ["--retries", "9"] });
    await project.deliver(CRM, leadBody());
    await project.app.close();
    await project.listener.post("/webhooks/zoho/desk", ticketBody(), {
      "content-type": "application/json",
      ...signature(ticketBody()),
    });
    expect(await call("DELETE", "/events")).toMatchObject({ ok: true, lines: [{ removed: 1, waiting: 1 }] });
    expect((await events()).lines).toEqual([]);
    expect(await events("?wait=0s")).toMatchObject({ ok: false, lines: [] });
    expect((await project.run(["events", "list", "--json"])).lines()).toMatchObject([{ n: 2, state: "waiting" }]);
  });

  it("is refused by ui, which has no run of its own", async () => {
    const { project, call, events } = await startApi();
    await project.deliver(CRM, leadBody());
    expect(await call("DELETE", "/events")).toMatchObject({ status: 422, hint: expect.stringContaining("?after=<n>") });
    expect((await events()).lines).toHaveLength(1);
  });

  it("takes the removed events from a page that is open", async () => {
    const { project, call } = await startRunApi();
    const stream = await runInspector(project.listener).stream();
    await project.deliver(CRM, leadBody());
    await stream.until(({ name }) => name === "events");
    await call("DELETE", "/events");
    await stream.until(({ name }) => name === "reset");
  });
});

describe("POST /v1/send and /v1/replay", () => {
  it("send a sample through listen to the app, and a received event again", async () => {
    const { project, call, events } = await startApi();
    const sent = await call("POST", "/send", { product: "crm", event: "Leads.create" });
    expect(sent).toMatchObject({ ok: true, lines: [{ type: "sent", status: 200 }] });
    expect(await events("?event=crm:Leads.create&wait=10s")).toMatchObject({ ok: true });
    expect(await call("POST", "/replay", { n: 1 })).toMatchObject({ ok: true, lines: [{ n: 1, status: 200 }] });
    expect(project.app.seen).toHaveLength(2);
    expect(project.app.seen[1]?.body).toEqual(project.app.seen[0]?.body);
  });

  it("are not ok where nobody takes them", async () => {
    const { call } = await startApi();
    const app = await startTarget();
    await app.close();
    const body = { product: "crm", event: "Leads.create", to: String(app.port) };
    expect(await call("POST", "/send", body)).toMatchObject({ status: 200, ok: false });
  });

  it.each(["https://evil.example/", "http://127.0.0.1@evil.example/", "evil.example:80"])(
    "do not send to %s",
    async (to) => {
      const { project, call } = await startApi();
      await project.deliver(CRM, leadBody());
      const refusals = [
        await call("POST", "/send", { product: "crm", event: "Leads.create", to }),
        await call("POST", "/replay", { n: 1, to }),
      ];
      for (const { status, error } of refusals) {
        expect(status).toBe(422);
        expect(error).toMatch(/neither this machine nor a target of this project|not a target|user name/);
      }
    },
  );

  it.each([
    ["no JSON", "{", "application/json", 400],
    ["another type", "product=crm", "application/x-www-form-urlencoded", 415],
    ["an unknown member", '{"product":"crm","evnt":"Leads.create"}', "application/json", 400, "did you mean event?"],
    ["no object", "[]", "application/json", 400],
    ["too much", `"${"x".repeat(9 * 1024 * 1024)}"`, "application/json", 413],
  ])("refuse %s", async (_, body, type, status, hint?: string) => {
    const { inspector } = await startApi();
    const headers = { authorization: `Bearer ${inspector.token}`, "content-type": type };
    const answer = await inspector.raw("/v1/send", { method: "POST", headers, body });
    expect([answer.status, answer.json().hint]).toEqual([status, hint ?? null]);
  });
});

describe("a request to /v1 is refused", () => {
  it("without the token, from another page, or to what there is not", async () => {
    const { inspector } = await startApi();
    const own = { authorization: `Bearer ${inspector.token}` };
    const json = { "content-type": "application/json" };
    const calls = [
      ["GET", "/v1/events"],
      ["GET", "/v1/events/1"],
      ["DELETE", "/v1/events"],
      ["POST", "/v1/send"],
      ["POST", "/v1/replay"],
    ] as const;
    const status = async (method: string, path: string, headers: Record<string, string>) =>
      (await inspector.raw(path, { method, headers, ...(method === "POST" && { body: "{}" }) })).status;
    for (const [method, path] of calls) {
      expect(await status(method, path, json)).toBe(401);
      expect(await status(method, path, { ...json, authorization: "Bearer x" })).toBe(401);
      for (const origin of ["https://evil.example", "null", "http://127.0.0.1:1"])
        expect(await status(method, path, { ...own, ...json, origin })).toBe(403);
      expect(await status(method, path, { ...own, ...json, "sec-fetch-site": "cross-site" })).toBe(403);
      expect(await status(method, path, { ...own, ...json, host: "abc.trycloudflare.com" })).toBe(403);
    }
    for (const method of ["PUT", "PATCH", "OPTIONS"]) expect(await status(method, "/v1/events", own)).toBe(405);
    expect(await status("DELETE", "/v1/events/1", own)).toBe(404);
    expect(await status("POST", "/v1/clear", { ...own, ...json })).toBe(404);
    expect(await status("DELETE", "/api/state", own)).toBe(405);
  });

  it("on the port of the receiver, which a tunnel publishes", async () => {
    const { project, inspector } = await startApi();
    const answer = await fetch(`${project.listener.url}/v1/events`, {
      headers: { authorization: `Bearer ${inspector.token}` },
    });
    expect(answer.status).toBe(404);
  });
});
