/** A webhook whose body its user designed in Zoho. */
export interface DesignedBody {
  readonly product:
    | "books"
    | "campaigns"
    | "creator"
    | "crm"
    | "expense"
    | "forms"
    | "inventory"
    | "invoice"
    | "people"
    | "projects"
    | "recruit"
    | "signals"
    | "sprints"
    | "subscriptions"
    | "survey"
    | "webinar";
  readonly type: string;
  readonly body: string;
}

function json(product: DesignedBody["product"], data: object): DesignedBody {
  return { product, type: "application/json", body: JSON.stringify(data) };
}

function form(product: DesignedBody["product"], fields: Readonly<Record<string, string>>): DesignedBody {
  return { product, type: "application/x-www-form-urlencoded", body: new URLSearchParams(fields).toString() };
}

/** Written from the products' pages and from what people post, without a look at what the tool recognises. */
export const designedBodies: readonly DesignedBody[] = [
  json("creator", { event: "record.create", form: "Orders", record: { ID: "3888833000000114027", Status: "New" } }),
  json("projects", {
    event_type: "task_created",
    task: { id: "1000000000021", name: "Call the supplier" },
    project: { id: "1000000000002", name: "Move" },
  }),
  json("books", { event: "item_created", data: { item_id: "46000000000123", name: "Bolt M8", rate: 0.4 } }),
  json("campaigns", { event_type: "email_opened", email: "mei.tanaka@example.com", campaign: "Spring" }),
  // From Zoho's page on the signatures of Billing's workflow webhooks.
  json("subscriptions", { created_date: "2019-03-06", event_id: "5675" }),
  json("crm", {
    module: "Leads",
    operation: "qualified",
    id: "4876876000001402117",
    data: { Company: "Northwind Orchards K.K.", Email: "mei.tanaka@example.com" },
  }),
  form("crm", {
    event: "Deals.stage.change",
    deal_id: "4876876000001402118",
    stage: "Closed Won",
    amount: "12500",
  }),
  form("recruit", {
    candidate_id: "500000000000123",
    job_id: "500000000000456",
    status: "Hired",
    module: "Candidates",
  }),
  form("people", {
    event: "leave_approved",
    employee_id: "EMP-0142",
    record_id: "412000000001932045",
    days: "3",
  }),
  json("forms", {
    form_link_name: "contact-us",
    Name: "Mei Tanaka",
    Email: "mei.tanaka@example.com",
    Message: "Please call",
    ADDED_TIME: "15-Jan-2025 10:30:00",
  }),
  json("survey", {
    event: "survey_response",
    response_id: "3000000000451",
    score: 9,
    comment: "Quick answer",
    respondent: "mei.tanaka@example.com",
  }),
  json("creator", {
    app_link_name: "warehouse",
    form_link_name: "Orders",
    record_id: "3888833000000114027",
    data: { Status: "Packed" },
  }),
  form("projects", {
    data: JSON.stringify({
      event: "bug_reported",
      bug: { id: "1000000000033", title: "Total is wrong" },
      project_id: "1000000000002",
    }),
  }),
  json("sprints", {
    event: "item_update",
    module: "item",
    operation: "update",
    item: { id: "70000000000123", status: "Done" },
  }),
  json("webinar", {
    event: "registration",
    webinarId: "1022334455",
    registrant: { email: "mei.tanaka@example.com", firstName: "Mei" },
  }),
  json("inventory", {
    event: "salesorder.confirmed",
    organization_id: "60001234567",
    salesorder_id: "46000000000777",
    salesorder_number: "SO-00042",
  }),
  json("invoice", { action: "sent", invoice: { number: "INV-000042", total: 120.5, customer: "Acme & Sons" } }),
  json("expense", { event_type: "expense_approved", data: { expense_id: "46000000000888", amount: "42.00" } }),
  json("subscriptions", {
    event_type: "subscription_created",
    subscription_id: "90300000000079200",
    plan: "basic-monthly",
    email: "mei.tanaka@example.com",
  }),
  json("signals", {
    version: 1,
    account: "70000001",
    source: "orders",
    row: { ROWID: "2000000000123", Status: "Packed" },
  }),
];
