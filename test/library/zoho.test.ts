import { afterEach, describe, expect, it } from "vitest";
import { connectZoho, memoryStore } from "../../src/library/connect.ts";
import { createListener, startZoho, type Zoho, type ZohoOptions } from "../../src/library/testing.ts";
import { startTarget } from "../support/target.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
function toClose<T extends { close(): Promise<void> }>(each: T): T {
  open.push(each);
  return each;
}
const started = async (options: ZohoOptions = {}) => toClose(await startZoho(options));
const DOE = { Last_Name: "Doe", Company: "Acme" };

/** Calls an API as a user's code does. */
async function call({ env }: Zoho, method: string, path: string, body?: unknown) {
  const form = {
    client_id: env.ZOHO_CLIENT_ID ?? "",
    client_secret: env.ZOHO_CLIENT_SECRET ?? "",
    ...{ refresh_token: env.ZOHO_REFRESH_TOKEN ?? "", grant_type: "refresh_token" },
  };
  const request = { method: "POST", body: new URLSearchParams(form) };
  const granted = (await (await fetch(`${env.ZOHO_ACCOUNTS_URL}/oauth/v2/token`, request)).json()) as {
    access_token: string;
  };
  const headers = { authorization: `Zoho-oauthtoken ${granted.access_token}` };
  return fetch(env.ZOHO_API_URL + path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
}

async function watch(zoho: Zoho, notify_url: string): Promise<void> {
  const channel = { channel_id: "1000000068001", events: ["Leads.all"], notify_url, token: "t0ken-of-mine" };
  expect((await call(zoho, "POST", "/crm/v8/actions/watch", { watch: [channel] })).status).toBe(201);
}

it("sends what follows from a record, verified by a listener", async () => {
  const [zoho, listener] = [await started(), toClose(await createListener({ keys: { token: "t0ken-of-mine" } }))];
  await watch(zoho, listener.urlOf("crm"));
  expect(zoho.subscriptions()).toMatchObject([{ product: "crm", id: "1000000068001", enabled: true }]);
  const lead = await zoho.crm.create("Leads", DOE);
  expect(await listener.next("crm:Leads.create")).toMatchObject({ genuine: true, records: [lead.id] });
  expect(await zoho.crm.change("Leads", lead.id, { Company: "Other" })).toMatchObject({ Company: "Other" });
  await zoho.crm.delete("Leads", lead.id);
  const deliveries = await zoho.deliveries();
  expect(deliveries.map(({ n, event, status }) => [n, event, status])).toEqual([
    [1, "Leads.create", 200],
    [2, "Leads.edit", 200],
    [3, "Leads.delete", 200],
  ]);
  expect(deliveries[0]).toMatchObject({ product: "crm", method: "POST", url: listener.urlOf("crm") });
  expect(JSON.parse(deliveries[0]?.body ?? "")).toMatchObject({ token: "t0ken-of-mine", ids: [lead.id] });
  expect(deliveries[0]?.headers["content-type"]).toMatch(/^application\/json/);
});

it("has all variables that an app connects with", async () => {
  const { env } = await started();
  const app = connectZoho({
    clientId: env.ZOHO_CLIENT_ID,
    clientSecret: env.ZOHO_CLIENT_SECRET,
    refreshToken: env.ZOHO_REFRESH_TOKEN,
    dc: env.ZOHO_DC,
    accountsUrl: env.ZOHO_ACCOUNTS_URL,
    apiUrl: env.ZOHO_API_URL,
    store: memoryStore(),
  });
  expect(await app.accessToken()).toMatch(/./);
});

it("has nothing in common with another one", async () => {
  const [one, two] = [await started(), await started()];
  const lead = await one.crm.create("Leads", DOE);
  expect(one.crm.list("Leads")).toEqual([lead]);
  expect(two.crm.list("Leads")).toEqual([]);
  expect((await call(two, "GET", "/crm/v8/Leads?fields=Last_Name")).status).toBe(204);
  one.reset();
  expect(one.crm.list("Leads")).toEqual([]);
});

it("has records of each product", async () => {
  const zoho = await started();
  const contact = await zoho.desk.create("contacts", { lastName: "Doe" });
  expect(zoho.desk.list("contacts")).toMatchObject([{ id: contact.id, lastName: "Doe" }]);
  expect(await zoho.bigin.create("Contacts", { Last_Name: "Doe" })).toHaveProperty("id");
  expect(await zoho.recruit.create("Candidates", { Last_Name: "Doe" })).toHaveProperty("id");
  const item = await zoho.books.create("items", { name: "Cable", rate: 3 });
  await zoho.books.delete("items", item.id);
  expect(zoho.books.list("items")).toEqual([]);
  const recipient = { recipient_name: "Roe", recipient_email: "roe@example.com", action_type: "SIGN" };
  const request = await zoho.sign.create("requests", { request_name: "Lease", actions: [recipient] });
  expect(request).toMatchObject({ request_name: "Lease" });
});

it("starts in less than 50 ms", async () => {
  await started();
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const startedAt = performance.now();
    await started();
    times.push(performance.now() - startedAt);
  }
  // The fastest: other tests run at the same time.
  expect(Math.min(...times)).toBeLessThan(50);
});

it("ages what it holds, and leaves the clock", async () => {
  const zoho = await started();
  await watch(zoho, "http://127.0.0.1:1/hook");
  zoho.advance("30m");
  expect(zoho.subscriptions()).toHaveLength(1);
  zoho.advance(30 * 60_000);
  expect(zoho.subscriptions()).toEqual([]);
  const date = (await call(zoho, "GET", "/crm/v8/org")).headers.get("date") ?? "";
  expect(Math.abs(Date.parse(date) - Date.now())).toBeLessThan(60_000);
});

it("takes a clock", async () => {
  let now = new Date("2030-01-01T00:00:00Z");
  const zoho = await started({ now: () => now });
  await watch(zoho, "http://127.0.0.1:1/hook");
  const [channel] = zoho.subscriptions();
  expect(channel?.expiresAt).toBe(Date.parse("2030-01-01T01:00:00Z"));
  now = new Date("2030-01-01T01:00:00Z");
  expect(zoho.subscriptions()).toEqual([]);
});

it("fails as asked", async () => {
  const app = toClose(await startTarget());
  const zoho = await started();
  await watch(zoho, app.url);
  zoho.fail({ answer: 429, path: "/crm", retryAfter: "5s" });
  const limited = await call(zoho, "GET", "/crm/v8/org");
  expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "5"]);
  expect((await call(zoho, "GET", "/crm/v8/org")).status).toBe(200);
  zoho.fail({ delivery: "lost" });
  zoho.fail({ delivery: "twice", product: "crm" });
  await zoho.crm.create("Leads", DOE);
  await zoho.crm.create("Leads", DOE);
  expect((await zoho.deliveries()).map(({ fault, status }) => [fault, status])).toEqual([
    ["lost", undefined],
    ["twice", 200],
    ["twice", 200],
  ]);
});

it("answers what it does not have as the test says", async () => {
  const zoho = await started();
  zoho.answer({ method: "GET", path: "/crm/v8/Leads/{id}/Rovers", body: { data: [{ id: "1" }] } });
  zoho.answer({ path: "/crm/v8/org", status: 403, times: 1 });
  expect(await (await call(zoho, "GET", "/crm/v8/Leads/7/Rovers")).json()).toEqual({ data: [{ id: "1" }] });
  expect((await call(zoho, "GET", "/crm/v8/org")).status).toBe(403);
  expect((await call(zoho, "GET", "/crm/v8/org")).status).toBe(200);
  // @ts-expect-error: the path is missing.
  expect(() => zoho.answer({ body: {} })).toThrow(
    new TypeError("path is missing: write it as /crm/v8/Leads/{id}/Notes"),
  );
});

it("has its seed at the start and after each reset", async () => {
  const seed = { crm: { Leads: [DOE] }, desk: { contacts: [{ lastName: "Roe" }] } };
  const zoho = await started({ seed });
  const [lead] = zoho.crm.list("Leads");
  await zoho.crm.create("Leads", DOE);
  zoho.reset();
  expect(zoho.crm.list("Leads")).toMatchObject([{ id: lead?.id, ...DOE }]);
  expect(zoho.desk.list("contacts")).toMatchObject([{ lastName: "Roe" }]);
  await expect(startZoho({ seed: { crm: { Leads: [{}] } } })).rejects.toThrow(
    /^seed\.crm\.Leads\.0: Zoho would refuse this record: .*MANDATORY_NOT_FOUND/,
  );
  await expect(startZoho({ seed: { mars: {} } })).rejects.toThrow(TypeError);
});

it("goes back to a snapshot, as often as wanted", async () => {
  const [zoho, other] = [await started(), await started()];
  const lead = await zoho.crm.create("Leads", DOE);
  await watch(zoho, "http://127.0.0.1:1/hook");
  const before = zoho.snapshot();
  for (let i = 0; i < 2; i++) {
    await zoho.crm.change("Leads", lead.id, { Company: "Other" });
    await zoho.crm.create("Leads", DOE);
    zoho.advance("7d");
    zoho.restore(before);
    expect(zoho.crm.list("Leads")).toEqual([lead]);
    expect(zoho.subscriptions()).toHaveLength(1);
    expect(await zoho.deliveries()).toEqual([]);
  }
  other.restore(JSON.parse(JSON.stringify(before)));
  expect(other.crm.list("Leads")).toEqual([lead]);
  expect(() => zoho.restore({ type: "", v: 1, state: {} })).toThrow(
    new TypeError("the argument is not a state of zoho-hooks emulate: snapshot() returns one"),
  );
});

describe("a mistake", () => {
  it("in a record is an Error with Zoho's answer", async () => {
    const zoho = await started();
    await expect(zoho.crm.create("Leads", { Company: "Acme" })).rejects.toThrow(
      /^Zoho would refuse it: .*MANDATORY_NOT_FOUND.*Last_Name/,
    );
    await expect(zoho.crm.create("Rovers", DOE)).rejects.toThrow(/INVALID_MODULE/);
    await expect(zoho.crm.change("Leads", "1", {})).rejects.toThrow(/^Zoho would refuse it: /);
  });

  it("in an option or an argument is a TypeError", async () => {
    // @ts-expect-error: no such option.
    await expect(() => startZoho({ port: 1 })).rejects.toThrow(
      new TypeError('there is no option named "port", only now, seed'),
    );
    const zoho = await started();
    // @ts-expect-error: neither.
    expect(() => zoho.fail({ times: 2 })).toThrow(new TypeError("either answer or delivery must be given"));
    expect(() => zoho.fail({ answer: 200 })).toThrow(TypeError);
    for (const by of ["6", "", -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => zoho.advance(by)).toThrow(TypeError);
  });
});
