import { afterEach, describe, expect, it } from "vitest";
import { createListener, type Listener } from "../../src/library/testing.ts";
import { type ApiReply, distortions, type EmulatorApi, openEmulatorApi } from "../support/emulator-api.ts";
import { startTarget, valuesOf } from "../support/target.ts";

const SECRET = "zohohooksDemo2024";
const SCOPES = ["settings", "contacts", "invoices"].flatMap((group) =>
  ["READ", "CREATE", "UPDATE", "DELETE"].map((operation) => `ZohoBooks.${group}.${operation}`),
);

let close: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of close.toReversed()) await each();
  close = [];
});

/** By a clock that each call moves on by a second: Books refuses faster calls of its settings. */
async function opened(onTrouble = (_message: string): void => {}): Promise<EmulatorApi> {
  let time = Date.parse("2026-11-30T10:00:00Z");
  const emulator = await openEmulatorApi(SCOPES, {
    now: () => new Date(time),
    onTrouble,
    onArrival: () => {
      time += 1000;
    },
  });
  close.push(emulator.close);
  return emulator;
}

async function receiver(): Promise<Listener> {
  const listener = await createListener({ keys: { secret: SECRET } });
  close.push(listener.close);
  return listener;
}

function call(emulator: EmulatorApi, method: string, path: string, body?: object | string): Promise<ApiReply> {
  const mark = path.includes("?") ? "&" : "?";
  return emulator.call(method, `/books/v3/${path}${mark}organization_id=10234695`, body);
}

async function hooked(emulator: EmulatorApi, entity: string, url: string, rules: string[], more = {}): Promise<void> {
  const hook = {
    webhook_name: "test",
    entity,
    method: "POST",
    url,
    headers: [],
    query_parameters: [],
    body_type: "application/json",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Zoho's placeholder for the whole record
    raw_data: "${JSONString}",
    form_data: [],
    secret: SECRET,
    ...more,
  };
  const made = await call(emulator, "POST", "settings/webhooks", hook);
  expect(made, JSON.stringify(made.body)).toMatchObject({ status: 201 });
  const instant_actions = [{ action_type: "webhook", action_id: made.body.webhook.webhook_id }];
  for (const rule_type of rules) {
    const rule = { workflow_name: "test", entity, rule_type, instant_actions };
    expect((await call(emulator, "POST", "settings/workflows", rule)).status).toBe(201);
  }
}

describe("Books of the emulator", () => {
  it("posts the record under its own key, as its API answers it, when a rule says so", async () => {
    const emulator = await opened();
    const listener = await receiver();
    await hooked(emulator, "customer", listener.urlOf("books"), ["add_edit", "delete"]);
    const { status, body } = await call(emulator, "POST", "contacts", { contact_name: "Bowman Furniture" });
    expect([status, body.code, body.contact.contact_type]).toEqual([201, 0, "customer"]);
    const { contact_id: id } = body.contact;
    expect(id).toMatch(/^\d{15}$/);
    expect(await listener.next()).toMatchObject({
      ok: true,
      genuine: true,
      name: "contact",
      payload: { contact: body.contact },
    });
    const changed = await call(emulator, "PUT", `contacts/${id}`, { company_name: "Bowman Lda" });
    expect((await listener.next()).payload).toEqual({ contact: changed.body.contact });
    expect((await call(emulator, "DELETE", `contacts/${id}`)).body).toEqual({
      code: 0,
      message: "The contact has been deleted.",
    });
    expect((await listener.next()).payload).toEqual({ contact: changed.body.contact });
    expect((await call(emulator, "GET", `contacts/${id}`)).body).toEqual({
      code: 1002,
      message: "Resource does not exist.",
    });
  });

  it("posts nothing for vendors, other modules, other types of rules and webhooks without a rule", async () => {
    const emulator = await opened();
    const listener = await receiver();
    await hooked(emulator, "customer", listener.urlOf("books"), ["add"]);
    await hooked(emulator, "item", listener.urlOf("books"), []);
    emulator.finance.create("contacts", { contact_name: "Vendor", contact_type: "vendor" });
    emulator.finance.create("items", { name: "Oak table", rate: 100.5 });
    const { id } = emulator.finance.create("contacts", { contact_name: "Customer" });
    emulator.finance.change("contacts", id, { company_name: "C" });
    emulator.finance.remove("contacts", id);
    await emulator.deliveries.settled();
    expect(listener.received.map(({ payload }) => payload)).toMatchObject([{ contact: { contact_name: "Customer" } }]);
    expect(emulator.finance.subscriptions()).toMatchObject([
      { product: "books", events: ["customer"], enabled: true },
      { events: ["item"], enabled: false },
    ]);
  });

  it("sends the webhook's method, parameters and headers, and signs the parameters with the body", async () => {
    const emulator = await opened();
    const listener = await receiver();
    const target = await startTarget();
    close.push(target.close);
    const more = {
      method: "PUT",
      query_parameters: [{ param_name: "event", param_value: "item.created & more" }],
      headers: [{ param_name: "X-Team", param_value: "warehouse" }],
    };
    await hooked(emulator, "item", listener.urlOf("books"), ["add"], {
      ...more,
      query_parameters: [{ param_name: "event", param_value: "item.created" }],
    });
    await hooked(emulator, "item", `${target.url}/hook?a=1`, ["add"], { ...more, secret: "" });
    emulator.finance.create("items", { name: "Oak table", rate: 100.5 });
    const { request, ...event } = await listener.next();
    expect(event).toMatchObject({ genuine: true, name: "item.created" });
    expect(request).toMatchObject({ method: "PUT", url: "/webhooks/zoho/books?event=item.created" });
    await emulator.deliveries.settled();
    const [seen] = target.seen;
    expect(seen).toMatchObject({ method: "PUT", path: "/hook?a=1&event=item.created+%26+more" });
    if (seen === undefined) throw new Error("nothing came");
    expect([valuesOf(seen, "x-team"), valuesOf(seen, "x-zoho-webhook-signature")]).toEqual([["warehouse"], []]);
  });

  it("sums up an invoice, names its customer, and takes the lines from items", async () => {
    const emulator = await opened();
    const listener = await receiver();
    await hooked(emulator, "invoice", listener.urlOf("books"), ["add_edit"]);
    const { body: contact } = await call(emulator, "POST", "contacts", { contact_name: "Bowman Furniture" });
    const { body: item } = await call(emulator, "POST", "items", { name: "Oak table", rate: 100.1 });
    const line_items = [
      { item_id: item.item.item_id, quantity: 3 },
      { name: "Delivery", rate: 20 },
    ];
    // As Zoho's own scripts send it; a short id may be a number.
    const json = JSON.stringify({ customer_id: Number(contact.contact.contact_id), line_items, tax_total: 0.3 });
    const { body } = await call(emulator, "POST", "invoices", new URLSearchParams({ JSONString: json }).toString());
    expect(body.invoice).toMatchObject({
      customer_name: "Bowman Furniture",
      customer_id: contact.contact.contact_id,
      line_items: [
        { name: "Oak table", rate: 100.1, item_total: 300.3 },
        { name: "Delivery", item_total: 20 },
      ],
      sub_total: 320.3,
      total: 320.6,
      balance: 320.6,
      status: "draft",
      date: "2026-11-30",
    });
    expect(await listener.next()).toMatchObject({ ok: true, genuine: true, payload: { invoice: body.invoice } });
    expect(
      (await call(emulator, "PUT", `invoices/${body.invoice.invoice_id}`, { status: "sent" })).body.invoice,
    ).toMatchObject({
      status: "sent",
      total: 320.6,
      line_items: [{ line_item_id: body.invoice.line_items[0].line_item_id }, {}],
    });
  });

  it("lists in pages, the newest first", async () => {
    const emulator = await opened();
    for (let i = 0; i < 5; i++) emulator.finance.create("items", { name: `Item ${i}`, rate: i });
    const { body } = await call(emulator, "GET", "items?page=2&per_page=2");
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual(["Item 2", "Item 1"]);
    expect(body.page_context).toEqual({ page: 2, per_page: 2, has_more_page: true });
    expect((await call(emulator, "GET", "items?page=3&per_page=2")).body.page_context.has_more_page).toBe(false);
    expect((await call(emulator, "GET", "items?per_page=201")).status).toBe(400);
  });

  it.each([
    ["POST", "contacts", {}, 400, "contact_name"],
    ["POST", "contacts", { contact_name: {} }, 400, "contact_name"],
    ["POST", "contacts", '{"contact_name":', 400, "JSONString"],
    ["POST", "items", { name: "n" }, 400, "rate"],
    ["POST", "invoices", { customer_id: "__proto__", line_items: [{ rate: 1 }] }, 400, "customer_id"],
    ["GET", "items/999999999999999", undefined, 404, "does not exist"],
    ["PUT", "contacts/999999999999999", { contact_name: "n" }, 404, "does not exist"],
    ["DELETE", "invoices/999999999999999", undefined, 404, "does not exist"],
    ["POST", "settings/webhooks", { url: "no", webhook_name: "n", entity: "item", method: "POST" }, 400, "url"],
    [
      "POST",
      "settings/webhooks",
      { url: "http://a.example", webhook_name: "n", entity: "item", method: "POST", headers: [{ param_name: "a b" }] },
      400,
      "headers",
    ],
  ])("refuses %s %s %j", async (method, path, body, status, text) => {
    const emulator = await opened();
    const answer = await call(emulator, method, path, body);
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.stringContaining(text)]);
  });

  it("answers members of any type, and goes on posting", async () => {
    const troubles: string[] = [];
    const emulator = await opened((message) => troubles.push(message));
    const listener = await receiver();
    await hooked(emulator, "invoice", listener.urlOf("books"), ["add_edit"]);
    const { contact_id: customer_id } = emulator.finance.create("contacts", { contact_name: "n" });
    const { item_id } = emulator.finance.create("items", { name: "n", rate: 1 });
    const bodies: Record<string, unknown> = {
      contacts: { contact_name: "n", contact_type: "customer", billing_address: {}, contact_persons: [] },
      items: { name: "n", rate: 1, sku: "s" },
      invoices: { customer_id, line_items: [{ item_id, rate: 1, quantity: 1 }], tax_total: 1, date: "2026-11-30" },
      "settings/webhooks": {
        ...{
          webhook_name: "n",
          entity: "invoice",
          method: "PUT",
          url: "http://127.0.0.1:9/",
          description: "d",
          secret: "",
        },
        ...{
          headers: [{ param_name: "a", param_value: "b" }],
          query_parameters: [{ param_name: "a", param_value: "b" }],
        },
      },
      "settings/workflows": {
        ...{ workflow_name: "n", entity: "invoice", rule_type: "add_edit" },
        instant_actions: [{ action_type: "webhook", action_id: emulator.finance.hooks[0]?.id }],
      },
    };
    for (const [path, body] of Object.entries(bodies))
      for (const distorted of distortions(body)) await call(emulator, "POST", path, distorted as object);
    await call(emulator, "POST", "invoices", bodies.invoices as object);
    await emulator.deliveries.settled();
    expect([troubles, emulator.requests.items.filter(({ status = 500 }) => status >= 500)]).toEqual([[], []]);
    expect(listener.received.map(({ ok, genuine }) => ok && genuine)).not.toContain(false);
    expect(listener.received.length).toBeGreaterThan(0);
  });

  it("requires the scope of the module, and keeps members of any name", async () => {
    const emulator = await openEmulatorApi(["ZohoBooks.contacts.CREATE"]);
    close.push(emulator.close);
    const { status, body } = await call(
      emulator,
      "POST",
      "contacts",
      '{"contact_name":"n","__proto__":{"status":"x"}}',
    );
    expect([status, body.contact.status, Object.hasOwn(body.contact, "__proto__")]).toEqual([201, "active", true]);
    expect((await call(emulator, "GET", "contacts")).body.code).toBe(57);
    expect((await call(emulator, "POST", "items", { name: "n", rate: 1 })).status).toBe(401);
  });
});
