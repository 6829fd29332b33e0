import { afterEach, expect, it } from "vitest";
import { fixture, sign, verify } from "../../src/library/index.ts";
import { createListener, type Listener, type ListenerOptions } from "../../src/library/testing.ts";
import { testKeys } from "../support/test-secrets.ts";

const keys = { secret: "s3cret-of-the-app", token: "t0ken-of-the-app" };
const open: Listener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close();
});

async function started(options: ListenerOptions = { keys }): Promise<Listener> {
  const listener = await createListener(options);
  open.push(listener);
  return listener;
}

it("returns each event once, whether it came before or comes after", async () => {
  const listener = await started();
  await listener.send("crm", "Leads.edit");
  const coming = listener.next("crm:Leads.create");
  const answer = await listener.send("crm", "Leads.create", { set: { "ids[0]": "7", Own__c: 1 } });
  expect([answer.status, await answer.text()]).toEqual([200, "OK"]);
  expect(await coming).toMatchObject({
    ok: true,
    genuine: true,
    product: "crm",
    event: "<Module>.create",
    name: "Leads.create",
    format: "wire",
    payload: { ids: ["7"], Own__c: 1 },
  });
  expect(await listener.next("crm:*")).toMatchObject({ name: "Leads.edit" });
  await expect(listener.next("crm:*", { timeout: 1 })).rejects.toThrow("no crm:* came to");
  expect(listener.received.map(({ name }) => name)).toEqual(["Leads.edit", "Leads.create"]);
});

it("posts a received event again as it came, and forgets what came", async () => {
  const app = await started();
  const listener = await started();
  await listener.send("crm", "Leads.create", { format: "guide" });
  const event = await listener.next();
  listener.clear();
  expect(listener.received).toEqual([]);
  await expect(listener.next("*", { timeout: 1 })).rejects.toThrow("nothing came");
  expect((await listener.replay(event, { to: `${app.url}/webhooks/zoho/crm?tenant=1` })).status).toBe(200);
  const again = await app.next();
  expect(again).toMatchObject({ genuine: true, name: "Leads.create" });
  expect(again.request.body).toEqual(event.request.body);
  expect(again.request.url).toContain("?tenant=1");
  expect((await listener.replay(event)).status).toBe(200);
  expect(await listener.next()).toMatchObject({ genuine: true });
  await app.close();
  await expect(listener.replay(event, { to: app.url })).rejects.toThrow("did not answer: ");
  // @ts-expect-error: an unknown option
  await expect(listener.replay(event, { url: app.url })).rejects.toThrow('no option named "url"');
});

it("says at a timeout what came instead", async () => {
  const listener = await started();
  await listener.send("crm", "Leads.edit");
  await listener.send("crm", "Leads.create", { keys: { ...keys, secret: "wrong" }, format: "guide" });
  await fetch(listener.urlOf("desk"), { method: "POST", body: '{"challenge":"c-81"}' });
  const error = await listener.next("crm:Leads.create", { timeout: 1 }).catch(String);
  expect(error).toBe(
    [
      `Error: no crm:Leads.create came to ${listener.url} within 1 ms; what came:`,
      "  crm Leads.edit",
      "  crm Leads.create, answered 401: guide-signature: the signature does not match the body: the secret is different, or the bytes were changed",
      "  a challenge at /webhooks/zoho/desk",
    ].join("\n"),
  );
  expect(listener.received).toHaveLength(1);
});

it("sends an app new events that verify, in the format that is asked for", async () => {
  const audience = "webhookId:189200000000321777";
  const app = await started({});
  const listener = await started({ keys: { privateKey: testKeys.privateKey, audience } });
  for (let i = 0; i < 2; i++) await listener.send("desk", "Ticket_Add", { to: app.urlOf("desk"), format: "wire" });
  const [first, second] = app.received;
  expect(first).toMatchObject({ format: "wire", event: "Ticket_Add", genuine: false });
  expect(first?.identity).not.toBe(second?.identity);
  const forms = await listener.send("forms", "form_submitted", { to: app.urlOf("forms"), format: "wire" });
  expect(forms.status).toBe(200);
  expect(await app.next("forms:*"), "Zoho never signs it").toMatchObject({ ok: true, genuine: true });
});

it("returns an accepted event that is invalid or unknown as a handler gets it", async () => {
  const listener = await started();
  const sample = { ...fixture("crm", "Leads.create", { format: "wire" }), token: keys.token };
  for (const body of [
    { ...sample, server_time: undefined },
    { ...sample, operation: "merge" },
  ])
    await fetch(listener.urlOf("crm"), { method: "POST", body: JSON.stringify(body) });
  expect(await listener.next("crm:Leads.create")).toMatchObject({
    ok: false,
    genuine: true,
    known: true,
    issues: [{ path: ["server_time"] }],
  });
  const unknown = await listener.next("crm:Leads.m*");
  expect(unknown).toMatchObject({ ok: false, genuine: true, known: false, event: null });
  expect(verify("crm", unknown.request, keys)).toMatchObject({ genuine: true, identity: unknown.identity });
});

it("keeps the bytes of a delivery, so that it can be verified again", async () => {
  const listener = await started();
  const request = sign("crm", fixture("crm", "Leads.create"), keys);
  await fetch(listener.urlOf("crm"), request);
  const event = await listener.next();
  expect(event.request.body).toEqual(request.body);
  expect(verify("crm", event.request, keys)).toMatchObject({ ok: true, identity: event.identity });
});

it("names the app that does not answer, and the mistakes of a call", async () => {
  const gone = await createListener();
  await gone.close();
  const listener = await started();
  const sent = listener.send("crm", "Leads.create", { to: gone.urlOf("crm") });
  await expect(sent).rejects.toThrow(`${gone.urlOf("crm")} did not answer: connect ECONNREFUSED`);
  // @ts-expect-error: There is no such event.
  await expect(listener.send("books", "invoice_made")).rejects.toThrow(
    'books has no event "invoice_made": did you mean',
  );
  await expect(listener.send("crm", "Leads.create", { keys: {} })).rejects.toThrow("crm needs `token`");
  await expect(createListener({ keys: { secret: "" } })).rejects.toThrow(
    "`secret` has no value: set its environment variable",
  );
  // @ts-expect-error: nor such an option.
  await expect(createListener({ host: "localhost" })).rejects.toThrow('no option named "host"');
});

it("receives at the paths of the app as well", async () => {
  const listener = await started({ keys, paths: { "/api/hooks/crm": "crm", "/tenants/*": "auto" } });
  expect(listener.urlOf("crm")).toBe(`${listener.url}/api/hooks/crm`);
  expect((await listener.send("crm", "Leads.create")).status).toBe(200);
  const { request } = await listener.next("crm:Leads.create");
  expect(request.url).toBe("/api/hooks/crm");
  for (const path of ["/tenants/7/crm", "/webhooks/zoho/crm"])
    expect((await listener.send("crm", "Leads.create", { to: listener.url + path })).status).toBe(200);
  expect((await listener.send("crm", "Leads.create", { to: `${listener.url}/elsewhere` })).status).toBe(404);
  expect(await listener.replay(await listener.next())).toMatchObject({ status: 200 });
});

it.each([
  ["a product that there is not", { "/crm": "cmr" }, 'there is no product "cmr": did you mean crm?'],
  ["a path without a slash", { crm: "crm" }, 'paths: "crm" does not begin with a slash: write it as "/crm"'],
  ["a list", ["/crm"], 'paths is not an object: write it as "paths": {'],
])("refuses %s among its paths", async (_, paths, message) => {
  const error = await createListener({ paths } as unknown as ListenerOptions).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TypeError);
  expect(String(error)).toContain(message);
});

it("says that its port is in use, with the remedy", async () => {
  const { url } = await started();
  const port = Number(new URL(url).port);
  const error = await createListener({ port }).catch((reason: unknown) => reason);
  expect(String(error)).toBe(`Error: port ${port} is in use: leave the option port out for a free one`);
  expect(error).not.toHaveProperty("hint");
});

it("ends waiting when it is closed, and does not wait afterwards", async () => {
  const listener = await createListener();
  const coming = listener.next("crm:Leads.create", { timeout: Number.POSITIVE_INFINITY });
  const [closed] = await Promise.allSettled([coming, listener.close()]);
  expect(closed).toMatchObject({ reason: new Error("the listener was closed") });
  await expect(listener.next()).rejects.toThrow("the listener was closed");
});

it("waits without a time limit for an event", async () => {
  const listener = await started();
  const coming = listener.next("crm:Leads.create", { timeout: Number.POSITIVE_INFINITY });
  await listener.send("crm", "Leads.create");
  expect(await coming).toMatchObject({ name: "Leads.create" });
});

it.each<[string, string, unknown[]]>([
  ["an unknown product", 'there is no product "cmr": did you mean crm?', ["cmr:Leads.create"]],
  ["an unknown event", 'no event matches "crm:Leads.craete": did you mean Leads.create?', ["crm:Leads.craete"]],
  ["an unknown event of any product", 'no event matches "Leads.craete": did you mean', ["Leads.craete"]],
  ["a pattern that matches no product", 'no event matches "x*:*"', ["x*:*"]],
  ["the name of a family", 'no event matches "crm:<Module>.create"', ["crm:<Module>.create"]],
  ["an empty pattern", 'no event matches ""', [""]],
  ["options as the pattern", "the event pattern is not a text", [{ timeout: 1 }]],
  ["an unknown option", 'no option named "timeoutMs", only timeout', ["*", { timeoutMs: 1 }]],
  ["a timeout that no timer can have", "timeout is not a number of milliseconds", ["*", { timeout: 2 ** 31 }]],
  ["a timeout that is no number", "timeout is not a number of milliseconds", ["*", { timeout: "1s" }]],
])("refuses to wait with %s", async (_, message, args) => {
  const listener = await started();
  const coming: Promise<unknown> = Reflect.apply(listener.next as () => Promise<unknown>, listener, args);
  const error = await coming.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TypeError);
  expect(String(error)).toContain(message);
});

it.each(["*", "*:*", "c?m:*", "crm:Leads.*", "CRM:My_Module.create", "crm:not_known_yet*", "Leads.create"])(
  "can wait for %s",
  async (pattern) => {
    const listener = await started();
    await expect(listener.next(pattern, { timeout: 0 })).rejects.toThrow("nothing came");
  },
);
