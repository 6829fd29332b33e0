import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EmulatorApi, openEmulatorApi } from "../support/emulator-api.ts";
import { startTarget, type Target } from "../support/target.ts";
import { TestClock } from "../support/test-clock.ts";

const WATCH = "/crm/v8/actions/watch";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SCOPES = ["ZohoCRM", "ZohoBigin", "ZohoRecruit"].flatMap((product) =>
  ["modules", "settings", "notifications"].map((each) => `${product}.${each}.ALL`),
);
let clock: TestClock;
let api: EmulatorApi;
let target: Target;
beforeEach(async () => {
  clock = new TestClock();
  [api, target] = await Promise.all([openEmulatorApi(SCOPES, { now: clock.now }), startTarget()]);
});
afterEach(() => Promise.all([api.close(), target.close()]));

const write = (method: string, item: object, path = WATCH) => api.call(method, path, { watch: [item] });
const watch = (events: readonly string[], more: object = {}, path = WATCH) =>
  write("POST", { channel_id: "1000000068001", events, notify_url: `${target.url}/hook`, ...more }, path);
const rows = async () => (await api.call("GET", WATCH)).body?.watch ?? [];
const seen = async () => {
  await api.deliveries.settled();
  return target.seen.map(({ body }) => JSON.parse(body.toString()));
};

describe("a notification", () => {
  it("of a new, a changed and a deleted record has their values if the channel asked for them", async () => {
    await watch(["Leads.all"], { token: "hush", return_affected_field_values: true });
    const { id } = api.create("crm", "Leads", { Last_Name: "Boyle", Company: "Acme" });
    await api.call("PUT", `/crm/v8/Leads/${id}`, { data: [{ Last_Name: "Boyle", Company: "Zylker", City: "Austin" }] });
    await api.call("DELETE", `/crm/v8/Leads/${id}`);
    const envelope = {
      server_time: clock.now().getTime(),
      query_params: {},
      module: "Leads",
      resource_uri: `${api.url}/crm/v2/Leads`,
      ids: [id],
      channel_id: "1000000068001",
      token: "hush",
    };
    const bodies = await seen();
    expect(bodies).toHaveLength(3);
    expect(bodies).toContainEqual({
      ...envelope,
      operation: "insert",
      affected_fields: [],
      affected_values: [{ record_id: id, values: { Last_Name: "Boyle", Company: "Acme" } }],
    });
    expect(bodies).toContainEqual({
      ...envelope,
      operation: "update",
      affected_fields: [{ [id]: ["Company", "City"] }],
      affected_values: [{ record_id: id, values: { Company: "Zylker", City: "Austin" } }],
    });
    const user = { name: "Patricia Boyle", id: expect.any(String), email: "patricia.boyle@example.com" };
    expect(bodies).toContainEqual({
      ...envelope,
      operation: "delete",
      affected_fields: [{ [id]: ["Modified_By", "Record_Status__s"] }],
      affected_values: [{ record_id: id, values: { Modified_By: user, Record_Status__s: 0 } }],
    });
  });

  it("has no values and a null token otherwise", async () => {
    await watch(["Leads.create"]);
    api.create("crm", "Leads", { Last_Name: "Boyle" });
    const [body] = await seen();
    expect(body).not.toHaveProperty("affected_values");
    expect(body.token).toBeNull();
  });

  it("names all records of one call", async () => {
    await watch(["Leads.create"], { return_affected_field_values: true });
    const data = ["A", "B", "C"].map((Last_Name) => ({ Last_Name }));
    await api.call("POST", "/crm/v8/Leads", { data: [...data, {}] });
    await api.call("POST", "/crm/v8/Leads", { data: [{}] });
    const bodies = await seen();
    expect(bodies).toHaveLength(1);
    expect(bodies[0].ids).toHaveLength(3);
    expect(bodies[0].affected_values).toMatchObject(data.map((values) => ({ values })));
  });

  it("is not sent of other modules, operations, products and after the channel's end", async () => {
    await watch(["Leads.create", "Contacts.edit"]);
    api.create("crm", "Deals", { Deal_Name: "D", Stage: "Qualification" });
    const { id } = api.create("crm", "Contacts", { Last_Name: "Boyle" });
    api.create("bigin", "Contacts", { Last_Name: "Boyle" });
    clock.advance(HOUR_MS);
    await api.call("PUT", `/crm/v8/Contacts/${id}`, { data: [{ Title: "Dr" }] });
    expect(await seen()).toEqual([]);
  });

  it.each(["bigin", "recruit"])("of %s goes to its own channels", async (product) => {
    const module = product === "bigin" ? "Contacts" : "Candidates";
    await watch([`${module}.create`], {}, `/${product}/v2/actions/watch`);
    const { id } = api.create(product, module, { Last_Name: "Boyle" });
    expect(await seen()).toMatchObject([{ ids: [id], module, operation: "insert" }]);
  });
});

describe("a channel that advance has made expire", () => {
  const asOwn = async () => (await api.call("GET", WATCH, undefined, { "user-agent": "zoho-hooks" })).body?.watch ?? [];
  const inAnHour = () => `${new Date(clock.now().getTime() + HOUR_MS).toISOString().slice(0, 19)}+00:00`;

  it("is listed with its past expiry for zoho-hooks only, since no clock shows that it expired", async () => {
    await watch(["Leads.create", "Deals.all"]);
    api.advance(DAY_MS);
    expect(await rows()).toEqual([]);
    expect(await asOwn()).toMatchObject([
      { resource_name: "Leads", channel_expiry: "2026-02-28T15:30:00+05:30" },
      { resource_name: "Deals", channel_expiry: "2026-02-28T15:30:00+05:30" },
    ]);
    api.create("crm", "Leads", { Last_Name: "Doe" });
    expect(await seen()).toEqual([]);
    expect(
      (await write("PUT", { channel_id: "1000000068001", events: ["Leads.all"], notify_url: target.url })).body,
    ).toMatchObject({ watch: [{ code: "NOT_SUBSCRIBED" }] });
  });

  it("is not listed where the clock has made it expire", async () => {
    await watch(["Leads.create"]);
    clock.advance(HOUR_MS);
    api.advance(DAY_MS);
    expect(await asOwn()).toEqual([]);
  });

  it.each([
    ["it is created again", () => watch(["Leads.create"], { channel_expiry: inAnHour() }), 1],
    ["it is deleted", () => api.call("DELETE", `${WATCH}?channel_ids=1000000068001`), 0],
    ["the organisation is emptied", async () => api.reset(), 0],
  ])("is forgotten once %s", async (_, work, count) => {
    await watch(["Leads.create"]);
    api.advance(DAY_MS);
    await work();
    expect(await asOwn()).toHaveLength(count);
  });
});

describe("a channel with a condition", () => {
  const leaf = async (name: string) => {
    const { fields } = (await api.call("GET", "/crm/v8/settings/fields?module=Deals")).body;
    return { field: { api_name: name, id: fields.find((each: { api_name: string }) => each.api_name === name).id } };
  };
  const conditionOn = (field_selection: object) => ({
    notification_condition: [
      { type: "field_selection", module: { api_name: "Deals", id: "554023000000000131" }, field_selection },
    ],
  });
  const change = async (...changes: readonly object[]) => {
    const deals = changes.map(() => api.create("crm", "Deals", { Deal_Name: "D", Stage: "Qualification" }));
    await api.call("PUT", "/crm/v8/Deals", { data: changes.map((each, i) => ({ ...each, id: deals[i]?.id })) });
    const bodies = await seen();
    return bodies.flatMap(({ ids }) => ids.map((id: string) => deals.findIndex((each) => each.id === id)));
  };

  it("is told of a change of its field only", async () => {
    await watch(["Deals.edit"], conditionOn(await leaf("Stage")));
    await change({ Amount: 5 });
    expect(await seen()).toEqual([]);
    expect(await change({ Amount: 5 }, { Stage: "Closed Won" }, { Stage: "Qualification" })).toEqual([1]);
  });

  it.each([
    ["and", [1, 3]],
    ["or", [0, 1, 3]],
  ])("with %s is told as its groups say", async (group_operator, told) => {
    const [amount, stage, closing] = await Promise.all(["Amount", "Stage", "Closing_Date"].map(leaf));
    const inner = { group_operator: "or", group: [stage, closing] };
    await watch(["Deals.edit"], conditionOn({ group_operator, group: [amount, inner] }));
    const both = { Amount: 5, Stage: "Closed Won" };
    const changes = [{ Amount: 5 }, both, { Probability: 5 }, { Amount: 5, Closing_Date: "2026-01-01" }];
    expect(await change(...changes)).toEqual(told);
  });
});

describe("a change of a record that refers to another", () => {
  it.each([
    [{}, ["update"]],
    [{ notify_on_related_action: true }, ["update"]],
    [{ notify_on_related_action: false }, []],
  ])("is told to the channels of that one with %j", async (more, operations) => {
    const account = api.create("crm", "Accounts", { Account_Name: "Acme" });
    await watch(["Accounts.edit"], more);
    api.create("crm", "Contacts", { Last_Name: "Boyle", Account_Name: { id: account.id } });
    const bodies = await seen();
    expect(bodies.map(({ operation }) => operation)).toEqual(operations);
    for (const body of bodies)
      expect(body).toMatchObject({ module: "Accounts", ids: [account.id], affected_fields: [] });
  });
});

describe("PATCH", () => {
  const whole = () => ({
    token: "hush",
    return_affected_field_values: true,
    notify_on_related_action: false,
    channel_expiry: `${new Date(clock.now().getTime() + 5 * DAY_MS).toISOString().slice(0, 19)}Z`,
  });

  it("keeps what it leaves out, but for the token", async () => {
    await watch(["Leads.create"], whole());
    const [before] = await rows();
    const { status, body } = await write("PATCH", {
      channel_id: "1000000068001",
      events: ["Leads.edit", "Deals.edit"],
    });
    expect([status, body.watch[0].code, body.watch[0].details.events.length]).toEqual([200, "SUCCESS", 2]);
    const same = { ...before, token: null };
    expect(await rows()).toEqual([
      { ...same, events: ["Leads.create", "Leads.edit"] },
      expect.objectContaining({ resource_name: "Deals", events: ["Deals.edit"], notify_url: before.notify_url }),
    ]);
  });

  it("drops events with _delete_events, and the channel with its last", async () => {
    await watch(["Leads.all", "Deals.edit"], whole());
    const without = (events: readonly string[]) =>
      write("PATCH", { channel_id: "1000000068001", events, _delete_events: true });
    const { body } = await without(["Leads.create", "Deals.all"]);
    expect(body.watch[0]).toMatchObject({ code: "SUCCESS", message: "Successfully removed the subscribe details" });
    expect(body.watch[0].details.events).toEqual([
      expect.objectContaining({ resource_name: "Leads" }),
      expect.objectContaining({ resource_name: "Deals" }),
    ]);
    expect(body.watch[0].details.events[0]).not.toHaveProperty("channel_expiry");
    expect((await rows()).map(({ events }: { events: unknown }) => events)).toEqual([["Leads.edit", "Leads.delete"]]);
    expect((await without(["Leads.create"])).body.watch[0].code).toBe("NOT_SUBSCRIBED");
    await without(["Leads.all"]);
    expect((await api.call("GET", WATCH)).status).toBe(204);
  });

  it("of an unknown channel and of another product is refused", async () => {
    const item = { channel_id: "7", events: ["Leads.edit"] };
    expect((await write("PATCH", item)).body.watch[0].code).toBe("NOT_SUBSCRIBED");
    expect(await write("PATCH", item, "/bigin/v2/actions/watch")).toMatchObject({
      status: 405,
      body: { code: "INVALID_REQUEST_METHOD" },
    });
  });
});

it("leaves another product's channel of the same id when one is deleted", async () => {
  await watch(["Leads.create"]);
  await watch(["Contacts.create"], {}, "/bigin/v2/actions/watch");
  expect((await api.call("DELETE", "/bigin/v2/actions/watch?channel_ids=1000000068001")).status).toBe(202);
  expect(await rows()).toMatchObject([{ resource_name: "Leads" }]);
});

describe("a channel's lifetime", () => {
  it.each([
    ["/crm/v8/actions/watch", "Leads", 7 * DAY_MS, 7 * DAY_MS],
    ["/crm/v8/actions/watch", "Leads", 8 * DAY_MS, HOUR_MS],
    ["/crm/v3/actions/watch", "Leads", 2 * DAY_MS, HOUR_MS],
    ["/crm/v2.1/actions/watch", "Leads", DAY_MS, DAY_MS],
    ["/bigin/v2/actions/watch", "Contacts", 2 * DAY_MS, HOUR_MS],
  ])("at %s of %s: %i ms become %i", async (path, module, asked, granted) => {
    const channel_expiry = `${new Date(clock.now().getTime() + asked).toISOString().slice(0, 19)}Z`;
    const { body } = await watch([`${module}.create`], { channel_expiry }, path);
    const [event] = body.watch[0].details.events;
    expect(Date.parse(event.channel_expiry)).toBe(Math.floor((clock.now().getTime() + granted) / 1000) * 1000);
  });
});

it("takes fifty channels in one call, and items that are no channels", async () => {
  const item = (i: number) => ({ channel_id: i, events: ["Leads.edit"], notify_url: target.url });
  const items = (count: number) => ({ watch: Array.from({ length: count }, (_, i) => item(i)) });
  expect((await api.call("POST", WATCH, items(51))).body.code).toBe("LIMIT_EXCEEDED");
  expect((await api.call("POST", WATCH, items(50))).status).toBe(201);
  const { body } = await api.call("POST", WATCH, { watch: [null, "text", [], { channel_id: "__proto__" }] });
  expect(body.watch.map(({ code }: { code: string }) => code)).toEqual(Array(4).fill("MANDATORY_NOT_FOUND"));
  for (const name of ["channel_id", "events", "notify_url", "channel_expiry", "notification_condition"]) {
    const value = { toString: 1, valueOf: 1 };
    const broken = { ...item(1), [name]: name === "events" ? [value] : value };
    expect((await api.call("POST", WATCH, { watch: [broken] })).body.watch[0].code).toBe("INVALID_DATA");
  }
  expect((await api.call("POST", WATCH, "{")).status).toBe(400);
});

it("lists each channel once among the subscriptions", async () => {
  await watch(["Leads.create", "Deals.edit"]);
  expect(api.subscriptions()).toEqual([
    {
      product: "crm",
      id: "1000000068001",
      url: `${target.url}/hook`,
      events: ["Leads.create", "Deals.edit"],
      expiresAt: clock.now().getTime() + HOUR_MS,
      enabled: true,
    },
  ]);
});

it("tells of 10,000 records, created a hundred at a time, each once", async () => {
  await watch(["Leads.create"]);
  const ids: string[] = [];
  for (let call = 0; call < 100; call++) {
    const data = Array.from({ length: 100 }, (_, i) => ({
      Last_Name: `${call}-${i}`,
      Email: `${call}-${i}@example.com`,
    }));
    const { body } = await api.call("POST", "/crm/v8/Leads", { data });
    ids.push(...body.data.map(({ details }: { details: { id: string } }) => details.id));
  }
  const told = (await seen()).flatMap((body) => body.ids);
  expect([told.length, new Set(told).size]).toEqual([10_000, 10_000]);
  expect(told.sort()).toEqual(ids.sort());
});
