import { describe, expect, it } from "vitest";
import type { Delivery, HeaderPair } from "../../src/delivery/delivery.ts";
import { noSecrets, type Secrets } from "../../src/delivery/secrets.ts";
import { configureProducts } from "../../src/model/configure.ts";
import { findProduct } from "../../src/model/event-names.ts";
import type { Receipt } from "../../src/model/receipt.ts";
import { products } from "../../src/products/index.ts";
import { receive } from "../../src/recognition/receive.ts";
import { decideReply } from "../../src/recognition/reply.ts";
import { named, posted } from "../support/deliveries.ts";

const ID = "46000000004912301";
const INVOICE = `{"invoice":{"invoice_id":"${ID}","status":"sent"}}`;

function received(delivery: Delivery, product = "books", secrets: Secrets = noSecrets): Receipt {
  const now = new Date("2025-01-15T10:30:00Z");
  return receive({ products, product: findProduct(products, product), delivery, secrets, now });
}

function eventOf(url: string, headers: readonly HeaderPair[] = []): string | undefined {
  return received(posted(INVOICE, { url, headers })).event;
}

describe("a body of a finance product", () => {
  it("is recognised by its record, without an operation", () => {
    const receipt = received(posted(INVOICE));
    expect(receipt).toMatchObject({ format: "wire", event: "invoice", known: true, records: [ID] });
    expect(receipt.hint).toContain("?event=invoice.created");
  });

  it.each([
    "?event=invoice_created",
    "?event_type=invoice.created",
    "?action=add",
    "?action=Create",
    "?operation=insert",
    "?x=1&event=INVOICE-CREATED",
  ])("has the operation of %s", (query) => {
    expect(eventOf(`/hook${query}`)).toBe("invoice.created");
  });

  it.each<HeaderPair>([
    ["X-Zoho-Event", "invoice.created"],
    ["x-event", "create"],
    ["X-Event-Type", "invoice_created"],
  ])("has the operation of the header %s: %s", (name, value) => {
    expect(eventOf("/", [[name, value]])).toBe("invoice.created");
  });

  it.each([
    [{ query: "what" }, posted(INVOICE, { url: "/?what=created" })],
    [{ header: "X-What" }, posted(INVOICE, { url: "/", headers: [["x-what", "invoice_created"]] })],
    // The configured place takes precedence.
    [{ query: "what" }, posted(INVOICE, { url: "/?event=deleted&what=created" })],
  ])("has the operation of the configured place: %j", (event, delivery) => {
    const configured = configureProducts(products, { books: { event } });
    const product = findProduct(configured, "books");
    const now = new Date("2025-01-15T10:30:00Z");
    const receipt = receive({ products: configured, product, delivery, secrets: noSecrets, now });
    expect(receipt).toMatchObject({ format: "wire", event: "invoice.created", known: true });
  });

  it("accepts any word for the operation, but nothing else", () => {
    expect(eventOf("/?event=invoice.upsert")).toBe("invoice.upsert");
    for (const url of ["/?event=", "/?event=%F0%9F%92%A5", "/?event=a%20b", "/?other=deleted"])
      expect(eventOf(url)).toBe("invoice");
  });

  it("has no hint when the event is named", () => {
    expect(received(posted(INVOICE, { url: "/?event=invoice.created" })).hint).toBeUndefined();
  });

  it("may be the field JSONString of a form", () => {
    const form = posted(new URLSearchParams({ JSONString: INVOICE }).toString(), {
      type: "application/x-www-form-urlencoded",
    });
    expect(received(form)).toMatchObject({ event: "invoice", records: [ID], schema: { ok: true } });
  });

  it("may have numbers of any length as ids", () => {
    const body = '{"item":{"item_id":4600000000177710123,"name":"Oak table"}}';
    expect(received(posted(body))).toMatchObject({
      event: "item",
      records: ["4600000000177710123"],
      schema: { ok: true },
    });
  });

  it("may be sent by PUT and DELETE", () => {
    for (const method of ["PUT", "DELETE"]) expect(received(posted(INVOICE, { method })).event).toBe("invoice");
    expect(received(posted(INVOICE, { method: "PATCH" })).event).toBeUndefined();
  });

  it("is not recognised as the guide's format, nor the reverse", () => {
    const guide = `{"event":"invoice_created","organization_id":"1","data":{"invoice_id":"${ID}"}}`;
    expect(received(posted(guide)).format).toBe("guide");
    const event = `{"event_id":"9030000000533101","event_type":"payment_thankyou","payment":{"payment_id":"${ID}"}}`;
    expect(received(posted(event), "subscriptions")).toMatchObject({
      format: "wire",
      event: "payment_thankyou",
      records: [ID],
    });
  });

  it("is answered when it is the empty set-up call, as JSON and as a form", () => {
    expect(received(posted('{"payload":""}')).handshake).toMatchObject({ status: 200 });
    expect(received(posted("payload=", { type: "application/x-www-form-urlencoded" })).handshake).toMatchObject({
      status: 200,
    });
    expect(received(posted('{"payload":"","invoice":{}}')).handshake).toBeUndefined();
  });

  it("is verified by its signature when it is user-defined", () => {
    const key = named("zohohooksDemo2024");
    const secrets: Secrets = { for: () => [key], all: () => [key] };
    const form = posted("event_id=5675&plan_code=basic-monthly", {
      url: "/?customer_name=Acme%20%26%20Sons",
      type: "application/x-www-form-urlencoded",
      headers: [["x-zoho-webhook-signature", "cd7785e58812e62463dd21bd0d727f9bdd51c4371bc3efb60d603f7c88986b4a"]],
    });
    expect(received(form, "books", secrets).verdicts).toMatchObject([{ id: "finance-signature", verdict: "passed" }]);
    const unsigned = { ...form, headers: form.headers.slice(0, 1) };
    expect(received(unsigned, "books", secrets).verdicts).toMatchObject([{ verdict: "failed" }]);
  });
});

const FINANCE = ["books", "inventory", "invoice", "expense", "procurement", "spend", "subscriptions"];
const RECORDS: Readonly<Record<string, string>> = { expense: "expense", procurement: "bill", spend: "bill" };

describe.each(FINANCE)("a broken body of %s", (product) => {
  const entity = RECORDS[product] ?? "invoice";
  const id = `${entity}_id`;

  it.each<[string, unknown, string]>([
    ["null in place of the record", null, entity],
    ["text in place of the record", "text", entity],
    ["a list in place of the record", [], entity],
    ["a record without its id", { total: 120.5 }, `${entity}.${id}`],
    ["a record whose id is null", { [id]: null }, `${entity}.${id}`],
    ["a record whose id is an object", { [id]: {} }, `${entity}.${id}`],
  ])("has a schema issue by name: %s", (_, record, at) => {
    const receipt = received(posted(JSON.stringify({ [entity]: record })), product);
    expect(receipt).toMatchObject({ product, event: entity, known: true, custom: false });
    expect(receipt.schema?.issues.map((issue) => issue.at)).toEqual([at]);
    expect(decideReply(receipt, { schema: "enforce", onInvalid: "reject" }).reply.status).toBe(422);
  });

  it("has its operation, too", () => {
    const delivery = posted(JSON.stringify({ [entity]: null }), { url: `/?event=${entity}.created` });
    expect(received(delivery, product)).toMatchObject({ event: `${entity}.created`, schema: { ok: false } });
  });

  it.each<[string, Delivery]>([
    ["has a wrapper that is not known", posted('{"shipmentorder":{"shipmentorder_id":"1"}}')],
    ["has an unknown wrapper around null", posted('{"shipmentorder":null}')],
    ["has another member beside the wrapper", posted(JSON.stringify({ [entity]: { total: 5 }, note: "new" }))],
    ["is a form of the user's own fields", posted(`${entity}=7`, { type: "application/x-www-form-urlencoded" })],
    ["is a list of the user's own objects", posted(JSON.stringify([{ [entity]: 7 }]))],
  ])("is custom where it %s", (_, delivery) => {
    expect(received(delivery, product)).toMatchObject({ product, known: true, custom: true, schema: undefined });
  });
});

it.each([
  [{ salesorder: { salesorder_number: "SO-1" } }, "books", "salesorder", ["salesorder.salesorder_id"]],
  [{ invoice: null }, "books", "invoice", ["invoice", "invoice.invoice_id"]],
  [{ subscription: "text" }, "subscriptions", "subscription", ["subscription.subscription_id"]],
])("a broken record is nobody's where no product is named, and near to one: %j", (body, product, event, missing) => {
  const receipt = receive({ products, delivery: posted(JSON.stringify(body)), secrets: noSecrets, now: new Date() });
  expect(receipt.product).toBeUndefined();
  expect(receipt.nearest).toMatchObject({ product, events: [event], missing });
});

it.each<[string, string, readonly HeaderPair[], readonly string[]]>([
  ["invoice", "books", [], ["inventory invoice", "invoice invoice", "subscriptions invoice"]],
  ["expense", "books", [], ["expense expense", "invoice expense", "spend expense"]],
  [
    "salesorder",
    "commerce",
    [["X-ZOHO-Event", "salesorder.delivered"]],
    ["books salesorder.delivered", "inventory salesorder.delivered"],
  ],
])(
  "a record that several products post is all of them where no product is named: %s",
  (entity, product, headers, others) => {
    const delivery = posted(JSON.stringify({ [entity]: { [`${entity}_id`]: ID } }), { headers });
    const receipt = receive({ products, delivery, secrets: noSecrets, now: new Date("2025-01-15T10:30:00Z") });
    expect([receipt.product, receipt.ambiguousWith.toSorted()]).toEqual([product, others]);
  },
);

it("a body of another product may have one member with the name of a record", () => {
  for (const product of ["webinar", "creator", "crm"])
    expect(received(posted('{"contact":{"email":"mei@example.com"}}'), product)).toMatchObject({
      product,
      custom: true,
    });
});

describe("a sales order that Books or Commerce could have sent", () => {
  const ORDER = {
    salesorder_id: ID,
    status: "confirmed",
    total: 120.5,
    line_items: [{ item_id: "46000000001777101", rate: 100.5 }],
  };
  const receivedAt = (order: object, product?: string): Receipt => {
    const headers: readonly HeaderPair[] = [["X-ZOHO-Event", "salesorder.delivered"]];
    const delivery = posted(JSON.stringify({ salesorder: order }), { headers });
    const now = new Date("2025-01-15T10:30:00Z");
    const chosen = product === undefined ? undefined : findProduct(products, product);
    return receive({ products, product: chosen, delivery, secrets: noSecrets, now });
  };

  it("is valid as either", () => {
    const receipt = receivedAt(ORDER);
    expect(receipt).toMatchObject({ product: "commerce", event: "salesorder.delivered", schema: { ok: true } });
    expect(receipt.ambiguousWith).toContain("books salesorder.delivered");
  });

  it.each([
    ["salesorder.salesorder_id", { ...ORDER, salesorder_id: { a: 1 } }],
    ["salesorder.total", { ...ORDER, total: { a: 1 } }],
    ["salesorder.line_items", { ...ORDER, line_items: "text" }],
  ])("is checked by the stricter of both: %s has the wrong type", (at, order) => {
    const receipt = receivedAt(order);
    expect(receipt).toMatchObject({ known: true, schema: { ok: false, issues: [{ at }] } });
    expect(decideReply(receipt, { schema: "enforce", onInvalid: "reject" }).reply.status).toBe(422);
    // Zoho does not document what Commerce posts.
    expect(receivedAt(order, "commerce").schema).toEqual({ ok: true, issues: [] });
  });
});

describe("an event of Zoho Billing", () => {
  const envelope = (rest: string): string =>
    `{"event_id":"9030000000533101","event_type":"subscription_created",${rest}}`;
  const record = '{"subscription_id":"90300000000079200"}';

  it.each([
    ["under data", `"data":{"subscription":${record}}`],
    ["beside the event", `"created_date":"2025-01-15","subscription":${record}`],
    ["as text beside the event", `"subscription":${JSON.stringify(record)}`],
    ["as text in payload", `"payload":${JSON.stringify(`{"subscription":${record}}`)}`],
  ])("has its record %s", (_where, rest) => {
    expect(received(posted(envelope(rest)), "subscriptions")).toMatchObject({
      format: "wire",
      event: "subscription_created",
      records: ["90300000000079200"],
      schema: { ok: true },
    });
  });

  it("has the same identity in every form, and another with another id", () => {
    const identity = (body: string): string | undefined => received(posted(body), "subscriptions").identity;
    const renewed = envelope(`"data":{"subscription":${record}}`).replace("created", "renewed");
    expect(identity(renewed)).toBe(identity(`${renewed} `));
    expect(identity(renewed)).not.toBe(identity(renewed.replace("3101", "3102")));
  });

  it.each(["subscription", "payment", "invoice"])(
    "is no body of a workflow with an event of null beside its %s",
    (about) => {
      const body = { event: null, [about]: { [`${about}_id`]: ID } };
      const nearest = { format: "guide", events: [], missing: ["event"] };
      expect(received(posted(JSON.stringify(body)), "subscriptions")).toMatchObject({ custom: true, nearest });
    },
  );

  it("is not recognised by its name alone, which a workflow rule may post as well", () => {
    const delivery = posted('{"event_type":"payment_thankyou"}');
    const nearest = { product: "subscriptions", format: "wire", events: ["payment_thankyou"] };
    expect(received(delivery, "subscriptions")).toMatchObject({ event: "webhook", custom: true, nearest });
    const now = new Date("2025-01-15T10:30:00Z");
    expect(receive({ products, delivery, secrets: noSecrets, now })).toMatchObject({ product: undefined, nearest });
  });

  it("has its name and is not rejected when it is unknown", () => {
    const body = envelope('"event_time":"2025-01-15T10:30:00+0000","data":{}').replace("_created", "_reactivated");
    const receipt = received(posted(body), "subscriptions");
    expect(receipt).toMatchObject({ event: "subscription_reactivated", known: false });
  });
});
