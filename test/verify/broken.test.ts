import { describe, expect, it } from "vitest";
import { run } from "../support/run.ts";

const desk = { payload: { id: "1" }, eventTime: "1", eventType: "Ticket_Delete", orgId: "7" };
const billing = { event_id: "1", event_time: "2025-01-15T10:30:00Z", data: {} };
const salesiq = { entity_id: "1", org_id: "2", entity: {} };

interface Broken {
  readonly body: unknown;
  readonly argv?: readonly string[];
  readonly shows: readonly string[];
}

const broken: readonly Broken[] = [
  {
    body: { module: "Leads", ids: ["1"], token: "t", data: { id: "1" } },
    argv: ["--product", "crm", "--format", "guide"],
    shows: ["looks like crm (guide), but names no event", "operation is missing", "resource_uri is missing"],
  },
  {
    body: { evnt: "invoice_created", organization_id: "1", data: {} },
    argv: ["--product", "books", "--format", "guide"],
    shows: ["looks like books (guide), but names no event", "event is missing"],
  },
  {
    body: { invoice: { invoice_id: true } },
    argv: ["--product", "inventory"],
    shows: ["inventory invoice (wire)", "invoice.invoice_id: expected"],
  },
  {
    body: { invoice: { invoice_number: "INV-1", total: 120.5 } },
    shows: ["no known event; closest: books invoice (invoice.invoice_id is missing)"],
  },
  {
    body: { invoice: { invoice_number: "INV-1", total: 120.5 } },
    argv: ["--product", "books"],
    shows: ["books invoice (wire)", "invoice.invoice_id is missing"],
  },
  {
    body: { invoice: null },
    argv: ["--product", "books"],
    shows: ["books invoice (wire)", "invoice: expected an object, got null"],
  },
  {
    body: { event: null, subscription: { subscription_id: "1" } },
    argv: ["--product", "subscriptions", "--format", "guide"],
    shows: ["looks like subscriptions (guide), but names no event", "event: expected a string, got null"],
  },
  {
    body: { event_type: "payment_thankyou" },
    shows: ["no known event; closest: subscriptions payment_thankyou"],
  },
  {
    body: { event_type: "payment_thankyou", payment: null, event_time: "2025-01-15T10:30:00Z" },
    shows: ["subscriptions payment_thankyou (wire)", "event_id is missing"],
  },
  {
    body: { event: "Ticket.Created", orgId: "1", ticketId: "2", ticket: { ticketNumber: "1" } },
    shows: ["desk Ticket.Created (guide) unknown event, nearest: Ticket.Create"],
  },
  {
    body: [{ ...desk, eventType: "Ticket_Create" }],
    shows: ["desk Ticket_Create (wire) unknown event, nearest: Ticket_Add"],
  },
  {
    body: desk,
    argv: ["--product", "desk"],
    shows: ["desk Ticket_Delete (wire)", "expected a list of events, got an object"],
  },
  { body: [], argv: ["--product", "desk"], shows: ["not an event of desk"] },
  {
    body: { orgId: "1", ticketId: "2", ticket: {} },
    argv: ["--product", "desk"],
    shows: ["looks like desk (guide), but names no event", "event is missing"],
  },
  {
    body: { event: "estimate_created", organization_id: "1", data: {} },
    shows: ["books estimate_created (guide) unknown event"],
  },
  {
    body: { operation: "insert", module: "Leads", data: { id: "1" } },
    shows: ["no known event; closest: crm Leads.create", "resource_uri, ids are missing"],
  },
  {
    body: { requests: { request_id: "1" }, notifications: { operation_type: "RequestDeclined" } },
    shows: ["sign RequestDeclined (wire) unknown event, nearest: RequestRejected"],
  },
  {
    body: { notifications: { operation_type: "RequestCompleted" } },
    argv: ["--product", "sign"],
    shows: ["sign RequestCompleted (wire)", "requests is missing"],
  },
  {
    body: { event_id: "1", event_type: "dispute.created", account_id: "1", event_time: "1", event_object: {} },
    shows: ["payments dispute.created (wire) unknown event"],
  },
  {
    body: { event_id: "1", event_type: "payment.succeeded", account_id: "1", event_time: "1" },
    argv: ["--product", "payments"],
    shows: ["payments payment.succeeded (wire)", "event_object is missing"],
  },
  {
    body: { foo: 1 },
    argv: ["--product", "payments"],
    shows: ["not an event of payments; closest: payments", "event_id,"],
  },
  {
    body: { ...salesiq, entity_type: "visitor", event: "visitor.created" },
    shows: ["salesiq visitor.created (wire) unknown event"],
  },
  {
    body: { entity_type: "conversation", event: "conversation.create" },
    argv: ["--product", "salesiq"],
    shows: ["nearest: conversation.created", "entity_id is missing", "entity is missing"],
  },
  {
    body: { ...billing, event_type: "trial_expiring" },
    shows: ["subscriptions trial_expiring (wire) unknown event"],
  },
  {
    body: { event: "invoice_created", organization_id: 5, data: { invoice_id: true } },
    shows: ["books invoice_created (guide)", "organization_id: expected", "data.invoice_id: expected"],
  },
  {
    body: { module: "Leads", operation: "insert", ids: ["1"], channel_id: "1", server_time: 1, token: "t" },
    shows: ["crm Leads.create (wire)", "resource_uri is missing"],
  },
  {
    body: { module: "Leads", operation: "create", ids: ["1"], resource_uri: "https://www.zohoapis.com/crm/v8/Leads/1" },
    argv: ["--event", "Leads.create"],
    shows: ["crm Leads.create (guide)", "data is missing"],
  },
];

describe("verify, of a broken or unknown payload", () => {
  it.each(broken)("says what is wrong with $body $argv", async ({ body, argv = [], shows }) => {
    const { exitCode, out } = await run(["verify", ...argv], { stdin: JSON.stringify(body) });
    expect(exitCode).toBe(4);
    expect(out).not.toContain("✓ valid");
    for (const text of shows) expect(out).toContain(text);
  });

  it.each([
    ["books", { foo: 1 }],
    ["books", { customer: { id: "1" } }],
    ["projects", { evnt: "task_created", task: {} }],
    ["crm", { lead: "x" }],
    ["signals", { events: [] }],
  ])("calls a body of %s that resembles nothing custom: %j", async (product, body) => {
    const { exitCode, out } = await run(["verify", "--product", product], { stdin: JSON.stringify(body) });
    expect([exitCode, out]).toEqual([0, expect.stringContaining("– custom: no schema to check")]);
    expect(out).not.toMatch(/✓|^ +as /m);
    const [line] = (await run(["verify", "-p", product, "--json"], { stdin: JSON.stringify(body) })).lines();
    expect(line).toMatchObject({ outcome: "custom", custom: true, schema: null });
  });

  it.each([
    [
      "books",
      { event: "item_created", data: {} },
      "the guide's item_created: organization_id is missing (--format guide)",
    ],
    [
      "books",
      { event: "bill_created" },
      "the guide's bill_created: organization_id, data are missing (--format guide)",
    ],
    [
      "projects",
      { project: { id: "1", name: "x" } },
      "the guide's body: event, portal_id are missing (--format guide)",
    ],
    ["subscriptions", { event_type: "payment_declined" }, "Zoho's own payment_declined (--format wire)"],
  ])(
    "says what a custom body of %s could have been meant as, and judges it as that: %j",
    async (product, body, text) => {
      const stdin = JSON.stringify(body);
      const { exitCode, out } = await run(["verify", "--product", product], { stdin });
      expect([exitCode, out]).toEqual([0, expect.stringContaining(`  – custom: no schema to check\n  as ${text}\n`)]);
      const [, format = ""] = /--format (\w+)/.exec(text) ?? [];
      expect((await run(["verify", "--product", product, "--format", format], { stdin })).exitCode).toBe(4);
    },
  );

  it("names the other products that a notification could be of", async () => {
    const body = { server_time: 1, module: "Contacts", operation: "insert", ids: ["1"], channel_id: "1" };
    const { out } = await run(["verify"], { stdin: JSON.stringify(body) });
    expect(out).toContain("crm Contacts.create (wire)");
    expect(out).toContain("could also be bigin Contacts.create: name the product with --product");
  });
});
