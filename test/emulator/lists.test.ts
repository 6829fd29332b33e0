import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EmulatorApi, openEmulatorApi } from "../support/emulator-api.ts";
import { startTarget } from "../support/target.ts";

const SCOPES = [
  ...["tickets", "contacts", "settings", "events", "agents", "search", "basic"].map((group) => `Desk.${group}.ALL`),
  "ZohoBooks.fullaccess.all",
];
let api: EmulatorApi;
beforeEach(async () => {
  api = await openEmulatorApi(SCOPES);
});
afterEach(() => api.close());

const desk = (method: string, path: string, body?: object) =>
  api.call(method, `/api/v1/${path}`, body, { orgId: "60017843" });
const books = (method: string, path: string, body?: object) =>
  api.call(method, `/books/v3/${path}${path.includes("?") ? "&" : "?"}organization_id=10234695`, body);

describe("Desk", () => {
  let contactId: string;
  beforeEach(() => {
    contactId = api.create("desk", "contacts", { firstName: "Ana", lastName: "Doe", email: "ana@example.com" }).id;
    for (const [subject, status, departmentId, assigneeId] of [
      ["Printer on fire", "Open", "1", null],
      ["Printer cold", "Closed", "1", "7"],
      ["Router", "On Hold", "2", "8"],
    ])
      api.create("desk", "tickets", { subject, status, departmentId, assigneeId, contactId, cf: { cf_size: status } });
  });
  const subjects = async (path: string): Promise<readonly string[]> =>
    ((await desk("GET", path)).body?.data ?? []).map(({ subject }: { subject: string }) => subject);

  it.each([
    ["tickets?status=Open,On Hold", ["Router", "Printer on fire"]],
    ["tickets?departmentIds=1", ["Printer cold", "Printer on fire"]],
    ["tickets?assignee=Unassigned", ["Printer on fire"]],
    ["tickets?assignee=7,8&departmentId=2", ["Router"]],
    ["tickets?sortBy=subject", ["Printer cold", "Printer on fire", "Router"]],
    ["tickets?status=Nothing", []],
    ["tickets/search?subject=printer*", ["Printer cold", "Printer on fire"]],
    ["tickets/search?subject=printer", []],
    ["tickets/search?_all=*fire*&status=open", ["Printer on fire"]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as Desk writes it.
    ["tickets/search?assigneeId=${empty}", ["Printer on fire"]],
    ["tickets/search?customField1=cf_size:Clo*", ["Printer cold"]],
    ["tickets/search?createdTimeRange=2000-01-01T00:00:00.000Z,2001-01-01T00:00:00.000Z", []],
  ])("answers GET %s with %j", async (path, expected) => {
    expect(await subjects(path)).toEqual(expected);
  });

  it.each(["tickets?viewId=1", "tickets/search?accountName=Acme"])("answers 501 to GET %s", async (path) => {
    expect(await desk("GET", path)).toMatchObject({
      status: 501,
      body: { errorCode: "NOT_IMPLEMENTED", message: expect.stringContaining("To answer it yourself: curl -d ") },
    });
  });

  it("has what belongs to a ticket, and tells its webhooks", async () => {
    const app = await startTarget();
    const names = ["Ticket_Comment_Add", "Ticket_Comment_Update", "Ticket_Thread_Add"];
    const subscriptions = Object.fromEntries(names.map((name) => [name, null]));
    expect((await desk("POST", "webhooks", { url: app.url, subscriptions })).status).toBe(200);
    const [{ id }] = (await desk("GET", "tickets?limit=1")).body.data;
    const comment = (await desk("POST", `tickets/${id}/comments`, { content: "Looking", isPublic: true })).body;
    expect(comment).toMatchObject({
      ticketId: id,
      content: "Looking",
      isPublic: true,
      commenterId: expect.any(String),
    });
    await desk("PATCH", `tickets/${id}/comments/${comment.id}`, { content: "Done" });
    const reply = { channel: "EMAIL", to: "ana@example.com", fromEmailAddress: "s@example.com", content: "Hi" };
    expect((await desk("POST", `tickets/${id}/sendReply`, reply)).body).toMatchObject({
      direction: "out",
      to: reply.to,
    });
    expect((await desk("GET", `tickets/${id}/threads`)).body.data).toHaveLength(1);
    expect((await desk("GET", `tickets/${id}/conversations`)).body.data).toMatchObject([
      { type: "thread", content: "Hi" },
      { type: "comment", content: "Done" },
    ]);
    const other = api.create("desk", "tickets", { subject: "s", departmentId: "1", contactId }).id;
    expect((await desk("GET", `tickets/${other}/comments/${comment.id}`)).status).toBe(404);
    expect((await desk("DELETE", `tickets/${id}/comments/${comment.id}`)).status).toBe(204);
    expect((await desk("GET", `tickets/${id}/comments`)).status).toBe(204);
    await api.deliveries.settled();
    const events = app.seen.filter(({ method }) => method === "POST").map(({ body }) => JSON.parse(body.toString())[0]);
    expect(events.map(({ eventType }) => eventType).sort()).toEqual([...names].sort());
    await app.close();
  });

  it("has the neighbours of a ticket", async () => {
    expect(await subjects(`contacts/${contactId}/tickets`)).toHaveLength(3);
    expect(await subjects(`contacts/${contactId}/tickets?status=Closed`)).toEqual(["Printer cold"]);
    expect((await desk("GET", "contacts/1/tickets")).status).toBe(404);
    expect((await desk("GET", "contacts/search?email=ANA@example.com")).body).toMatchObject({ count: 1 });
    expect((await desk("GET", "search?searchStr=printer&module=tickets")).body).toMatchObject({ count: 2 });
    const account = (await desk("POST", "accounts", { accountName: "Acme" })).body.id;
    expect((await desk("PATCH", `contacts/${contactId}`, { accountId: account })).status).toBe(200);
    expect((await desk("GET", `accounts/${account}/contacts`)).body.data).toHaveLength(1);
    expect((await desk("GET", "departments?isEnabled=true")).body.data).toMatchObject([{ name: "Support" }]);
    const [agent] = (await desk("GET", "agents")).body.data;
    expect((await desk("GET", "myinfo")).body).toEqual(agent);
    expect((await desk("POST", "departments", { name: "n" })).status).toBe(405);
  });

  it("creates a ticket with the data of its contact, whom it finds by the email address", async () => {
    const ticket = { subject: "s", departmentId: "1", contact: { email: "ana@example.com", lastName: "Roe" } };
    expect((await desk("POST", "tickets", ticket)).body).toMatchObject({ contactId });
    const other = { ...ticket, contact: { lastName: "Roe" } };
    const { contactId: created } = (await desk("POST", "tickets", other)).body;
    expect((await desk("GET", `contacts/${created}`)).body).toMatchObject({ lastName: "Roe" });
    expect((await desk("POST", "tickets", { ...ticket, contact: {} })).status).toBe(422);
  });
});

describe("Books", () => {
  let customer_id: string;
  beforeEach(() => {
    customer_id = api.create("books", "contacts", {
      contact_name: "Bowman",
      contact_persons: [{ email: "b@example.com" }],
    }).id;
    api.create("books", "contacts", { contact_name: "Acme", status: "inactive", email: "a@example.com" });
  });
  const names = async (query: string): Promise<readonly string[]> =>
    (await books("GET", `contacts?${query}`)).body.contacts.map((each: { contact_name: string }) => each.contact_name);

  it.each([
    ["email=B@example.com", ["Bowman"]],
    ["contact_name=acme", ["Acme"]],
    ["contact_name_startswith=bow", ["Bowman"]],
    ["contact_name_contains=m", ["Acme", "Bowman"]],
    ["search_text=acm", ["Acme"]],
    ["filter_by=Status.Active", ["Bowman"]],
    ["filter_by=Status.All&sort_column=contact_name&sort_order=D", ["Bowman", "Acme"]],
    ["last_modified_time=2999-01-01T00:00:00Z", []],
  ])("lists contacts with %s as %j", async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  it.each(["zcrm_contact_id=1", "filter_by=Status.Duplicate.Name"])("answers 501 to %s", async (query) => {
    expect(await books("GET", `contacts?${query}`)).toMatchObject({ status: 501, body: { code: 5 } });
  });

  it("compares numbers and dates", async () => {
    for (const rate of [5, 50, 500]) api.create("books", "items", { name: `r${rate}`, rate });
    const rates = async (query: string) =>
      (await books("GET", `items?${query}`)).body.items.map(({ rate }: { rate: number }) => rate);
    expect(await rates("rate_less_than=100")).toEqual([50, 5]);
    expect(await rates("rate_greater_equals=50&rate_less_equals=50")).toEqual([50]);
  });

  const line_items = [{ name: "Table", rate: 10, quantity: 2 }];
  const vendor = { contact_name: "Vendor", contact_type: "vendor" };
  it.each([
    ["estimates", "estimate", "customer"],
    ["salesorders", "salesorder", "customer"],
    ["invoices", "invoice", "customer"],
    ["purchaseorders", "purchaseorder", "vendor"],
    ["bills", "bill", "vendor"],
  ])("has %s", async (module, key, party) => {
    const id = party === "vendor" ? api.create("books", "contacts", vendor).id : customer_id;
    const data = { [`${party}_id`]: id, bill_number: "B-1", line_items, date: "2026-11-30" };
    const made = (await books("POST", module, data)).body[key];
    expect(made).toMatchObject({ total: 20, balance: 20, [`${party}_name`]: party === "vendor" ? "Vendor" : "Bowman" });
    expect((await books("GET", `${module}?date_start=2026-11-30&date_end=2026-12-01`)).body[module]).toHaveLength(1);
    expect((await books("GET", `${module}?date_before=2026-11-30`)).body[module]).toEqual([]);
    expect((await books("PUT", `${module}/${made[`${key}_id`]}`, { reference_number: "R" })).body[key].total).toBe(20);
    expect((await books("POST", module, { ...data, [`${party}_id`]: "1" })).status).toBe(400);
    expect((await books("DELETE", `${module}/${made[`${key}_id`]}`)).status).toBe(200);
  });

  it("pays invoices, and marks them as sent", async () => {
    const { invoice_id } = (await books("POST", "invoices", { customer_id, line_items })).body.invoice;
    expect((await books("POST", `invoices/${invoice_id}/status/sent`)).status).toBe(200);
    const invoice = async () => (await books("GET", `invoices/${invoice_id}`)).body.invoice;
    expect(await invoice()).toMatchObject({ status: "sent" });
    const pay = (amount: number, id = invoice_id) =>
      books("POST", "customerpayments", {
        customer_id,
        payment_mode: "cash",
        amount,
        invoices: [{ invoice_id: id, amount_applied: amount }],
      });
    expect((await pay(5)).body.payment).toMatchObject({ customer_name: "Bowman", amount: 5 });
    expect(await invoice()).toMatchObject({ status: "partially_paid", balance: 15 });
    await pay(15);
    expect(await invoice()).toMatchObject({ status: "paid", balance: 0 });
    expect((await pay(1, "1")).status).toBe(400);
    expect(
      (await books("POST", "expenses", { account_id: "1", date: "2026-11-30", amount: 3 })).body.expense,
    ).toMatchObject({
      total: 3,
    });
  });
});
