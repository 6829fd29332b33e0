import { type Client, calls } from "./replay.ts";

const CRM = "/crm/v2";
const DESK = "/api/v1";
const id = "data.0.details.id";
const channel = { channel_id: 4711, channel_expiry: "2026-12-05T00:00:00+00:00", events: ["Leads.create"], token: "t" };
const NO_ATTACHMENTS = "no attachments";

export const pipedreamCrm: Client = {
  name: "Pipedream, zoho_crm",
  source: "PipedreamHQ/pipedream components/zoho_crm/zoho_crm.app.mjs, actions",
  scheme: "Zoho-oauthtoken",
  calls: calls(
    ["listModules", `GET ${CRM}/settings/modules`, { reads: ["modules.0.api_name"] }],
    ["getUserCount", `GET ${CRM}/users?page_size=200&type=ActiveUsers`, { reads: ["info.count", "users.0.id"] }],
    ["createObject", `POST ${CRM}/Leads`, { body: { data: [{ Last_Name: "Doe" }] }, reads: [id], as: "lead" }],
    ["listRecords", `GET ${CRM}/Leads`, { reads: ["data.0.Full_Name"] }],
    [
      "createHook",
      `POST ${CRM}/actions/watch`,
      {
        body: { watch: [{ ...channel, notify_url: "https://example.com/h" }] },
        reads: ["watch.0.details.events.0.resource_uri"],
      },
    ],
    ["renewHookSubscription", `PATCH ${CRM}/actions/watch`, { body: { watch: [channel] }, reads: ["watch.0.status"] }],
    ["deleteHook", `DELETE ${CRM}/actions/watch?channel_ids=4711`],
    ["add-tags", `POST ${CRM}/Leads/{lead}/actions/add_tags?tag_names=hot`, { reads: [id] }],
    ["list-attachments", `GET ${CRM}/Leads/{lead}/Attachments?fields=id`],
    ["convertLead", `POST ${CRM}/Leads/{lead}/actions/convert`, { body: { data: [{}] } }],
  ),
  gaps: { "list-attachments": NO_ATTACHMENTS, convertLead: "no conversion" },
};

const NO_HELP_CENTER = "no help centre and knowledge base";
const contact = { lastName: "Doe", email: "d@example.com" };
const reply = { channel: "EMAIL", content: "c", fromEmailAddress: "s@example.com", to: "d@example.com" };

export const pipedreamDesk: Client = {
  name: "Pipedream, zoho_desk",
  source: "PipedreamHQ/pipedream components/zoho_desk/zoho_desk.app.mjs, sources/common/common-webhook.mjs",
  scheme: "Zoho-oauthtoken",
  headers: { orgId: "60017843" },
  calls: calls(
    ["getOrganizations", `GET ${DESK}/organizations`, { reads: ["data.0.id", "data.0.companyName"] }],
    ["createAccount", `POST ${DESK}/accounts`, { body: { accountName: "Acme" }, reads: ["id"] }],
    ["getAccounts", `GET ${DESK}/accounts?from=1`, { reads: ["data.0.accountName"] }],
    ["createContact", `POST ${DESK}/contacts`, { body: contact, reads: ["id"], as: "contact" }],
    ["updateContact", `PATCH ${DESK}/contacts/{contact}`, { body: { phone: "1" }, reads: ["id"] }],
    ["getContacts", `GET ${DESK}/contacts?from=1&limit=100`, { reads: ["data.0.lastName"] }],
    ["searchContacts", `GET ${DESK}/contacts/search?email=d@example.com`, { reads: ["data.0.id"] }],
    ["getDepartments", `GET ${DESK}/departments?from=1&limit=100`, { reads: ["data.0.name"] }],
    [
      "createTicket",
      `POST ${DESK}/tickets`,
      { body: { subject: "s", departmentId: "1892000000006907", contactId: "{contact}" }, reads: ["id"], as: "ticket" },
    ],
    ["updateTicket", `PATCH ${DESK}/tickets/{ticket}`, { body: { status: "Closed" }, reads: ["id"] }],
    ["getTickets", `GET ${DESK}/tickets?from=1&sortBy=createdTime`, { reads: ["data.0.subject"] }],
    ["searchTickets", `GET ${DESK}/tickets/search?_all=s*`, { reads: ["data.0.id"] }],
    ["createTicketComment", `POST ${DESK}/tickets/{ticket}/comments`, { body: { content: "c" }, reads: ["id"] }],
    ["getTicketComments", `GET ${DESK}/tickets/{ticket}/comments`, { reads: ["data.0.content"] }],
    ["sendReply", `POST ${DESK}/tickets/{ticket}/sendReply`, { body: reply, reads: ["id"] }],
    ["getTicketThreads", `GET ${DESK}/tickets/{ticket}/threads`, { reads: ["data.0.direction"] }],
    ["getAgents", `GET ${DESK}/agents?from=1`, { reads: ["data.0.emailId"] }],
    ["getTicketAttachments", `GET ${DESK}/tickets/{ticket}/attachments`],
    ["getOrganizationFields", `GET ${DESK}/organizationFields?module=tickets&apiNames=status`],
    ["getSupportEmailAddresses", `GET ${DESK}/supportEmailAddress?departmentId=1`],
    ["listHelpCenters", "GET /portal/api/helpCenters"],
    ["listKnowledgeBaseArticles", "GET /portal/api/kbArticles?portalId=1"],
    [
      "createWebhook",
      `POST ${DESK}/webhooks`,
      { body: { url: "http://127.0.0.1:9/", subscriptions: { Article_Add: null } }, headers: { orgId: "" } },
    ],
  ),
  gaps: {
    getTicketAttachments: NO_ATTACHMENTS,
    getOrganizationFields: "no metadata of Desk",
    getSupportEmailAddresses: "no mail",
    listHelpCenters: NO_HELP_CENTER,
    listKnowledgeBaseArticles: NO_HELP_CENTER,
    createWebhook: "sent without `orgId`, which Desk documents as mandatory",
  },
};

const ORGANISATION = "organization_id=10234695";

export const pipedreamBooks: Client = {
  name: "Pipedream, zoho_books",
  source: "PipedreamHQ/pipedream components/zoho_books/sources/common/base.mjs",
  scheme: "Zoho-oauthtoken",
  calls: calls(
    ["listOrganizations", "GET /books/v3/organizations", { reads: ["organizations.0.organization_id"] }],
    [
      "createWebhook",
      `POST /books/v3/settings/webhooks?${ORGANISATION}`,
      {
        body: { webhook_name: "pd", url: "https://example.com/h", method: "POST", entity: "invoice" },
        reads: ["webhook.webhook_id"],
        as: "hook",
      },
    ],
    [
      "createWorkflow",
      `POST /books/v3/settings/workflows?${ORGANISATION}`,
      {
        body: {
          workflow_name: "pd",
          rule_type: "add_edit",
          entity: "invoice",
          instant_actions: [{ action_id: "{hook}", action_type: "webhook" }],
        },
        reads: ["workflow.workflow_id"],
      },
    ],
    ["deleteWebhook", `DELETE /books/v3/settings/webhooks/{hook}?${ORGANISATION}`],
  ),
};
