import { expect, it } from "vitest";
import { noSecrets, secret } from "../../src/delivery/secrets.ts";
import { findProduct } from "../../src/model/event-names.ts";
import { products } from "../../src/products/index.ts";
import { receive } from "../../src/recognition/receive.ts";
import { financeSignature } from "../../src/signatures/finance-signature.ts";
import { posted } from "../support/deliveries.ts";

function receiptOf(body: unknown, product?: string) {
  return receive({
    products,
    product: product === undefined ? undefined : findProduct(products, product),
    delivery: {
      method: "POST",
      url: "/webhooks/zoho",
      headers: [["content-type", "application/json"]],
      body: Buffer.from(JSON.stringify(body)),
    },
    secrets: noSecrets,
    now: new Date("2025-01-15T10:30:00Z"),
  });
}

it("names an unknown event of a known product", () => {
  const receipt = receiptOf({ event: "Ticket.Merge", orgId: "60017843", ticketId: "189200000004203471" }, "desk");
  expect(receipt).toMatchObject({ product: "desk", event: "Ticket.Merge", known: false });
  expect(receipt.schema?.issues.map(({ at }) => at)).toEqual(["ticket"]);
  const deal = { module: "Deals", operation: "stage.changed", ids: ["48768760000014209"], data: {} };
  expect(receiptOf(deal, "crm")).toMatchObject({
    event: "Deals.stage.changed",
    known: false,
    suggestions: expect.arrayContaining(["Deals.stage.change"]),
  });
});

it("recognises an event of the guide that lacks one member of four, so that its schema can name it", () => {
  const forms = { form_link_name: "booking", submission_id: "1", fields: [], deleted_time: "2025-01-15T10:30:00Z" };
  const receipt = receiptOf(forms);
  expect(receipt).toMatchObject({ product: "forms", format: "guide", event: "entry_deleted" });
  expect(receipt.schema?.issues.map(({ at }) => at)).toEqual(["submitted_time"]);
});

it("names the event that a body with fewer members of the guide's envelope is closest to", () => {
  expect(receiptOf({ event: "invoice_voided" })).toMatchObject({
    product: undefined,
    nearest: { product: "books", events: ["invoice_voided"], missing: ["organization_id", "data"] },
  });
  const forms = { form_link_name: "workshop-booking", fields: [], deleted_time: "2025-01-15T10:30:00Z" };
  expect(receiptOf(forms)).toMatchObject({
    product: undefined,
    nearest: { product: "forms", events: ["entry_deleted"], missing: ["submission_id", "submitted_time"] },
  });
});

it("accepts any module of CRM, including custom ones", () => {
  const id = "4876876000001450042";
  const body = { module: "Orchards", operation: "create", ids: [id], data: { id } };
  const receipt = receiptOf({ ...body, resource_uri: `https://www.zohoapis.eu/crm/v8/Orchards/${id}` });
  expect(receipt).toMatchObject({ product: "crm", event: "Orchards.create", records: [id], schema: { ok: true } });
});

it("distinguishes CRM and Recruit, which share an envelope, by the API of the record", () => {
  const id = "523186000000977214";
  const body = { module: "Candidates", operation: "create", ids: [id], data: { id, Last_Name: "Nakamura" } };
  const uri = (api: string) => ({ ...body, resource_uri: `https://www.zohoapis.com/${api}/v8/Candidates/${id}` });
  expect(receiptOf(uri("crm")).product).toBe("crm");
  expect(receiptOf(uri("recruit")).product).toBe("recruit");
});

it("prefers the product with an event of that name to one where any module has it", () => {
  const id = "523186000000977214";
  const body = { operation: "create", ids: [id], data: { id, Last_Name: "Nakamura" } };
  expect(receiptOf({ ...body, module: "Candidates" })).toMatchObject({
    product: "recruit",
    event: "Candidates.create",
  });
  expect(receiptOf({ ...body, module: "Leads" })).toMatchObject({ product: "crm", event: "Leads.create" });
});

it("distinguishes products with the same event by the object around the record", () => {
  const invoice = { invoice_id: "9034150000000530046" };
  expect(receiptOf({ event: "invoice_created", invoice }).product).toBe("subscriptions");
  expect(receiptOf({ event: "invoice_created", organization_id: "708215634", data: invoice }).product).toBe("books");
});

const key = secret("s3cret", "THE_SECRET");

/** The receipt of a delivery to no product, where these products have the key configured. */
function receiptWith(delivery: ReturnType<typeof posted>, ...owners: readonly string[]) {
  const secrets = { ...noSecrets, for: (_: unknown, product: string) => (owners.includes(product) ? [key] : []) };
  return receive({ products, delivery, secrets, now: new Date("2025-01-15T10:30:00Z") });
}

const notification = { server_time: 1736937000000, module: "Contacts", ids: ["4876876000001410021"], channel_id: "1" };

it("recognises an unknown event only in a whole envelope that no other product has", () => {
  const body = { ...notification, operation: "merge", resource_uri: "https://www.zohoapis.com/crm/v8/Contacts" };
  expect(receiptOf(body)).toMatchObject({ product: "crm", event: "Contacts.merge", known: false });
  expect(receiptOf({ ...body, channel_id: undefined }).product).toBeUndefined();
  // CRM's and Bigin's look the same without the API of the record.
  expect(receiptOf({ ...body, resource_uri: "https://www.zohoapis.com/" }).product).toBeUndefined();
});

it("distinguishes products with the same envelope and event by the only token that is right", () => {
  const delivery = posted(JSON.stringify({ ...notification, operation: "insert", token: "s3cret" }));
  for (const [product, other] of [
    ["crm", "bigin"],
    ["bigin", "crm"],
  ] as const) {
    const receipt = receiptWith(delivery, product);
    expect(receipt).toMatchObject({ product, event: "Contacts.create", ambiguousWith: [`${other} Contacts.create`] });
  }
});

it("recognises a custom body by the only signature that is right", () => {
  const delivery = financeSignature.sign(posted('{"total":1}'), key, new Date());
  expect(receiptWith(delivery, "books")).toMatchObject({ product: "books", format: "wire" });
  expect(receiptWith(delivery, "books", "invoice").product).toBeUndefined();
  expect(receiptWith(delivery).product).toBeUndefined();
});

const SURVEY = {
  "Collector Name": "Customers",
  "Response Status": "COMPLETED",
  "What is your name?": "Mei",
  "Collector ID": "MUDHdQ",
  "Response Start Time": "Jun 03, 2024 11:07:29",
  "Response ID": "S4CllLuR",
  "IP Address": "192.0.2.7",
};
const FORM = {
  ADDED_TIME: "15-Nov-2020 13:19:17",
  ADDED_TIME_ISO8601: "2020-11-15T13:19:17.000-08:00",
  IP_ADDRESS: "192.0.2.7",
  REFERRER_NAME: "",
  SingleLine: "Mei",
};

it.each([
  ["survey", SURVEY, ["S4CllLuR"]],
  ["survey", { "Collector ID": "MUDHdQ" }, []],
  ["survey", { RESPONSE_ID: "S4CllLuR" }, ["S4CllLuR"]],
  ["forms", FORM, []],
  ["forms", { ADDED_TIME: "15-Nov-2020 13:19:17" }, []],
  ["forms", { REFERRER_NAME: "" }, []],
  // From Zoho's page on webhooks of Webinar.
  ["webinar", { webinarId: "12345", event: "registration" }, []],
])("recognises a body of %s by the keys that Zoho gives it: %j", (product, body, records) => {
  for (const named of [product, undefined])
    expect(receiptOf(body, named)).toMatchObject({ product, format: "wire", known: true, custom: true, records });
});

it("recognises no body by keys that many senders have", () => {
  for (const body of [{ "IP Address": "192.0.2.7" }, { IP_ADDRESS: "192.0.2.7" }, { response_id: "1" }])
    expect(receiptOf(body).product).toBeUndefined();
});

it("distinguishes forms of Creator and of Forms", () => {
  const creator = {
    event: "form_submitted",
    application_link_name: "register",
    form_link_name: "Asset",
    record_id: "31725000000086419",
  };
  expect(receiptOf(creator)).toMatchObject({ product: "creator", event: "form_submitted" });
  const forms = { form_link_name: "Asset", submission_id: "31725000000086419", fields: [] };
  expect(receiptOf(forms)).toMatchObject({ product: "forms", event: "form_submitted" });
});

it("has the comment as its record, not the ticket, when a comment is added", () => {
  const comment = { id: "189200000004210933", content: "Hello" };
  const body = { event: "Ticket.Comment.Added", orgId: "60017843", ticketId: "189200000004203471", comment };
  expect(receiptOf(body, "desk").records).toEqual([comment.id]);
});

it("does not recognise an event without its members", () => {
  for (const body of [{}, [], null, "event", { event: 7 }, { module: "Leads" }, { form_link_name: "x" }]) {
    expect(receiptOf(body)).toMatchObject({ product: undefined, event: undefined });
  }
});
