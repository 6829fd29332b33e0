import { afterEach, describe, expect, it } from "vitest";
import { createListener, type Listener, type Received } from "../../src/library/testing.ts";
import { distortions, type EmulatorApi, openEmulatorApi } from "../support/emulator-api.ts";
import { startListener } from "../support/listener.ts";
import { tempFolder } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

const OPERATIONS = ["READ", "CREATE", "UPDATE", "DELETE"];
const SCOPES = ["settings", "events", "tickets", "contacts"].flatMap((group) =>
  OPERATIONS.map((operation) => `Desk.${group}.${operation}`),
);
const DEPARTMENT = "1892000000006907";

let close: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of close.toReversed()) await each();
  close = [];
});

async function opened(options: Parameters<typeof openEmulatorApi>[1] = {}): Promise<EmulatorApi> {
  const emulator = await openEmulatorApi(SCOPES, options);
  close.push(emulator.close);
  return emulator;
}

/** A receiver that verifies with the emulator's keys. */
async function receiver(emulator: EmulatorApi, audience?: string): Promise<Listener> {
  const jwks = await (await fetch(`${emulator.url}/.well-known/jwks.json`)).text();
  const listener = await createListener({ keys: { jwks, issuer: "orgId:60017843", ...(audience && { audience }) } });
  close.push(listener.close);
  return listener;
}

const orgId = { orgId: "60017843" };
const call = (emulator: EmulatorApi, method: string, path: string, body?: object, headers = {}) =>
  emulator.call(method, `/api/v1/${path}`, body, { ...orgId, ...headers });

/** An app whose answers have the status that was set last. */
async function app(): Promise<{ url: string; answers(status: number): void; requests(): readonly string[] }> {
  let status = 200;
  const target = await startTarget((response) => void response.writeHead(status).end());
  close.push(target.close);
  return {
    url: target.url,
    answers: (next) => {
      status = next;
    },
    requests: () => target.seen.map(({ method, path }) => `${method} ${path}`),
  };
}

async function hooked(emulator: EmulatorApi, url: string, subscriptions: object, more: object = {}): Promise<string> {
  const made = await call(emulator, "POST", "webhooks", { url, subscriptions, ...more });
  expect(made, JSON.stringify(made.body)).toMatchObject({ status: 200 });
  return made.body.id;
}

const payloadOf = ({ payload }: Received) => (payload as Record<string, unknown>[])[0];

describe("Desk of the emulator", () => {
  it("posts what happens to tickets and contacts, as an array with a token for that webhook", async () => {
    const emulator = await opened();
    const listener = await receiver(emulator, "webhookId:1892000000004203471");
    const events = ["Ticket_Add", "Ticket_Delete", "Contact_Add", "Contact_Update", "Contact_Delete"];
    const subscriptions = { ...Object.fromEntries(events.map((event) => [event, null])) };
    await hooked(emulator, listener.urlOf("desk"), {
      ...subscriptions,
      Ticket_Update: { departmentIds: [DEPARTMENT], fields: ["status"], includePrevState: true },
    });

    const contact = { firstName: "Jonas", lastName: "Eriksson", email: "j.eriksson@example.com" };
    const { body: who } = await call(emulator, "POST", "contacts", contact);
    const ticket = { subject: "No invoice", departmentId: DEPARTMENT, contactId: who.id };
    const { body: made } = await call(emulator, "POST", "tickets", ticket);
    expect(made).toMatchObject({ id: expect.stringMatching(/^\d{19}$/), status: "Open", statusType: "Open" });
    expect(await listener.next("desk:Contact_Add")).toMatchObject({ ok: true, genuine: true });
    const added = await listener.next("desk:Ticket_Add");
    expect(added).toMatchObject({ ok: true, genuine: true });
    expect(added.payload).toEqual([
      {
        payload: { ...made, contact: expect.objectContaining({ id: made.contactId, lastName: "Eriksson" }) },
        eventTime: expect.stringMatching(/^\d{13}$/),
        eventType: "Ticket_Add",
        orgId: "60017843",
      },
    ]);

    await call(emulator, "PATCH", `tickets/${made.id}`, { priority: "High" });
    await call(emulator, "PATCH", `tickets/${made.id}`, { status: "Closed", priority: "Low" });
    const updated = payloadOf(await listener.next("desk:Ticket_Update"));
    expect(updated).toMatchObject({
      payload: { status: "Closed", priority: "Low", closedTime: expect.stringMatching(/Z$/) },
      prevState: { status: "Open", priority: "High" },
    });

    await call(emulator, "PATCH", `contacts/${made.contactId}`, { phone: "+46 8 5550 0142" });
    expect(payloadOf(await listener.next("desk:Contact_Update"))?.prevState).toBeUndefined();
    expect((await call(emulator, "POST", "tickets/moveToTrash", { ticketIds: [made.id] })).status).toBe(204);
    expect((await call(emulator, "POST", "contacts/moveToTrash", { contactIds: [made.contactId] })).status).toBe(204);
    expect(payloadOf(await listener.next("desk:Ticket_Delete"))?.payload).toEqual({ id: made.id });
    expect(await listener.next("desk:Contact_Delete")).toMatchObject({ genuine: true });
    await emulator.deliveries.settled();
    expect(listener.received.map(({ name }) => name)).toHaveLength(6);
  });

  it("lets listen verify with the URL of its key set, which reset and a kept state leave as it is", async () => {
    const first = await opened();
    const env = { ZOHO_WEBHOOK_JWKS: `${first.url}/.well-known/jwks.json` };
    const listen = await startListener([], { cwd: tempFolder(), env });
    close.push(listen.stop);
    const url = `${listen.url}/webhooks/zoho/desk`;
    first.reset();
    await hooked(first, url, { Contact_Add: null });
    first.desk.create("contacts", { lastName: "Prado" });
    const event = (n: number) => listen.line("event", { event: "Contact_Add" }, n);
    expect((await event(1)).signatures).toMatchObject([{ id: "desk-token", result: "verified" }]);
    const kept = JSON.parse(JSON.stringify(first.state));
    const second = await opened({ state: kept });
    second.desk.create("contacts", { lastName: "Bowman" });
    expect(await event(2)).toMatchObject({ status: 200, signatures: [{ result: "verified" }] });
  });

  it("leaves out other departments, the webhook's own source, and webhooks that are disabled", async () => {
    const emulator = await opened();
    const listener = await receiver(emulator);
    const source = "49ad222a-f812-11e7-8c3f-9a214cf093ae";
    const url = listener.urlOf("desk");
    const id = await hooked(
      emulator,
      url,
      { Ticket_Add: { departmentIds: [DEPARTMENT] }, Contact_Add: null },
      { ignoreSourceId: source },
    );
    const contact = { lastName: "Prado" };
    await call(emulator, "POST", "contacts", contact, { sourceId: source });
    await call(emulator, "POST", "contacts", contact, { sourceId: "49ad222a-f812-11e7-8c3f-9a214cf093af" });
    const { body } = await call(emulator, "GET", "contacts");
    const ticket = { subject: "s", contactId: body.data[0].id };
    await call(emulator, "POST", "tickets", { ...ticket, departmentId: "1892000000006908" });
    await call(emulator, "POST", "tickets", { ...ticket, departmentId: DEPARTMENT });
    await call(emulator, "PATCH", `webhooks/${id}`, { subscriptions: { Contact_Add: null }, isEnabled: false });
    expect(emulator.desk.subscriptions()).toMatchObject([{ id, url, events: ["Contact_Add"], enabled: false }]);
    await call(emulator, "POST", "contacts", contact);
    await emulator.deliveries.settled();
    expect(listener.received.map(({ name }) => name)).toEqual(["Contact_Add", "Ticket_Add"]);
  });

  it("removes a webhook whose URL answers 410, and nothing after other failures", async () => {
    const emulator = await opened();
    const { url, answers } = await app();
    const id = await hooked(emulator, `${url}/desk`, { Contact_Add: null });
    answers(500);
    emulator.desk.create("contacts", { lastName: "Prado" });
    await emulator.deliveries.settled();
    expect((await call(emulator, "GET", `webhooks/${id}`)).body).toMatchObject({ id, isEnabled: true });
    answers(410);
    emulator.desk.create("contacts", { lastName: "Prado" });
    await emulator.deliveries.settled();
    expect((await call(emulator, "GET", `webhooks/${id}`)).status).toBe(404);
    expect((await call(emulator, "GET", "webhooks")).status).toBe(204);
  });

  it("probes the new URL of a webhook, by GET and then by POST", async () => {
    const emulator = await opened();
    const { url, answers, requests } = await app();
    const id = await hooked(emulator, `${url}/one`, { Contact_Add: null });
    const subscriptions = { Contact_Delete: null };
    const patch = (body: object) => call(emulator, "PATCH", `webhooks/${id}`, body);
    expect((await patch({ name: "n" })).status).toBe(422);
    expect((await patch({ subscriptions, name: "n" })).body).toMatchObject({ name: "n", subscriptions });
    expect(requests()).toEqual(["GET /one"]);
    answers(503);
    expect((await patch({ subscriptions, url: `${url}/two` })).body.errorCode).toBe("UNPROCESSABLE_ENTITY");
    expect(requests().slice(1)).toEqual(["GET /two", "POST /two"]);
    expect((await call(emulator, "GET", `webhooks/${id}`)).body.url).toBe(`${url}/one`);
  });

  it("lists the newest first, in pages", async () => {
    const emulator = await opened();
    expect((await call(emulator, "GET", "contacts")).status).toBe(204);
    for (let i = 0; i < 30; i++) emulator.desk.create("contacts", { lastName: `L${i}` });
    const names = async (query: string): Promise<string[]> =>
      (await call(emulator, "GET", `contacts${query}`)).body.data.map((each: { lastName: string }) => each.lastName);
    expect(await names("")).toHaveLength(25);
    expect(await names("?from=2&limit=2")).toEqual(["L27", "L26"]);
    expect((await call(emulator, "GET", "contacts?from=30")).status).toBe(204);
    expect((await call(emulator, "GET", "contacts?limit=1000")).status).toBe(422);
    const counts = Object.fromEntries(emulator.desk.modules().map(({ name, count }) => [name, count]));
    expect(counts).toEqual({ tickets: 0, comments: 0, threads: 0, contacts: 30, accounts: 0 });
  });

  it.each([
    ["POST", "tickets", { departmentId: DEPARTMENT }, 422, "/subject"],
    ["POST", "tickets", { subject: "s", departmentId: DEPARTMENT, contactId: "1" }, 422, "/contactId"],
    ["POST", "tickets", { subject: {}, departmentId: DEPARTMENT, contactId: "1" }, 422, "/subject"],
    ["POST", "contacts", { lastName: "" }, 422, "/lastName"],
    ["POST", "contacts", [1], 422, "/lastName"],
    ["POST", "tickets/moveToTrash", { ticketIds: ["__proto__"] }, 422, "/ticketIds"],
    [
      "POST",
      "webhooks",
      { url: "http://127.0.0.1:9/", subscriptions: { constructor: null } },
      422,
      "/subscriptions/constructor",
    ],
    [
      "POST",
      "webhooks",
      { url: "http://127.0.0.1:9/", subscriptions: { Ticket_Add: { toString: 1 } } },
      422,
      "/subscriptions/Ticket_Add",
    ],
    ["GET", "tickets/1892000000009999999", undefined, 404, "URL_NOT_FOUND"],
    ["PATCH", "contacts/1892000000009999999", {}, 404, "URL_NOT_FOUND"],
    ["DELETE", "contacts/1892000000009999999", undefined, 405, "METHOD_NOT_ALLOWED"],
  ])("refuses %s %s %j", async (method, path, body, status, text) => {
    const emulator = await opened();
    const answer = await call(emulator, method, path, body);
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringContaining(text)]);
  });

  it("answers members of any type, and goes on posting", async () => {
    const troubles: string[] = [];
    const emulator = await opened({ onTrouble: (message) => troubles.push(message) });
    const target = await app();
    const { body: contact } = await call(emulator, "POST", "contacts", { lastName: "Prado" });
    const ticket = { subject: "s", departmentId: DEPARTMENT, contactId: contact.id, status: "Open", cf: {} };
    const filter = { departmentIds: [DEPARTMENT], fields: ["status"], includePrevState: true };
    const hook = {
      url: `${target.url}/`,
      isEnabled: true,
      ignoreSourceId: "",
      subscriptions: { Ticket_Update: filter },
    };
    for (const body of distortions(hook)) await call(emulator, "POST", "webhooks", body as object);
    const { body: made } = await call(emulator, "POST", "tickets", ticket);
    for (const body of distortions(ticket)) await call(emulator, "POST", "tickets", body as object);
    for (const body of distortions({ status: "Closed" }))
      await call(emulator, "PATCH", `tickets/${made.id}`, body as object);
    await call(emulator, "PATCH", `tickets/${made.id}`, { status: "Closed" });
    for (const body of distortions({ ticketIds: ["1"] }))
      await call(emulator, "POST", "tickets/moveToTrash", body as object);
    await emulator.deliveries.settled();
    expect([troubles, emulator.requests.items.filter(({ status = 500 }) => status >= 500)]).toEqual([[], []]);
    expect(target.requests()).toContain("POST /");
  });

  it("keeps members of any name, and refuses broken JSON, a wrong organisation and missing scopes", async () => {
    const emulator = await opened();
    const json = '{"lastName":"Prado","__proto__":{"isSpam":true},"cf":{"cf_id":1892000000004203471}}';
    const headers = { ...orgId, "content-type": "application/json" };
    const { body } = await emulator.call("POST", "/api/v1/contacts", json, headers);
    expect([body.isSpam, Object.hasOwn(body, "__proto__"), body.cf.cf_id]).toEqual([
      false,
      true,
      "1892000000004203471",
    ]);
    expect((await emulator.call("POST", "/api/v1/contacts", '{"lastName":', headers)).status).toBe(422);
    expect((await emulator.call("GET", "/api/v1/contacts", undefined, { orgId: "1" })).status).toBe(403);
    const reader = emulator.accounts.makeAccessToken(["Desk.contacts.READ"]);
    const authorization = { ...headers, authorization: `Zoho-oauthtoken ${reader}` };
    expect((await emulator.call("GET", "/api/v1/contacts", undefined, authorization)).status).toBe(200);
    expect((await emulator.call("POST", "/api/v1/contacts", json, authorization)).body.errorCode).toBe(
      "SCOPE_MISMATCH",
    );
    expect((await emulator.call("GET", "/api/v1/tickets", undefined, authorization)).status).toBe(403);
  });
});
