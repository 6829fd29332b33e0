import type { HeaderPair } from "../../src/delivery/delivery.ts";

/** A delivery as it came. */
export interface Sent {
  /** The product in the URL; undefined for the URL that every product shares. */
  readonly to?: string;
  readonly method?: string;
  readonly query?: string;
  readonly type?: string;
  readonly headers?: readonly HeaderPair[];
  /** Bytes as they come, or data that is written as JSON. */
  readonly body: unknown;
}

export type Genuine = readonly (readonly [product: string, format: string, event: string, sent: Sent])[];

const invoice = { invoice_id: "460000000049123", status: "sent", total: 120.5 };
const FORM = "application/x-www-form-urlencoded";
const zepto = (event_name: string, event_data: readonly object[]) => ({
  event_name: [event_name],
  event_message: [{ email_info: { subject: "Hi" }, event_data, request_id: "2d6f.48b1a.m1" }],
  webhook_request_id: "8b1f-0c53",
});
const connect = (triggerType: string, payload: object) => ({
  payload,
  triggeredBy: {
    type: "0",
    id: "61683612",
    name: "Michelle",
    emailId: "m@example.com",
    url: "https://connect.zoho.com/",
  },
  triggerType,
  triggeredTime: "02 Nov 2021, 06:35 PM",
  triggeredTimeInMillis: "1635858325492",
  scope: { id: "12266000000002002", name: "Zylker", url: "https://connect.zoho.com/portal/ourintranet" },
});
const guideRecord = (module: string, id: string, host: string, data: object) => ({
  module,
  operation: "create",
  resource_uri: `https://${host}/${module}/${id}`,
  ids: [id],
  token: "c3504777-2f1e",
  data: { id, ...data },
});

/** Written by hand from what is known of each format, and not from the samples that are sent. */
export const ofTheOtherProducts: Genuine = [
  [
    "crm",
    "guide",
    "Leads.create",
    { body: guideRecord("Leads", "6756839000000575405", "www.zohoapis.eu/crm/v8", { Last_Name: "Ito" }) },
  ],
  [
    "recruit",
    "guide",
    "Candidates.create",
    { body: guideRecord("Candidates", "523186000000977214", "recruit.zoho.in/recruit/v2", { Last_Name: "Ito" }) },
  ],
  [
    "desk",
    "guide",
    "Ticket.Create",
    {
      body: {
        event: "Ticket.Create",
        orgId: "60017843",
        ticketId: "189200000004203471",
        ticket: {
          ticketNumber: "101",
          subject: "Hi",
          departmentId: "189200000000103082",
          contactId: "189200000003906612",
          status: "Open",
          createdTime: "2025-01-15T10:30:00Z",
        },
      },
    },
  ],
  [
    "books",
    "guide",
    "invoice_created",
    {
      body: {
        event: "invoice_created",
        organization_id: "708215634",
        data: {
          invoice_id: "2761940000000418093",
          invoice_number: "INV-7",
          customer_name: "Kestrel",
          total: 12.5,
          status: "sent",
          date: "2025-01-15",
        },
      },
    },
  ],
  ["books", "wire", "invoice", { to: "books", body: { invoice } }],
  ["books", "wire", "invoice.created", { to: "books", query: "?event=invoice.created", body: { invoice } }],
  [
    "books",
    "wire",
    "invoice",
    { to: "books", type: FORM, body: new URLSearchParams({ JSONString: JSON.stringify({ invoice }) }).toString() },
  ],
  ["inventory", "wire", "salesorder", { to: "inventory", body: { salesorder: { salesorder_id: "4815000000044220" } } }],
  ["invoice", "wire", "estimate", { to: "invoice", body: { estimate: { estimate_id: "982000000567001" } } }],
  [
    "expense",
    "wire",
    "expense.updated",
    { to: "expense", headers: [["x-event", "update"]], body: { expense: { expense_id: "16367000000085029" } } },
  ],
  [
    "procurement",
    "wire",
    "purchaseorder.created",
    {
      to: "procurement",
      query: "?event=purchaseorder_created",
      body: { purchaseorder: { purchaseorder_id: "16367000000085030" } },
    },
  ],
  ["spend", "wire", "expense", { to: "spend", body: { expense: { expense_id: "16367000000085031" } } }],
  [
    "commerce",
    "wire",
    "salesorder.delivered",
    {
      to: "commerce",
      type: `${FORM};charset=UTF-8`,
      headers: [
        ["Accept", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"],
        ["X-Zoho-Skip-Webhook-Trigger", "true"],
        ["X-ZOHO-Event", "salesorder.delivered"],
      ],
      body: JSON.stringify({ salesorder: { salesorder_id: "16367000000085032" } }),
    },
  ],
  [
    "subscriptions",
    "guide",
    "subscription_created",
    {
      body: {
        event: "subscription_created",
        subscription: {
          subscription_id: "9034150000000517083",
          customer_id: "9034150000000502011",
          subscription_number: "SUB-7",
          plan_code: "BASIC",
          status: "live",
          next_billing_at: "2025-02-15",
          created_time: "2025-01-15T10:30:00Z",
        },
      },
    },
  ],
  [
    "subscriptions",
    "wire",
    "subscription_renewed",
    {
      body: {
        event_id: "90300000079200",
        event_type: "subscription_renewed",
        event_time: "2016-06-05T18:28:20-0700",
        data: { subscription: { subscription_id: "90300000079200", status: "live" } },
      },
    },
  ],
  ["subscriptions", "workflow", "invoice", { to: "subscriptions", body: { invoice } }],
  [
    "payments",
    "wire",
    "payment.succeeded",
    {
      body: {
        event_id: 9973000000138072,
        event_type: "payment.succeeded",
        account_id: 105078477,
        live_mode: false,
        event_time: 1756096975624,
        event_object: { payment: { payment_id: "173000002315107", amount: "200.00" } },
      },
    },
  ],
  [
    "sign",
    "wire",
    "RequestSigningSuccess",
    {
      body: '{"requests":{"request_id":1000000102049,"request_status":"completed"},"notifications":{"operation_type":"RequestSigningSuccess","performed_at":1732480000000}}',
    },
  ],
  [
    "mail",
    "wire",
    "message",
    {
      body: '{"subject":"Hi","messageId":1736936996000116001,"fromAddress":"a@example.com","toAddress":"b@example.com"}',
    },
  ],
  [
    "mail",
    "wire",
    "message",
    {
      body: '{"summary":"a\\/b","sentDateInGMT":1784130673000,"subject":"Hi","Mode":0,"messageId":1784105487965154207,"toAddress":"<b@example.com>","folderId":7214453000000008008,"zuid":848632206,"threadId":0,"hasAttachment":"No","size":255,"sender":"A","receivedTime":1784105487962,"fromAddress":"a@example.com","html":"<div>\\r\\n<\\/div>","messageIdString":"1784105487965154207","IntegIdList":"1784105384068156900,"}',
    },
  ],
  [
    "mail",
    "wire",
    "taskUpdated",
    {
      body: '{"entityId":4000000000000012345,"entityType":3,"action":"taskUpdated","title":"Call","assignee":647772765}',
    },
  ],
  [
    "zeptomail",
    "wire",
    "softbounce",
    { body: zepto("softbounce", [{ object: "softbounce", details: [{ reason: "full" }] }]) },
  ],
  ["zeptomail", "wire", "open", { body: zepto("open", []) }],
  ["zeptomail", "wire", "open", { body: zepto("email_open", []) }],
  ["zeptomail", "wire", "click", { to: "zeptomail", body: zepto("email_link_click", []) }],
  [
    "zeptomail",
    "wire",
    "delivered",
    { type: FORM, body: new URLSearchParams({ data: JSON.stringify(zepto("delivered", [])) }).toString() },
  ],
  ["webinar", "wire", "webhook", { to: "webinar", body: { webinarId: "12345", event: "registration" } }],
  ["webinar", "wire", "webhook", { to: "webinar", method: "PUT", type: FORM, body: "webinarId=12345" }],
  ["connect", "wire", "Event_Created", { body: connect("Event_Created", { id: "12266000000460271", title: "Fair" }) }],
  ["connect", "wire", "Group_Deleted", { to: "connect", body: connect("Group_Deleted", { id: "12266000000493359" }) }],
  ["connect", "wire", "Task_Created", { body: connect("Task_Created", { taskId: "12266000000493360" }) }],
  [
    "salesiq",
    "wire",
    "conversation.missed",
    {
      body: {
        entity_type: "conversation",
        org_id: "70000001",
        event: "conversation.missed",
        entity_id: "30000000012345",
        attempt: 3,
        version: "1",
        entity: { id: "30000000012345", missed_time: "1566841905380" },
      },
    },
  ],
  [
    "salesiq",
    "zobot",
    "zobot.failure",
    { body: { handler: "failure", operation: "message", visitor: { name: "Ines" }, failed_response: "OK" } },
  ],
  ["salesiq", "zobot", "zobot.trigger", { body: { handler: "trigger", operation: "chat", visitor: { name: "Ines" } } }],
  [
    "cliq",
    "wire",
    "invocation",
    { to: "cliq", body: { params: { message: { text: "hi" } }, handler: "message_handler" } },
  ],
  [
    "creator",
    "guide",
    "record_added",
    {
      body: {
        event: "record_added",
        owner_name: "harbourworks",
        application_link_name: "register",
        form_link_name: "Asset",
        record_id: "617420000000129054",
        data: { Asset: "Level" },
      },
    },
  ],
  [
    "projects",
    "guide",
    "task_created",
    {
      body: {
        event: "task_created",
        portal_id: "693204178",
        project: { id: "1570380000000212009", name: "App" },
        task: { id: "1570380000000245117", name: "Translate" },
      },
    },
  ],
  [
    "forms",
    "guide",
    "form_submitted",
    {
      body: {
        form_link_name: "booking",
        submission_id: "31725000000086419",
        submitted_time: "2025-01-15T10:30:00Z",
        fields: [{ field_name: "Name", field_value: "Zeynep" }],
      },
    },
  ],
  [
    "survey",
    "guide",
    "response_submitted",
    {
      body: {
        event: "response_submitted",
        survey_id: "418290000000031007",
        survey_name: "Visit",
        response_id: "418290000000058263",
        submitted_time: "2025-01-15T10:30:00Z",
        answers: [{ question: "How was it?", answer: 4 }],
      },
    },
  ],
  [
    "analytics",
    "guide",
    "import_completed",
    {
      body: {
        event: "import_completed",
        organization_id: "755093618",
        workspace_id: "2210470000000003005",
        data: {
          job_id: "2210470000000018142",
          view_id: "2210470000000018143",
          status: "JOB COMPLETED",
          completed_time: "2025-01-15T10:30:00Z",
        },
      },
    },
  ],
  [
    "campaigns",
    "guide",
    "campaign_sent",
    {
      body: {
        event: "campaign_sent",
        campaign: { campaign_id: "384610000000072035", campaign_name: "January", sent_time: "2025-01-15T10:30:00Z" },
      },
    },
  ],
];
