import { request } from "node:http";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { type Emulator, openEmulator } from "../../src/emulator/emulator.ts";
import { PUBLISHED } from "../../src/emulator/published.ts";
import { USER_AGENT } from "../../src/zoho-api/user-agent.ts";
import { startTarget, type Target } from "../support/target.ts";

const packageRoot = fileURLToPath(new URL("../..", import.meta.url));

let emulator: Emulator;
let app: Target;
beforeEach(async () => {
  emulator = await openEmulator({ port: 0, packageRoot, env: {} });
  app = await startTarget();
});
afterEach(() => Promise.all([emulator.close(), app.close()]));

/** A control call as curl sends it: with POST for a body. */
async function call(name: string, body?: unknown) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(`${emulator.url}/_emulator/${name}`, options);
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect in it
  return { status: response.status, body: (await response.json()) as any };
}

/** The status of a request whose headers a browser would set. */
function statusWith(
  headers: Record<string, string>,
  path = "/_emulator/state",
  method = "GET",
  { localUrl } = emulator,
): Promise<number> {
  const { port } = new URL(localUrl);
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.once("error", reject);
    sent.end();
  });
}

const sendSample = () => call("deliver", { product: "crm", event: "Leads.create", to: `${app.url}/hook` });
const sentNumbers = () => emulator.deliveries.sent.items.map(({ n, fault }) => [n, fault]);

describe("deliver", () => {
  it("posts a new sample of a product without an API here, and keeps it whole", async () => {
    const answer = await call("deliver", { product: "zeptomail", event: "hardbounce", to: app.url });
    expect(answer).toEqual({
      status: 200,
      body: { product: "zeptomail", format: "wire", event: "hardbounce", url: app.url },
    });
    await emulator.deliveries.settled();
    const [sent] = (await call("deliveries")).body.deliveries;
    expect(sent).toMatchObject({ n: 1, product: "zeptomail", status: 200, method: "POST", url: app.url });
    expect(sent.body).toBe(app.seen[0]?.body.toString());
    expect(Object.keys(sent.headers)).toContain("producer-signature");
    expect(sent.headers["user-agent"]).toBe("zoho-hooks");
    expect((await call("deliveries/1")).body).toEqual(sent);
  });

  it("makes another record each time", async () => {
    await sendSample();
    await sendSample();
    await emulator.deliveries.settled();
    const [first, second] = (await call("deliveries?after=0")).body.deliveries;
    expect(JSON.parse(first.body).ids).not.toEqual(JSON.parse(second.body).ids);
    expect((await call("deliveries?after=1")).body.deliveries).toEqual([second]);
  });

  it("sends the same bytes again", async () => {
    await sendSample();
    await emulator.deliveries.settled();
    expect((await call("deliveries/1/again", {})).status).toBe(200);
    await emulator.deliveries.settled();
    expect(app.seen.map(({ body }) => body)).toEqual([app.seen[0]?.body, app.seen[0]?.body]);
    expect((await call("deliveries/2")).body).toMatchObject({ again: 1, status: 200 });
    expect((await call("deliveries/3/again", {})).status).toBe(404);
  });

  it.each([
    [{ event: "Leads.create", to: "http://127.0.0.1:1" }, "product is missing", undefined],
    [{ product: "crn", event: "Leads.create", to: "x" }, 'there is no product "crn"', "did you mean crm?"],
    [{ product: "crm", event: "Leads.create", to: "3000" }, 'to: "3000" is not a URL', expect.anything()],
    [{ product: "crm", event: "<Module>.create", to: "http://a" }, expect.anything(), expect.stringMatching(/such as/)],
    [{ product: "crm", event: [], to: {} }, "event is not a text", undefined],
  ])("refuses %j", async (body, error, hint) => {
    expect(await call("deliver", body)).toMatchObject({ status: 400, body: { error, ...(hint && { hint }) } });
  });
});

describe("fail", () => {
  it("answers the next requests with an error, then answers them again", async () => {
    await call("fail", { answer: 429, retryAfter: "4500ms", times: 2, path: "/crm/" });
    const get = () => fetch(`${emulator.url}/crm/v8/Leads`);
    expect((await fetch(`${emulator.url}/oauth/serverinfo`)).status).toBe(200);
    const limited = await get();
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "5"]);
    expect(await limited.json()).toMatchObject({ code: "TOO_MANY_REQUESTS" });
    expect([(await get()).status, (await get()).status]).toEqual([429, 401]);
  });

  it("cuts the connection, and leaves a request without an answer", async () => {
    await call("fail", { answer: "cut" });
    await expect(fetch(`${emulator.url}/crm/v8/Leads`)).rejects.toThrow("fetch failed");
    await call("fail", { answer: "silence" });
    const signal = AbortSignal.timeout(100);
    await expect(fetch(`${emulator.url}/crm/v8/Leads`, { signal })).rejects.toThrow(/timeout/);
    expect((await call("state")).body.requests.map(({ status }: { status?: number }) => status)).toEqual([
      undefined,
      undefined,
    ]);
  });

  it("answers late, having done what was asked at once", async () => {
    const token = emulator.organisation.accounts.makeAccessToken(["ZohoCRM.modules.ALL"]);
    await call("fail", { answer: "100h", path: "/crm" }).then(({ status }) => expect(status).toBe(400));
    await call("fail", { answer: "300ms", path: "/crm" });
    const create = () =>
      fetch(`${emulator.url}/crm/v8/Leads`, {
        method: "POST",
        headers: { authorization: `Zoho-oauthtoken ${token}` },
        body: JSON.stringify({ data: [{ Last_Name: "Doe" }] }),
      });
    const startedAt = performance.now();
    const created = create();
    await expect.poll(async () => (await call("records?product=crm&module=Leads")).body.records).toHaveLength(1);
    expect(performance.now() - startedAt).toBeLessThan(300);
    expect((await created).status).toBe(201);
    expect(performance.now() - startedAt).toBeGreaterThan(290);
    expect((await create()).status).toBe(201);
  });

  it("ends while a late answer is due", async () => {
    await call("fail", { answer: "1h" });
    const other = fetch(`${emulator.url}/crm/v8/Leads`).catch(() => "closed");
    await expect.poll(async () => emulator.faults.requests.remaining).toBe(0);
    await emulator.close();
    expect(await other).toBe("closed");
  });

  it("loses, repeats and reorders the next deliveries of a product", async () => {
    await call("fail", { delivery: "lost", product: "desk" });
    await call("fail", { delivery: "lost" });
    await call("fail", { delivery: "twice", product: "crm" });
    await call("fail", { delivery: "out-of-order" });
    for (let i = 0; i < 4; i++) await sendSample();
    await emulator.deliveries.settled();
    expect(app.seen).toHaveLength(4);
    expect(sentNumbers().map(([, fault]) => fault)).toEqual(["lost", "twice", "twice", undefined, "out-of-order"]);
  });

  it("sends a delivery late, and is not settled before", async () => {
    await call("fail", { delivery: "late" });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    await sendSample();
    await sendSample();
    const onSettled = vi.fn();
    const settled = emulator.deliveries.settled().then(onSettled);
    vi.advanceTimersByTime(4999);
    // Not by `expect.poll`, which moves this clock.
    while (sentNumbers().length === 0) await new Promise(setImmediate);
    expect(sentNumbers()).toEqual([[1, undefined]]);
    expect(onSettled).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    vi.useRealTimers();
    await settled;
    expect(sentNumbers()).toEqual([
      [1, undefined],
      [2, "late"],
    ]);
  });

  it.each([
    [{}, "either answer or delivery must be given"],
    [{ answer: 429, delivery: "lost" }, "either answer or delivery must be given"],
    [{ answer: 429, retry_after: "5s" }, "retry_after is not for a fault of kind answer"],
    [{ answer: 200 }, "answer: 200 is not a status from 400 to 599, silence, cut or a delay such as 3s"],
    [{ answer: "429" }, 'answer: "429" is not a status from 400 to 599, silence, cut or a delay such as 3s'],
    [{ delivery: "slow" }, 'delivery: "slow" is not one of lost, late, twice, out-of-order'],
    [{ delivery: "lost", times: 0 }, "times: 0 is not a whole number from 1 to 1000000"],
    [{ delivery: "lost", product: "mars" }, 'there is no product "mars"'],
    [{ answer: "0s" }, "answer must be more than 0 and at most 24h"],
    [{ answer: 503, retryAfter: 5 }, 'retryAfter: "5" is not a duration'],
    [{ answer: 503, path: "crm/v8" }, 'path: "crm/v8" is not a path without a query'],
    [{ answer: 503, path: "/crm?x" }, 'path: "/crm?x" is not a path without a query'],
    [{ answer: 503, path: "/_emulator/state" }, "path: control calls are always answered by the emulator"],
  ])("refuses %j", async (body, error) => {
    expect(await call("fail", body)).toMatchObject({ status: 400, body: { error } });
  });

  it("has a limit of number", async () => {
    for (let i = 0; i < 1000; i++) emulator.faults.requests.add("cut");
    const hint = "POST /_emulator/reset removes them";
    expect(await call("fail", { answer: 503 })).toMatchObject({ status: 400, body: { hint } });
    await call("reset", {});
    expect((await call("fail", { answer: 503 })).status).toBe(200);
  });
});

describe("advance and reset", () => {
  it("ages tokens, and leaves the clock", async () => {
    const token = emulator.organisation.accounts.makeAccessToken(["Desk.basic.READ"]);
    const get = async () => {
      const headers = { authorization: `Zoho-oauthtoken ${token}` };
      return (await fetch(`${emulator.url}/api/v1/organizations`, { headers })).status;
    };
    expect(await get()).toBe(200);
    await call("advance", { by: "59m" });
    expect(await get()).toBe(200);
    const before = Date.now();
    await call("advance", { by: "1m" });
    expect(await get()).toBe(401);
    expect((await call("state")).body.now).toBeGreaterThanOrEqual(before);
  });

  it.each(["", "6", "-1d", "0s", "99999d"])("refuses to advance by %j", async (by) => {
    expect((await call("advance", { by })).status).toBe(400);
  });

  it("forgets a delivery that is under way", async () => {
    const answers: (() => void)[] = [];
    const slow = await startTarget((response) => void answers.push(() => response.end()));
    onTestFinished(slow.close);
    await call("deliver", { product: "crm", event: "Leads.create", to: slow.url });
    await expect.poll(() => answers).toHaveLength(1);
    await call("reset", {});
    answers[0]?.();
    await emulator.deliveries.settled();
    expect(emulator.deliveries.sent.items).toEqual([]);
  });

  it("empties the lists", async () => {
    await sendSample();
    await emulator.deliveries.settled();
    expect((await call("reset", {})).status).toBe(200);
    const { body } = await call("state");
    expect(body).toMatchObject({ deliveries: [], requests: [], dropped: { requests: 0, deliveries: 0 } });
  });
});

describe("snapshot and restore", () => {
  const lead = (Last_Name: string) => ({ product: "crm", module: "Leads", action: "create", data: { Last_Name } });
  const leads = async () => (await call("records?product=crm&module=Leads")).body.records;

  it("go back to what the organisation held, with the same ids again", async () => {
    await call("records", lead("Doe"));
    const token = emulator.organisation.accounts.makeAccessToken(["Desk.basic.READ"]);
    const before = await leads();
    const { body: snapshot } = await call("snapshot");
    const added = await call("records", lead("Roe"));
    await call("fail", { answer: 503 });
    await call("answer", { path: "/api/v1/organizations", status: 500 });
    await sendSample();
    await emulator.deliveries.settled();
    expect(await call("restore", snapshot)).toEqual({ status: 200, body: {} });
    expect(await leads()).toEqual(before);
    expect((await call("deliveries")).body.deliveries).toEqual([]);
    const headers = { authorization: `Zoho-oauthtoken ${token}` };
    expect((await fetch(`${emulator.url}/api/v1/organizations`, { headers })).status).toBe(200);
    expect((await call("records", lead("Roe"))).body.record.id).toBe(added.body.record.id);
    // What happened since is not in the snapshot.
    await call("restore", snapshot);
    expect(await leads()).toEqual(before);
  });

  it("take a snapshot of more than the limit of other calls", async () => {
    const Essay = "x".repeat(1_000_000);
    for (let i = 0; i < 6; i++) await call("records", { ...lead("Doe"), data: { Last_Name: "Doe", Essay } });
    const { body: snapshot } = await call("snapshot");
    await call("reset", {});
    expect((await call("restore", snapshot)).status).toBe(200);
    expect(await leads()).toHaveLength(6);
  });

  it.each([
    [{}, "the body is not a state of zoho-hooks emulate"],
    [{ type: "zoho-hooks emulator", v: 2 }, "the body is of another version of zoho-hooks (2, not 1)"],
    [{ type: "zoho-hooks emulator", v: 1, state: {} }, "the body is damaged: state.accounts is missing"],
  ])("leave the organisation as it is for %j", async (body, error) => {
    await call("records", lead("Doe"));
    const hint = "GET /_emulator/snapshot answers one";
    expect(await call("restore", body)).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining(error), hint },
    });
    expect(await leads()).toHaveLength(1);
  });
});

it("waits for all that was to be sent before it lists the deliveries, where asked", async () => {
  const answers: (() => void)[] = [];
  const slow = await startTarget((response) => void answers.push(() => response.end()));
  onTestFinished(slow.close);
  await call("deliver", { product: "crm", event: "Leads.create", to: slow.url });
  expect((await call("deliveries")).body.deliveries).toEqual([]);
  const listed = call("deliveries?settled&after=0");
  await expect.poll(() => answers).toHaveLength(1);
  answers[0]?.();
  expect((await listed).body.deliveries).toMatchObject([{ n: 1, status: 200 }]);
});

describe("subscriptions", () => {
  const channel = { channel_id: "1000000068001", events: ["Leads.all"], notify_url: "http://127.0.0.1:1/" };
  const listed = async () => (await call("state")).body.subscriptions.map(({ id }: { id: string }) => id);
  const end = (id: string, action: string, product = "crm") => call("subscriptions", { product, id, action });

  it("are expired, as listen finds it, or deleted", async () => {
    const crm = emulator.organisation.service("crm");
    const watchedBy = async (userAgent: string) => {
      const token = emulator.organisation.accounts.makeAccessToken(["ZohoCRM.notifications.ALL"]);
      const headers = { authorization: `Zoho-oauthtoken ${token}`, "user-agent": userAgent };
      return (await fetch(`${emulator.url}/crm/v8/actions/watch`, { headers })).status;
    };
    crm?.subscribe("crm", channel);
    expect((await end("1000000068001", "expire")).status).toBe(200);
    expect([await watchedBy(USER_AGENT), await watchedBy("other")]).toEqual([200, 204]);
    crm?.subscribe("crm", channel);
    expect(await listed()).toEqual(["1000000068001"]);
    expect((await end("1000000068001", "delete")).status).toBe(200);
    expect(await listed()).toEqual([]);
  });

  it("of each product are deleted, and only channels expire", async () => {
    const url = "http://127.0.0.1:1/";
    const hooks = {
      desk: { url, subscriptions: { Ticket_Add: null } },
      books: { webhook_name: "w", entity: "item", method: "POST", url },
      sign: { webhook_url: url, webhook_actions: "Sent", purpose: "test", environment: "PRODUCTION" },
    };
    for (const [product, hook] of Object.entries(hooks)) {
      emulator.organisation.service(product === "books" ? "finance" : product)?.subscribe(product, hook);
      const [id] = await listed();
      const error = `webhooks of ${product} do not expire`;
      expect(await end(id, "expire", product)).toMatchObject({ status: 400, body: { error } });
      expect((await end(id, "delete", product)).status).toBe(200);
      expect(await listed()).toEqual([]);
    }
  });

  it.each([
    [{}, 400, "product is missing"],
    [{ product: "crm", id: "1", action: "delete" }, 404, "crm has no channel or webhook 1"],
    [{ product: "bigin", id: "7", action: "delete" }, 404, "bigin has no channel or webhook 7"],
    [{ product: "crm", id: "7", action: "renew" }, 400, 'action: "renew" is not one of expire, delete'],
  ])("are left alone by %j", async (body, status, error) => {
    emulator.organisation.service("crm")?.subscribe("crm", { ...channel, channel_id: "7" });
    expect(await call("subscriptions", body)).toMatchObject({ status, body: { error } });
    expect(await listed()).toEqual(["7"]);
  });
});

it("shows one request whole, with its answer", async () => {
  await fetch(`${emulator.url}/oauth/serverinfo?a=b`);
  const { body } = await call("requests/1");
  expect(body).toMatchObject({ n: 1, path: "/oauth/serverinfo", query: "a=b", body: "", status: 200 });
  expect(JSON.parse(body.answer)).toEqual({ result: "success", locations: { us: emulator.url } });
  expect((await call("requests/2")).status).toBe(404);
  expect((await call("state")).body.requests[0]).not.toHaveProperty("answer");
});

it("begins a record with what it refers to", async () => {
  const { record } = (
    await call("records", { product: "desk", module: "contacts", action: "create", data: { lastName: "Doe" } })
  ).body;
  expect((await call("beginnings?product=desk&module=tickets")).body.create).toMatchObject({ contactId: record.id });
  expect((await call("beginnings?product=sign&module=requests")).body.change).toEqual({ action: "submit" });
  expect((await call("beginnings?product=crm&module=toString")).body).toEqual({
    ...{ create: { toString_Name: "Example" }, change: {} },
  });
  expect((await call("beginnings?product=mars&module=a")).status).toBe(400);
});

it("says what its page needs to know", async () => {
  await call("fail", { answer: 503, times: 2 });
  await call("fail", { delivery: "lost" });
  const { body } = await call("state");
  expect(body).toMatchObject({ invocation: "npx zoho-hooks", faults: { answers: 2, deliveries: 1 } });
  expect(body.variables).toBe(`export $(npx zoho-hooks emulate --env --port ${new URL(emulator.url).port})`);
});

it("makes the code of a self client", async () => {
  const { code } = (await call("code", { scope: "Desk.basic.READ, ZohoCRM.modules.ALL" })).body;
  expect(emulator.organisation.state.accounts.grants[code]?.scopes).toEqual(["Desk.basic.READ", "ZohoCRM.modules.ALL"]);
});

it("names what it does not have", async () => {
  const headers = { authorization: `Zoho-oauthtoken ${emulator.organisation.accounts.makeAccessToken([])}` };
  await fetch(`${emulator.url}/mars/v1/rovers?a=b`, { headers });
  const [seen] = (await call("state")).body.requests;
  expect(seen).toMatchObject({ method: "GET", path: "/mars/v1/rovers", query: "a=b", status: 404 });
  expect(seen.lacks).toBe("GET /mars/v1/rovers");
  expect((await call("requests?after=0")).body.requests[0].headers).toMatchObject({ host: new URL(emulator.url).host });
});

it.each([
  [
    "deliver",
    { product: "crm", evnt: "Leads.create", to: "http://127.0.0.1:1/" },
    "evnt is not taken by POST deliver",
    "did you mean event? it takes product, event, to, format",
  ],
  [
    "records",
    { product: "crm", modul: "Leads" },
    "modul is not taken by POST records",
    "did you mean module? it takes product, module, action, id, data",
  ],
  [
    "records",
    { product: "crm", module: "Leads", action: "creat" },
    'action: "creat" is not one of create, change, delete',
    "did you mean create?",
  ],
  [
    "subscriptions",
    { product: "crm", id: "7", action: "expired" },
    'action: "expired" is not one of expire, delete',
    "did you mean expire?",
  ],
  ["advance", { for: "6d" }, "for is not taken by POST advance", "it takes by"],
  [
    "fail",
    { delivery: "lost", prodct: "crm" },
    "prodct is not for a fault of kind delivery",
    "did you mean product? it takes delivery, times, product",
  ],
  [
    "answer",
    { path: "/a", statuss: 200 },
    "statuss is not a member of an answer",
    "did you mean status? it takes method, path, status, body, times",
  ],
  [
    "deliveries?setled",
    undefined,
    "setled is not taken by GET deliveries",
    "did you mean settled? it takes after, settled",
  ],
  ["reset", { all: true }, "all is not taken by POST reset", "it takes none"],
])("refuses a misspelt member of %s: %j", async (name, body, error, hint) => {
  expect(await call(name, body)).toEqual({ status: 400, body: { error, hint } });
});

it("answers an unknown call with 404 and where they are listed", async () => {
  expect(await call("rovers")).toEqual({
    status: 404,
    body: { error: "there is no control call GET /_emulator/rovers", hint: "docs/emulator.md lists them" },
  });
});

it("tells its page of changes, at most four times a second", async () => {
  const stream = await fetch(`${emulator.url}/_emulator/changes`);
  const reader = stream.body?.getReader();
  const next = async () => Buffer.from((await reader?.read())?.value ?? "").toString();
  expect(await next()).toBe("data: {}\n\n");
  for (let round = 0; round < 2; round++) {
    const startedAt = performance.now();
    for (let i = 0; i < 10; i++) await fetch(`${emulator.url}/oauth/serverinfo`);
    expect(await next()).toBe("data: {}\n\n");
    expect(performance.now() - startedAt).toBeGreaterThan(200);
  }
});

describe("a browser's page", () => {
  it.each([
    ["another origin", { origin: "http://evil.example" }],
    ["no origin", { origin: "null" }],
    ["another port", { origin: "http://127.0.0.1:1" }],
    ["another site", { "sec-fetch-site": "cross-site" }],
    ["another port of this site", { "sec-fetch-site": "same-site" }],
    ["a name that resolves to this machine", { host: "evil.example" }],
    ["a name that begins as an address", { host: "127.0.0.1.evil.example" }],
  ])("of %s is refused", async (_, headers) => {
    for (const name of ["state", "snapshot", "requests/1", "deliveries?settled"])
      expect(await statusWith(headers, `/_emulator/${name}`)).toBe(403);
    for (const name of ["reset", "restore", "answer", "fail", "subscriptions"])
      expect(await statusWith(headers, `/_emulator/${name}`, "POST")).toBe(403);
  });

  it.each([
    ["another origin", { origin: "http://evil.example" }],
    ["no origin", { origin: "null" }],
    ["another port", { origin: "http://127.0.0.1:1" }],
    ["a name that resolves to this machine", { host: "evil.example", origin: "http://evil.example" }],
  ])("of %s reaches no API, and uses up no limit or fault", async (_, headers) => {
    await call("fail", { answer: 503 });
    for (const path of ["/oauth/v2/token", "/oauth/v2/auth", "/crm/v8/actions/watch", "/api/v1/webhooks"])
      expect(await statusWith(headers, path, "POST")).toBe(403);
    expect((await call("state")).body).toMatchObject({ requests: [], subscriptions: [] });
    expect(await statusWith({}, "/oauth/v2/token", "POST")).toBe(503);
  });

  it("is refused before its body is read", async () => {
    const headers = { origin: "http://evil.example", "content-length": "1000000" };
    const sent = request(`${emulator.url}/_emulator/restore`, { method: "POST", headers });
    sent.flushHeaders();
    const status = await new Promise((resolve) => sent.once("response", (response) => resolve(response.statusCode)));
    sent.once("error", () => {}).destroy();
    expect(status).toBe(403);
  });

  it("of the emulator itself is answered, by each of its addresses", async () => {
    const { port } = new URL(emulator.url);
    for (const name of ["127.0.0.1", "localhost", "[::1]", "192.168.1.20"]) {
      const host = `${name}:${port}`;
      const headers = { host, origin: `http://${host}`, "sec-fetch-site": "same-origin" };
      expect(await statusWith(headers)).toBe(200);
      expect(await statusWith(headers, "/oauth/v2/token", "POST")).toBe(200);
    }
  });
});

it("serves its APIs to programs under any name, and nothing else", async () => {
  const headers = { host: "zoho.test:4480" };
  expect(await statusWith(headers, "/oauth/v2/token", "POST")).toBe(200);
  expect(await statusWith(headers, "/_emulator/state")).toBe(403);
  expect(await statusWith(headers, "/")).toBe(403);
});

describe("with a base URL", () => {
  const opened = async (baseUrl: string) => {
    const other = await openEmulator({ port: 0, packageRoot, env: {}, baseUrl });
    onTestFinished(() => other.close());
    return other;
  };

  it("takes control calls and its page by that name, and by no other", async () => {
    const other = await opened("https://zoho.test");
    const headers = { host: "zoho.test", origin: "https://zoho.test", "sec-fetch-site": "same-origin" };
    expect(await statusWith({ host: "zoho.test:8443" }, "/", "GET", other)).toBe(200);
    expect(await statusWith(headers, "/_emulator/reset", "POST", other)).toBe(200);
    expect(await statusWith(headers, "/oauth/v2/token", "POST", other)).toBe(200);
    expect(await statusWith({}, "/_emulator/state", "GET", other)).toBe(200);
    for (const wrong of [
      { host: "www.zoho.test" },
      { ...headers, origin: "https://www.zoho.test" },
      { ...headers, origin: "https://zoho.test:8443" },
    ])
      expect(await statusWith(wrong, "/_emulator/reset", "POST", other)).toBe(403);
  });

  it("names it in its answers, whatever the request came to", async () => {
    const { localUrl, url } = await opened("http://zoho.test:4480");
    expect(url).toBe("http://zoho.test:4480");
    const post = async (path: string, fields: Record<string, string>) => {
      const body = new URLSearchParams({ client_id: PUBLISHED.clientId, ...fields });
      return fetch(localUrl + path, { method: "POST", redirect: "manual", body });
    };
    const tokens = await post("/oauth/v2/token", {
      ...{ client_secret: PUBLISHED.clientSecret, grant_type: "refresh_token", refresh_token: PUBLISHED.refreshToken },
    });
    const { access_token, api_domain } = (await tokens.json()) as Record<string, string>;
    expect(api_domain).toBe(url);
    expect(await (await fetch(`${localUrl}/oauth/serverinfo`)).json()).toMatchObject({ locations: { us: url } });
    const consent = await post("/oauth/v2/auth", {
      ...{ response_type: "code", scope: "Desk.basic.READ", redirect_uri: "http://localhost/", decision: "accept" },
    });
    expect(new URL(consent.headers.get("location") ?? "").searchParams.get("accounts-server")).toBe(url);
    const headers = { authorization: `Zoho-oauthtoken ${access_token}` };
    const lacking = await fetch(`${localUrl}/crm/v8/Leads/1/rovers`, { headers });
    expect(await lacking.text()).toContain(`${url}/_emulator/answer`);
  });
});

it("closes the connection of a body in single bytes, and says so", async () => {
  const troubles: string[] = [];
  const other = await openEmulator({ port: 0, packageRoot, env: {}, onTrouble: (text) => void troubles.push(text) });
  onTestFinished(() => other.close());
  const socket = connect(Number(new URL(other.url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write("POST /oauth/v2/token HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
  socket.write("1\r\na\r\n".repeat(20_000));
  await new Promise((resolve) => socket.once("close", resolve));
  expect(troubles).toEqual(["the body came in more than 10000 chunks of a few bytes"]);
});
