import { describe, expect, it } from "vitest";
import { type Delivery, splitUrl } from "../../src/delivery/delivery.ts";
import { noSecrets } from "../../src/delivery/secrets.ts";
import { findProduct } from "../../src/model/event-names.ts";
import type { Receipt } from "../../src/model/receipt.ts";
import { products } from "../../src/products/index.ts";
import { receive } from "../../src/recognition/receive.ts";
import { type Genuine, ofTheOtherProducts, type Sent } from "../support/corpus.ts";
import { deliveryOf, fixtureCases, fixtureTime } from "../support/fixture-cases.ts";

const JSON_TYPE = "application/json";
const FORM = "application/x-www-form-urlencoded";

function receiptOf({ to, method = "POST", query = "", type = JSON_TYPE, headers = [], body }: Sent): Receipt {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const delivery: Delivery = {
    method,
    url: `/webhooks/zoho${to === undefined ? "" : `/${to}`}${query}`,
    headers: [...(type === "" ? [] : [["Content-Type", type] as const]), ...headers],
    body: Buffer.from(text),
  };
  return judge(delivery, to);
}

function judge(delivery: Delivery, to: string | undefined): Receipt {
  const product = to === undefined ? undefined : findProduct(products, to);
  return receive({ products, product, delivery, secrets: noSecrets, now: fixtureTime });
}

const ID = "6756839000000575405";
const crm = (operation: string, more: object = {}) => ({
  server_time: 1750102639787,
  query_params: {},
  module: "Leads",
  resource_uri: "https://www.zohoapis.eu/crm/v2/Leads",
  ids: [ID],
  affected_fields: [],
  operation,
  channel_id: "1105420521999070702",
  token: "c3504777-2f1e",
  ...more,
});
const changed = {
  affected_values: [{ record_id: ID, values: { Company: "Acme", Owner: { name: "A", id: "6756839000000225013" } } }],
  affected_fields: [{ [ID]: ["Company", "Owner"] }],
};
const desk = (eventType: string, payload: object, more: object = {}) => ({
  payload,
  eventTime: "1710313788286",
  eventType,
  orgId: "78412359",
  ...more,
});
const ticket = { id: "1892000000006907001", ticketNumber: "101", departmentId: "1892000000006907" };
const bigin = (operation: string) => ({
  ids: ["470000000012345"],
  token: null,
  module: "Calls",
  operation,
  channel_id: "4711",
  server_time: 1732480000000,
  query_params: {},
  resource_uri: "https://www.zohoapis.com/bigin/v1/Calls",
  affected_fields: [],
});
const signals = (api_name: string) => ({
  rule_id: "300000000000146021",
  target_id: "30003417",
  version: 1,
  attempt: 2,
  account: { org_id: "70000001", project: { environment: "Development", name: "Demo", id: "30000000000001" } },
  events: [
    {
      data: {},
      id: "5f0c2a7e-91d4-4b6e-8a43-2c1d9e7b6f05",
      time_in_ms: "1732480000000",
      source: "publisher_id:30000000000142011/service:cloudscaledatastore/account:70000001",
      event_config: { api_name, id: "30000000000142033" },
    },
  ],
});
const task = { Task: { id_string: "1708", name: "Login" }, Project: { id: "1709", name: "App" } };
const multipart = (...fields: readonly (readonly [string, string])[]): Sent => ({
  type: "multipart/form-data; boundary=x",
  body: `${fields.map(([name, value]) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join("")}--x--\r\n`,
});

/** Product, format and event of a delivery, and how it was sent. */
const genuine: Genuine = [
  ...ofTheOtherProducts,
  ["crm", "wire", "Leads.create", { body: crm("insert") }],
  ["crm", "wire", "Leads.create", { body: crm("insert", { token: null }) }],
  ["crm", "wire", "Leads.create", { body: crm("insert", { ids: [ID, "6756839000000575406", "6756839000000575407"] }) }],
  ["crm", "wire", "Leads.create", { body: crm("insert", { channel_id: 1000000068001, query_params: { env: "dev" } }) }],
  [
    "crm",
    "wire",
    "Leads.create",
    {
      body: crm("insert", {
        ids: [ID, "6756839000000575406"],
        affected_values: [ID, "6756839000000575406"].map((record_id) => ({ record_id, values: { Company: "Acme" } })),
        resource_uri: "https://www.zohoapis.eu/crm/v8/Contacts",
      }),
    },
  ],
  ["crm", "wire", "Leads.delete", { body: crm("delete", { token: null }) }],
  ["crm", "wire", "Leads.create", { body: crm("create") }],
  ["crm", "wire", "Leads.edit", { body: crm("update", changed) }],
  ["crm", "wire", "Leads.edit", { to: "crm", body: crm("update") }],
  ["crm", "wire", "Leads.delete", { body: crm("delete", changed) }],
  ["crm", "wire", "Leads.delete", { to: "crm", body: JSON.stringify(crm("delete"), null, 2) }],
  [
    "crm",
    "wire",
    "Orchards.create",
    { body: crm("insert", { module: "Orchards", resource_uri: "https://www.zohoapis.in/crm/v2/Orchards" }) },
  ],
  [
    "crm",
    "wire",
    "Leads.edit",
    { type: FORM, body: new URLSearchParams({ data: JSON.stringify(crm("update")) }).toString() },
  ],
  ["crm", "wire", "Leads.edit", { type: "", body: crm("update") }],
  ["crm", "wire", "Leads.edit", { type: "text/plain", body: crm("update") }],
  ["crm", "workflow", "webhook", { to: "crm", type: FORM, body: "lead_id=6756839000000575405&mail=a%40example.com" }],
  ["crm", "workflow", "webhook", { to: "crm", body: { lead: "6756839000000575405", note: "two\nlines" } }],
  ["crm", "workflow", "webhook", { to: "crm", type: "text/plain", body: `A new lead: \${!Leads.Last_Name}` }],
  [
    "crm",
    "workflow",
    "webhook",
    { to: "crm", method: "GET", query: "?lead_id=6756839000000575405", type: "", body: "" },
  ],
  ["crm", "workflow", "webhook", { to: "crm", method: "PUT", body: { id: "1" } }],
  ["bigin", "wire", "Calls.create", { body: bigin("insert") }],
  ["bigin", "wire", "Calls.edit", { body: bigin("update") }],
  ["bigin", "wire", "Calls.delete", { to: "bigin", body: bigin("delete") }],
  [
    "recruit",
    "wire",
    "Job_Openings.create",
    {
      to: "recruit",
      body: { channel_id: 4711, ids: ["523186000000977214"], module: "Job_Openings", operation: "insert" },
    },
  ],
  [
    "recruit",
    "wire",
    "Candidates.edit",
    {
      body: {
        channel_id: "4711",
        ids: ["523186000000977214"],
        module: "Candidates",
        operation: "update",
        resource_uri: "https://recruit.zoho.in/recruit/v2/Candidates",
      },
    },
  ],
  [
    "recruit",
    "workflow",
    "webhook",
    { to: "recruit", type: FORM, body: "candidate_id=523186000000977214&status=Hired" },
  ],
  [
    "recruit",
    "workflow",
    "webhook",
    { to: "recruit", method: "GET", query: "?candidate_id=523186000000977214", type: "", body: "" },
  ],
  ["desk", "wire", "Ticket_Add", { body: [desk("Ticket_Add", { ...ticket, firstThread: null, subject: null })] }],
  ["desk", "wire", "Ticket_Update", { body: [desk("Ticket_Update", ticket, { prevState: { status: "Open" } })] }],
  [
    "desk",
    "wire",
    "Ticket_Add",
    { body: [desk("Ticket_Add", ticket), desk("Ticket_Delete", { id: "1892000000006907002" })] },
  ],
  [
    "desk",
    "wire",
    "Ticket_Delete",
    { to: "desk", type: FORM, body: JSON.stringify([desk("Ticket_Delete", { id: "1892000000006907002" })]) },
  ],
  [
    "desk",
    "wire",
    "IM_Session_Status",
    { body: [desk("IM_Session_Status", { sessionId: "1892000000240500", sessionStatus: "ENDED" })] },
  ],
  ["desk", "wire", "KBRootCategory_Add", { body: [desk("KBRootCategory_Add", { id: "1892000000230001" })] }],
  ["signals", "wire", "row_inserted", { body: signals("row_inserted") }],
  ["signals", "wire", "conversation_missed", { body: signals("conversation_missed") }],
  ["signals", "wire", "order_packed", { to: "signals", body: signals("order_packed") }],
  ["projects", "wire", "webhook", { body: task }],
  ["projects", "wire", "webhook", { type: FORM, body: new URLSearchParams({ data: JSON.stringify(task) }).toString() }],
  ["projects", "wire", "webhook", { to: "projects", type: FORM, body: "issue=BUG-7&key=secret" }],
  [
    "analytics",
    "wire",
    "bulk_job_finished",
    { body: { status: "success", data: { jobId: "1767", jobCode: "1003", jobStatus: "ERROR OCCURRED" } } },
  ],
  ["analytics", "wire", "bulk_job_finished", { to: "analytics", body: { jobId: "1767", importSummary: {} } }],
  ["forms", "wire", "form_submitted", { to: "forms", body: { SingleLine: "Mei", Email: "a@example.com" } }],
  ["forms", "wire", "form_submitted", { to: "forms", ...multipart(["SingleLine", "Mei"], ["Email", "a@example.com"]) }],
  ["forms", "wire", "form_submitted", { to: "forms", type: FORM, body: "SingleLine=Mei&Dropdown=Morning" }],
  ["survey", "wire", "response_submitted", { to: "survey", body: { rating: "4", response_id: "aB3dE5gH" } }],
  ["creator", "wire", "webhook", { to: "creator", type: FORM, body: "form=Orders&record_id=3900000000004120057" }],
  [
    "creator",
    "wire",
    "webhook",
    { to: "creator", method: "PATCH", body: { form: "Orders", record_id: "3900000000004120057" } },
  ],
  ["people", "wire", "webhook", { to: "people", type: "", query: "?employee=EMP-7&token=x", body: "" }],
  ["sprints", "wire", "webhook", { to: "sprints", method: "DELETE", query: "?sprint=14", type: "", body: "" }],
  ["flow", "wire", "webhook", { to: "flow", body: [{ order: 1 }] }],
  // Members that are not certain do not change or invalidate the event.
  ["crm", "wire", "Leads.edit", { to: "crm", body: crm("update", { channel_id: "my-channel" }) }],
  ["crm", "wire", "Leads.edit", { to: "crm", body: crm("update", { query_params: null }) }],
  [
    "recruit",
    "wire",
    "Candidates.edit",
    {
      to: "recruit",
      body: { channel_id: 4711, ids: [ID], module: "Candidates", operation: "update", affected_fields: {} },
    },
  ],
  ["desk", "wire", "Ticket_Attachment_Add", { to: "desk", body: [desk("Ticket_Attachment_Add", { ticketId: "1" })] }],
  [
    "subscriptions",
    "wire",
    "payment_thankyou",
    { to: "subscriptions", body: { event_type: "payment_thankyou", payment: { payment_id: 9 }, customer: "{}" } },
  ],
  ["books", "wire", "webhook", { to: "books", type: FORM, body: "invoice_id=460&total=5" }],
  ["inventory", "wire", "webhook", { to: "inventory", body: { vendorpayment: { vendorpayment_id: "460" } } }],
  ["creator", "wire", "webhook", { to: "creator", type: "text/csv", body: "id,total\n7,80" }],
  ["projects", "wire", "webhook", { to: "projects", type: "", body: "<task id='7'/>" }],
  ["crm", "workflow", "webhook", { to: "crm", type: "application/octet-stream", body: "lead 7 was won" }],
  ["mail", "wire", "webhook", { to: "mail", body: { taskId: "1" } }],
  ["cliq", "wire", "invocation", { to: "cliq", body: { params: { a: 1 } } }],
  ["signals", "wire", "transformed", { to: "signals", body: { row: 1 } }],
  ["expense", "wire", "expense", { to: "expense", body: { expense: { expense_id: 1, customer_id: 460000000017138 } } }],
  ["campaigns", "wire", "webhook", { to: "campaigns", body: { source: "order-mails" } }],
];

describe("a delivery as Zoho posts it", () => {
  it("has its records where only the documented members of Recruit are sent", () => {
    const receipt = receiptOf({ to: "recruit", body: { channel_id: 4711, ids: [ID], module: "Job_Openings" } });
    expect(receipt).toMatchObject({ format: "wire", records: [ID], known: false });
  });

  it.each<[string, Sent, Sent]>([
    ["another query", { to: "people", body: "", query: "?id=1&s=a" }, { to: "people", body: "", query: "?id=1&s=b" }],
    ["another method", { to: "crm", body: { a: 1 }, method: "POST" }, { to: "crm", body: { a: 1 }, method: "PUT" }],
    [
      "a later time, of a record that was deleted before",
      { to: "crm", body: crm("delete") },
      { to: "crm", body: crm("delete", { server_time: 1750102639788 }) },
    ],
    [
      "a later time, where a record of Desk comes back",
      { to: "desk", body: [desk("Ticket_Delete", { id: "1" })] },
      { to: "desk", body: [desk("Ticket_Delete", { id: "1" }, { eventTime: "1710313788287" })] },
    ],
  ])("has another identity with %s, and the same when repeated", (_, one, other) => {
    expect(receiptOf(one).identity).toBe(receiptOf(one).identity);
    expect(receiptOf(other).identity).not.toBe(receiptOf(one).identity);
  });

  it.each(genuine)("is %s %s %s (%j)", (product, format, event, sent) => {
    const receipt = receiptOf(sent);
    expect(receipt).toMatchObject({ product, format, event, known: true, suggestions: [] });
    expect(receipt.schema?.issues).toEqual(receipt.custom ? undefined : []);
  });

  it("exists for every format of every product", () => {
    const all = products.flatMap(({ id, formats }) => formats.map((format) => `${id} ${format.id}`));
    const here = new Set(genuine.map(([product, format]) => `${product} ${format}`));
    expect(
      all.filter((format) => !here.has(format)),
      "formats of which no delivery is written out in test/support/corpus.ts, or here",
    ).toEqual([]);
  });
});

/** Bodies found on the web that Zoho never posts, each with the event that is probably meant. */
const invented: readonly (readonly [string, string, Sent])[] = [
  ["crm", "Leads.create", { to: "crm", body: crm("insert", { data: [{ id: ID }] }) }],
  ["crm", "Leads.edit", { to: "crm", body: crm("Leads.edit") }],
  ["desk", "Ticket_Add", { to: "desk", body: [desk("Ticket.Add", ticket)] }],
  ["desk", "Ticket_Add", { to: "desk", body: [desk("Ticket_Create", ticket)] }],
  ["desk", "Ticket_Add", { to: "desk", body: [desk("ticket.created", ticket)] }],
  ["desk", "KBRootCategory_Add", { to: "desk", body: [desk("KB_RootCategory_Add", { id: "1892000000230001" })] }],
  ["desk", "KBSection_Update", { to: "desk", body: [desk("KB_Section_Update", { id: "1892000000230011" })] }],
  ["desk", "Ticket.Create", { to: "desk", body: { event: "ticket.created", orgId: "7", ticketId: "1" } }],
  ...(
    [
      ["RequestCompleted", "Completed"],
      ["RequestCompleted", "document.completed"],
      ["RequestSigningSuccess", "envelope.signed"],
      ["RequestRejected", "RequestDeclined"],
    ] as const
  ).map(
    ([event, operation_type]) =>
      [
        "sign",
        event,
        { to: "sign", body: { requests: { request_id: "1" }, notifications: { operation_type } } },
      ] as const,
  ),
  ["payments", "payment.succeeded", { to: "payments", body: { event_type: "payment.success", event_object: {} } }],
  [
    "salesiq",
    "conversation.created",
    { to: "salesiq", body: { entity_type: "conversation", event: "conversation.create", entity: {} } },
  ],
];

/** Others, for products whose webhooks a user designs: there, each could be a body that its user designed. */
const inventedAsDesigned: readonly (readonly [product: string, body: object])[] = [
  ["crm", { module: "Leads", operation: "insert", data: [{ id: ID }] }],
  ["crm", { module: "Leads", operation: "Leads.edit", data: [{ id: ID }] }],
  ["projects", { event_type: "task_creation", task: {}, project: {}, user: {} }],
  ["projects", { event_type: "task.updated", task: {}, project: {}, user: {} }],
  ["recruit", { event: "candidates.created", data: { id: "1" } }],
  ["creator", { event: "record.create", form: "Orders", data: {} }],
  ["forms", { submission_id: "1", event_type: "form.submitted", data: {} }],
  ["campaigns", { campaign_id: "1", event_type: "campaign.opened", data: {} }],
];

describe("an invented delivery", () => {
  it.each(invented)("to %s is unknown, with the suggestion %s (%j)", (product, nearest, sent) => {
    const receipt = receiptOf(sent);
    expect(receipt).toMatchObject({ product, known: false });
    expect(receipt.schema?.ok).not.toBe(true);
    expect(receipt.suggestions).toContain(nearest);
  });

  it.each(inventedAsDesigned)("to %s is custom: %j", (product, body) => {
    expect(receiptOf({ to: product, body })).toMatchObject({ product, custom: true, schema: undefined });
  });

  it("is not a known event at the shared URL either", () => {
    const others = invented.filter(([product]) => product !== "crm" && product !== "desk");
    for (const [product, body] of [...others.map(([id, , sent]) => [id, sent.body]), ...inventedAsDesigned]) {
      const receipt = receiptOf({ body });
      expect([product, undefined]).toContain(receipt.product);
      expect(receipt.known).toBe(false);
    }
  });

  it("of Desk is named where it is not in a list, which its schema misses", () => {
    const receipt = receiptOf({ body: desk("Ticket_Add", ticket) });
    expect(receipt).toMatchObject({ product: "desk", event: "Ticket_Add", known: true });
    expect(receipt.schema?.issues).toEqual([{ path: [], at: "", expected: "a list of events", received: "an object" }]);
  });
});

describe("the samples", () => {
  it("are recognised by their body alone, except user-defined ones", () => {
    const cases = fixtureCases().filter(({ path }) => path !== undefined);
    const wrong = cases.flatMap(({ label, product, format, name, text }) => {
      const delivery = deliveryOf({ product, format, name }, JSON.parse(text));
      const receipt = judge({ ...delivery, url: `/webhooks/zoho?${splitUrl(delivery.url).query}` }, undefined);
      const found = `${receipt.product} ${receipt.format} ${receipt.event}`;
      const isTwin = format.body.twins?.includes(receipt.product ?? "") === true;
      const isUnmarked = format.body.customEvent !== undefined && receipt.product === undefined;
      return found === label || isTwin || isUnmarked ? [] : [`${label} was taken for ${found}`];
    });
    expect(wrong, "where two formats fit: `recognise` has to look at more, or they are `twins`").toEqual([]);
  });
});
