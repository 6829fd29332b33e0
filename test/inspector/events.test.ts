import { createHmac } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { folderWith } from "../support/files.ts";
import { startInspector, userEnv } from "../support/inspector.ts";
import { newEntry } from "../support/log-entry.ts";
import {
  leadBody,
  type ProjectOptions,
  SECRET,
  signature,
  startLoggedProject,
  TOKEN,
} from "../support/logged-project.ts";
import { tempFolder } from "../support/run.ts";

const env = { ...userEnv(), ZOHO_WEBHOOK_SECRET: SECRET, ZOHO_WEBHOOK_TOKEN: TOKEN };
const CRM = "/webhooks/zoho/crm";
const JSON_TYPE = { "content-type": "application/json" };
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function inspect(options: ProjectOptions = {}, argv: readonly string[] = []) {
  const project = await startLoggedProject({ env, ...options });
  stops.push(project.stop);
  const inspector = await startInspector(argv, { cwd: project.cwd, env: { ...env, ...options.env } });
  stops.push(inspector.stop);
  return { project, ...inspector };
}

describe("the activity", () => {
  it("counts each period of a span by outcome, and the list shows a part of it alone", async () => {
    const cwd = tempFolder();
    const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
    const minute = Math.floor(Date.now() / 60_000) * 60_000;
    const at = (minutesAgo: number) => new Date(minute - minutesAgo * 60_000);
    const target = "http://localhost:3000/";
    const add = async (receivedAt: Date, more: Partial<Parameters<typeof newEntry>[0]> = {}) =>
      (await log.append(newEntry({ receivedAt, ...more }))).n;
    await add(at(90));
    await add(at(5));
    await add(at(2), { product: "desk" });
    const n = await add(at(2));
    await add(at(2), { accepted: false, status: 401 });
    for (const latencyMs of [5, 9])
      await log.recordAttempt(n, { target, at: at(2), status: 200, error: undefined, latencyMs });
    await log.close();
    const { get, stop } = await startInspector([], { cwd, env });
    stops.push(stop);
    const none = { delivered: 0, waiting: 0, failed: 0, rejected: 0, other: 0 };
    expect((await get("/api/activity?span=1h")).json()).toEqual({
      span: "1h",
      since: expect.stringMatching(/:00\.000Z$/),
      periods: [
        { ...none, at: at(5).toISOString(), other: 1 },
        { ...none, at: at(2).toISOString(), rejected: 1, delivered: 1, other: 1 },
      ],
      latency: { p50: 5, p99: 9 },
    });
    const day = (await get("/api/activity?span=1d")).json();
    const quarters = day.periods as { at: string; other: number }[];
    expect(quarters.every((each) => new Date(each.at).getTime() % 900_000 === 0)).toBe(true);
    expect(quarters.reduce((sum, { other }) => sum + other, 0)).toBe(3);
    const week = (await get("/api/activity?span=7d")).json();
    expect(Date.parse(String(week.since)) % 3_600_000).toBe(0);
    expect(Date.now() - Date.parse(String(week.since))).toBeGreaterThan(6.9 * 86_400_000);
    expect((await get("/api/activity?span=1y")).status).toBe(400);
    const span = `since=${at(5).toISOString()}&until=${at(2).toISOString()}`;
    expect((await get(`/api/events?${span}`)).json()).toMatchObject({ events: [{ n: 2 }] });
  });

  it("is that of the newest delivery where the last hour has none", async () => {
    const cwd = tempFolder();
    const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
    await log.append(newEntry({ receivedAt: new Date("2026-03-01T10:20:30Z") }));
    await log.close();
    const { get, stop } = await startInspector([], { cwd, env });
    stops.push(stop);
    expect((await get("/api/activity?span=7d")).json()).toMatchObject({
      since: "2026-02-22T11:00:00.000Z",
      periods: [{ at: "2026-03-01T10:00:00.000Z", other: 1 }],
    });
    expect((await get("/api/activity?span=1h")).json()).toMatchObject({
      since: "2026-03-01T09:21:00.000Z",
      periods: [{ at: "2026-03-01T10:20:00.000Z", other: 1 }],
      latency: null,
    });
  });
});

describe("the list", () => {
  it("has the newest first, in pages, without bodies", async () => {
    const { project, get } = await inspect({ forward: false });
    for (const email of ["a", "b", "c"]) await project.deliver(CRM, leadBody({ email }));
    const first = (await get("/api/events?limit=2")).json();
    expect(first).toMatchObject({ more: true, events: [{ n: 3, duplicate_of: 1, state: "duplicate" }, { n: 2 }] });
    expect((await get("/api/events?limit=2&before=2")).json()).toEqual({
      more: false,
      events: [
        {
          n: 1,
          at: expect.stringMatching(/^\d{4}-.*Z$/),
          method: "POST",
          path: CRM,
          product: "crm",
          format: "guide",
          event: "Leads.create",
          records: ["4150868000000002179"],
          sender: "verified",
          schema_ok: true,
          custom: false,
          status: 200,
          duplicate_of: null,
          reconstructed: false,
          state: "received",
          bytes: leadBody({ email: "a" }).length,
          app_status: null,
          app_latency_ms: null,
        },
      ],
    });
  });

  it("marks a body that has no schema as custom, in the list and as it comes", async () => {
    const { project, get, stream } = await inspect({ forward: false, env: {} });
    const watcher = await stream(0);
    await project.deliver("/webhooks/zoho/books", '{"hello":1}', JSON_TYPE);
    await project.deliver("/webhooks/zoho/books", '{"invoice":null}', JSON_TYPE);
    const marks = [
      { n: 2, schema_ok: false, custom: false },
      { n: 1, schema_ok: null, custom: true },
    ];
    expect((await get("/api/events")).json()).toMatchObject({ events: marks });
    const { data } = await watcher.until(({ name, id }) => name === "events" && id === 2);
    expect(data).toMatchObject(expect.arrayContaining([expect.objectContaining(marks[0])]));
    await project.deliver("/webhooks/zoho/books", '{"event":"bill_created","data":{}}', JSON_TYPE);
    const notes = ["as the guide's bill_created: organization_id is missing (--format guide)"];
    expect((await get("/api/events/3")).json()).toMatchObject({ schema_ok: null, custom: true, notes });
  });

  it.each([
    ["product=crm", [1, 2, 4]],
    ["event=Leads.*", [1, 2]],
    ["only=401", [4]],
    ["only=4xx", [4]],
    ["only=invalid", [3, 4]],
    ["only=duplicate", [2]],
    ["search=Zephyr", [3]],
    ["product=crm&search=Tanaka&only=duplicate", [2]],
    ["only=failed", []],
    ["only=failed,duplicate,401", [2, 4]],
  ])("is filtered by %s", async (query, expected) => {
    const { project, get } = await inspect({ forward: false });
    await project.deliver(CRM, leadBody());
    await project.deliver(CRM, leadBody());
    await project.deliver("/webhooks/zoho/desk", '{"event":"Ticket.Create","orgId":"1","text":"Zephyr"}');
    await project.deliver(CRM, '{"x":1}', { ...JSON_TYPE, ...signature("other") });
    const events = (await get(`/api/events?${query}`)).json().events as { n: number }[];
    expect(events.map(({ n }) => n).toReversed()).toEqual(expected);
  });

  it("is empty, with a command to try, until there is a log, and then follows it", async () => {
    const cwd = tempFolder();
    const { get, stream } = await startInspector([], { cwd, env });
    expect((await get("/api/events")).json()).toEqual({ events: [], more: false });
    expect((await get("/api/state")).json()).toMatchObject({ receiver: null, invocation: "zoho-hooks" });
    const watcher = await stream(0);
    const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
    stops.push(() => log.close());
    await log.append(newEntry());
    await watcher.until(({ name, id }) => name === "events" && id === 1);
    await log.close();
  });
});

describe("the state", () => {
  it("says whether the app is down, what waits for it and what it did not accept", async () => {
    const answer = (response: ServerResponse): void => void response.writeHead(500).end();
    const { project, get } = await inspect({ answer });
    const origin = `http://localhost:${project.app.port}`;
    await project.deliver(CRM, leadBody());
    // `ui` was started without the target, and asks the running receiver.
    expect((await get("/api/state")).json()).toMatchObject({ apps: [{ origin, up: true }], waiting: 0, failed: 1 });
    await project.app.close();
    const body = leadBody({ email: "waits@example.com" });
    await project.listener.post(CRM, body, { ...JSON_TYPE, ...signature(body) });
    await project.listener.event(2);
    expect((await get("/api/state")).json()).toMatchObject({ apps: [{ origin, up: false }], waiting: 1, failed: 1 });
  });
});

describe("the channels of the state", () => {
  it("are those of this project's listeners, and those that post to where it receives", async () => {
    const config = tempFolder();
    const { project, get } = await inspect({ forward: false, env: { ...env, XDG_CONFIG_HOME: config } });
    const channel = {
      profile: "default",
      product: "crm",
      notifyUrl: "https://elsewhere.example.com/webhooks/zoho/crm",
      conditions: [],
      expiresAt: new Date(Date.now() + 3_600_000),
    };
    const leads = ["Leads.edit", "Leads.create", "Leads.delete"];
    const channels = [
      { ...channel, id: "1", events: leads, ofListener: true, project: project.cwd },
      { ...channel, id: "2", events: leads, ofListener: true, project: `${project.cwd}/other` },
      { ...channel, id: "3", events: ["Deals.create"] },
      { ...channel, id: "4", events: ["Deals.create"], notifyUrl: `${project.listener.url}/webhooks/zoho/crm` },
    ];
    mkdirSync(join(config, "zoho-hooks"), { recursive: true, mode: 0o700 });
    writeFileSync(join(config, "zoho-hooks", "channels.json"), JSON.stringify({ channels }), { mode: 0o600 });
    expect((await get("/api/state")).json().channels).toMatchObject([
      { id: "1", events: ["Leads.all"] },
      { id: "4", events: ["Deals.create"] },
    ]);
  });
});

describe("an event", () => {
  it("has every digit, the line of each issue, and what came beside the body", async () => {
    const { project, get } = await inspect();
    const body = leadBody().replace('"module":"Leads"', '"module":7');
    await project.deliver(CRM, body, { ...JSON_TYPE, ...signature(body), "x-repeated": "one" });
    const { raw, pretty, ...found } = (await get("/api/events/1")).json();
    expect(raw).toBe(body.replace(TOKEN, "[masked]"));
    expect(pretty).toContain('\n    "Account_Number": 4150868000000002181,\n    "Amount": 1250.00\n');
    const [issue] = found.issues as { path: string; line: number }[];
    expect(issue).toMatchObject({ path: "module" });
    expect(String(pretty).split("\n")[(issue?.line ?? 0) - 1]).toContain('"module": 7');
    expect(found).toMatchObject({ n: 1, masked: true, remote: "127.0.0.1", problem: null, fields: null });
    expect(found.headers).toContainEqual(["x-zoho-signature", "[masked]"]);
    expect(found.signatures).toContainEqual({
      id: "guide-signature",
      result: "verified",
      text: "✓ verified (guide-signature): signed with ZOHO_WEBHOOK_SECRET",
    });
  });

  it("has the attempts of its forwarding, with the app's answers", async () => {
    const { project, get } = await inspect({ answer: (response) => void response.writeHead(500).end("no such table") });
    await project.deliver(CRM, leadBody());
    expect((await get("/api/events/1")).json()).toMatchObject({
      state: "failed",
      attempts: [{ attempt: 1, status: 500, reply: "no such table", error: null }, { attempt: 2 }],
      forwards: [{ state: "failed", target: `http://localhost:${project.app.port}/webhooks/zoho/crm` }],
    });
  });

  it("has the fields of a form, and hostile text as text", async () => {
    const { project, get } = await inspect({ forward: false });
    const hostile = "<script>alert(1)</script>\u001b[2J\u202e";
    const body = new URLSearchParams({ name: hostile, token: TOKEN }).toString();
    await project.deliver("/webhooks/zoho/forms", body, { "content-type": "application/x-www-form-urlencoded" });
    const { headers, text, json } = await get("/api/events/1");
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(json()).toMatchObject({ pretty: null });
    expect(json().fields).toContainEqual({ name: "name", value: hostile });
    expect(text).not.toContain(TOKEN);
  });

  it("shows secrets with --show-secrets alone", async () => {
    const { project, get } = await inspect({ forward: false }, ["--show-secrets"]);
    await project.deliver(CRM, leadBody());
    expect((await get("/api/events/1")).json()).toMatchObject({ raw: leadBody(), masked: false });
    expect((await get("/api/events/1/body")).text).toBe(leadBody());
    expect((await get("/api/state")).json()).toMatchObject({ show_secrets: true });
  });

  it("that was pruned is a 404", async () => {
    const { get } = await inspect();
    expect((await get("/api/events/7")).json()).toMatchObject({ error: expect.stringContaining("#7") });
    expect((await get("/api/events/7/body")).status).toBe(404);
  });
});

describe("an action", () => {
  it("explains, compares and copies as the commands do", async () => {
    const { project, post } = await inspect({ forward: false });
    await project.deliver(CRM, leadBody(), { ...JSON_TYPE, ...signature(`${leadBody()} `) });
    await project.deliver(CRM, leadBody({ email: "b@example.com" }));
    const explained = (await post("/api/explain", { n: 1 })).json();
    expect(explained).toMatchObject({ ok: false, lines: [{ type: "verified", outcome: "wrong_signature" }] });
    const compared = await project.run(["events", "diff", "1", "2", "--json"]);
    expect((await post("/api/diff", { before: 1, after: 2 })).json()).toEqual({
      ok: true,
      lines: compared.lines(),
      notes: [],
    });
    expect((await post("/api/diff", { before: 1, after: 1 })).json()).toMatchObject({
      lines: [],
      notes: [expect.stringContaining("the payloads are the same")],
    });
    const curl = (await post("/api/show", { n: 2, curl: true })).json();
    expect(curl.lines).toMatchObject([
      { type: "curl", n: 2, command: expect.stringContaining("curl -X POST http://127.0.0.1:") },
    ]);
    expect((await post("/api/diff", { before: 1, after: 9 })).status).toBe(404);
    expect((await post("/api/diff", { before: 1 })).status).toBe(400);
    expect((await post("/api/stats", {})).json().lines).toMatchObject([{ type: "stats", received: 2 }]);
    // It sends, and the page has no rule for where it may.
    expect((await post("/api/check", { url: "3000" })).status).toBe(404);
  });

  it("replays byte for byte", async () => {
    const { project, post } = await inspect();
    await project.deliver(CRM, leadBody());
    expect((await post("/api/replay", { n: 1 })).json()).toMatchObject({
      ok: true,
      lines: [{ type: "sent", status: 200 }],
    });
    expect(project.app.seen[1]?.body.toString()).toBe(leadBody());
  });

  it("replays an edited body, compact and signed again, with the secrets that were masked in the page", async () => {
    const { project, get, post } = await inspect();
    await project.deliver(CRM, leadBody());
    const { pretty } = (await get("/api/events/1")).json();
    const body = String(pretty).replace("mei.tanaka@example.com", "edited@example.com");
    const answer = (await post("/api/replay", { n: 1, body })).json();
    expect(answer).toMatchObject({
      ok: true,
      lines: [{ notes: [expect.stringContaining("signed again over the changed body")] }],
    });
    const seen = project.app.seen[1];
    expect(seen?.body.toString()).toBe(leadBody({ email: "edited@example.com" }));
    const hmac = createHmac("sha256", SECRET)
      .update(seen?.body ?? "")
      .digest("hex");
    expect(seen?.headers).toContainEqual(["x-zoho-signature", hmac]);
  });

  it.each([
    ["a mask that was moved", '"mei.tanaka@example.com"', '"[masked]"', "--show-secrets"],
    ["JSON that is none any more", '"create",', '"create"', "(line 4, column 3)"],
  ])("refuses %s, and sends nothing", async (_, from, to, reason) => {
    const { project, get, post } = await inspect();
    await project.deliver(CRM, leadBody());
    const { pretty } = (await get("/api/events/1")).json();
    const { status, text } = await post("/api/replay", { n: 1, body: String(pretty).replace(from, to) });
    expect([status, text]).toEqual([422, expect.stringContaining(reason)]);
    expect(project.app.seen).toHaveLength(1);
  });

  it("labels replays among the attempts, and lists the app's last answer to what came", async () => {
    const answer = (response: ServerResponse, { body }: { readonly body: Buffer }): void => {
      response.writeHead(body.includes("edited") ? 400 : 202).end();
    };
    const { project, get, post } = await inspect({ answer });
    await project.deliver(CRM, leadBody());
    await post("/api/replay", { n: 1 });
    await post("/api/replay", { n: 1, body: leadBody({ email: "edited@example.com" }) });
    expect((await get("/api/events/1")).json()).toMatchObject({
      state: "delivered",
      app_status: 202,
      app_latency_ms: expect.any(Number),
      attempts: [
        { status: 202, replay: null },
        { status: 202, replay: "same" },
        { status: 400, replay: "edited" },
      ],
    });
  });

  it("sends a sample to the running receiver, or only shows it", async () => {
    const { project, post } = await inspect({ forward: false });
    const sample = { product: "crm", event: "Leads.create" };
    expect((await post("/api/send", sample)).json()).toMatchObject({ ok: true, lines: [{ status: null }] });
    const sent = await post("/api/send", { ...sample, format: "wire", preview: false });
    expect(sent.json()).toMatchObject({ ok: true, lines: [{ status: 200, format: "wire" }] });
    await project.listener.event(1);
    expect((await post("/api/send", { product: "crm", event: "Leads.creat" })).json().hint).toContain("Leads.create");
  });

  it.each([
    ["form", "body"],
    ["query", "URL"],
  ])("masks a user-defined secret of a %s in the preview of a sample", async (encoding) => {
    const products = { crm: { format: "workflow", encoding, auth: { parameter: "ref" } } };
    const cwd = folderWith({ "zoho-hooks.config.json": JSON.stringify({ products }) });
    const options = { cwd, env: { ...env, ZOHO_WEBHOOK_AUTH: "p3arl-0f-wisdom" } };
    const sample = { product: "crm", event: "webhook" };
    const preview = async (argv: readonly string[]): Promise<string> => {
      const inspector = await startInspector(argv, options);
      const { text } = await inspector.post("/api/send", sample);
      await inspector.stop();
      const { body_b64 } = JSON.parse(text).lines[0].request;
      return text + Buffer.from(body_b64, "base64");
    };
    expect(await preview(["--show-secrets"])).toContain("ref=p3arl-0f-wisdom");
    const masked = await preview([]);
    expect(masked).toMatch(/ref=(\[|%5B)masked/);
    expect(masked).not.toContain("p3arl-0f-wisdom");
  });

  it("lists the products with their formats and events", async () => {
    const { get } = await inspect();
    const products = JSON.parse((await get("/api/products")).text) as { id: string }[];
    expect(products.find(({ id }) => id === "crm")).toMatchObject({
      name: "Zoho CRM",
      secrets: [{ name: "ZOHO_WEBHOOK_TOKEN", set: true }],
      formats: expect.arrayContaining([
        {
          id: "guide",
          source: expect.stringContaining("Webhooks Guide"),
          signing: [
            { title: "token in the body", note: "token from ZOHO_WEBHOOK_TOKEN", signs: true },
            {
              title: "x-zoho-signature: HMAC-SHA256 of the body, hex",
              note: "signed with ZOHO_WEBHOOK_SECRET",
              signs: true,
            },
          ],
          fault: "badSignature",
          events: expect.arrayContaining(["Leads.create"]),
        },
      ]),
    });
  });

  it("sends a sample with a bad signature, which the receiver rejects", async () => {
    const { project, get, post } = await inspect({ forward: false });
    const sample = { product: "books", event: "invoice", preview: false, fault: "badSignature" };
    expect((await post("/api/send", sample)).json()).toMatchObject({ lines: [{ status: 401 }] });
    await project.listener.event(1);
    expect((await get("/api/events")).json()).toMatchObject({ events: [{ state: "rejected", status: 401 }] });
    expect((await post("/api/send", { ...sample, fault: "malformed" })).status).toBe(400);
  });
});
