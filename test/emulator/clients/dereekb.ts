import { PUBLISHED } from "../../../src/emulator/published.ts";
import { type Client, calls } from "./replay.ts";

const id = "data.0.details.id";
const refresh = new URLSearchParams({
  grant_type: "refresh_token",
  client_id: PUBLISHED.clientId,
  client_secret: PUBLISHED.clientSecret,
  refresh_token: PUBLISHED.refreshToken,
});
const page = encodeURIComponent('{"page_context":{"row_count":10,"start_index":1}}');
const request = {
  requests: {
    request_name: "NDA",
    actions: [{ recipient_name: "Roe", recipient_email: "r@example.com", action_type: "SIGN" }],
  },
};
const candidate = { Last_Name: "Doe", Email: "d@example.com" };
const NO_ATTACHMENTS = "no attachments";
const NO_FUNCTIONS = "no functions";
const NO_TEMPLATES = "no templates of Sign";
const NO_DESK_TAGS = "no tags and followers of Desk";
const NO_TIMES = "no time tracking and activities of Desk";

/** Its clients of accounts, CRM, Recruit, Desk and Sign. Desk's and Sign's paths are the same host here. */
export const dereekb: Client = {
  name: "@dereekb/zoho",
  source: "@dereekb/zoho 13.36.0, index.esm.js",
  scheme: "Bearer",
  headers: { orgId: "60017843" },
  calls: calls(
    ["accounts: accessToken", `POST /oauth/v2/token?${refresh}`, { reads: ["access_token"] }],
    ["accounts: userInfo", "GET /oauth/user/info", { reads: ["ZUID"] }],

    ["crm: insertRecord", "POST /crm/v8/Contacts", { body: { data: [candidate] }, reads: [id], as: "contact" }],
    ["crm: updateRecord", "PUT /crm/v8/Contacts", { body: { data: [{ id: "{contact}", Title: "T" }] }, reads: [id] }],
    [
      "crm: upsertRecord",
      "POST /crm/v8/Contacts/upsert",
      { body: { data: [{ Last_Name: "Roe", Email: "r@example.com" }] }, reads: [id], as: "other" },
    ],
    ["crm: getRecordById", "GET /crm/v8/Contacts/{contact}", { reads: ["data.0.id"] }],
    [
      "crm: getRecords",
      "GET /crm/v8/Contacts?fields=id,Last_Name&per_page=10",
      { reads: ["data.0.id", "info.more_records"] },
    ],
    ["crm: searchRecords", "GET /crm/v8/Contacts/search?email=d%40example.com", { reads: ["data.0.id"] }],
    [
      "crm: createNotes",
      "POST /crm/v2/Notes",
      {
        body: { data: [{ Note_Title: "t", Note_Content: "c", Parent_Id: "{contact}", se_module: "Contacts" }] },
        reads: [id],
        as: "note",
      },
    ],
    ["crm: getNotesForRecord", "GET /crm/v8/Contacts/{contact}/Notes?fields=id,Note_Content", { reads: ["data.0.id"] }],
    ["crm: deleteNotes", "DELETE /crm/v2/Notes?ids={note}", { reads: [id] }],
    ["crm: getEmailsForRecord", "GET /crm/v8/Contacts/{contact}/Emails"],
    ["crm: getAttachmentsForRecord", "GET /crm/v8/Contacts/{contact}/Attachments?fields=id"],
    [
      "crm: createTagsForModule",
      "POST /crm/v8/settings/tags?module=Contacts",
      { body: { tags: [{ name: "hot" }] }, reads: ["tags.0.details.id"], as: "tag" },
    ],
    ["crm: getTagsForModule", "GET /crm/v8/settings/tags?module=Contacts", { reads: ["tags.0.name"] }],
    [
      "crm: addTagsToRecords",
      "POST /crm/v8/Contacts/actions/add_tags",
      { body: { tags: [{ name: "hot" }], ids: ["{contact}"] }, reads: [id] },
    ],
    [
      "crm: removeTagsFromRecords",
      "POST /crm/v8/Contacts/actions/remove_tags",
      { body: { tags: [{ name: "hot" }], ids: ["{contact}"] }, reads: [id] },
    ],
    ["crm: deleteTag", "DELETE /crm/v8/settings/tags/{tag}", { reads: ["tags.0.code"] }],
    ["crm: executeRestApiFunction", "POST /crm/v8/functions/f/actions/execute?auth_type=oauth"],
    ["crm: deleteRecord", "DELETE /crm/v8/Contacts?ids={other}&wf_trigger=false", { reads: [id] }],

    [
      "recruit: insertRecord",
      "POST /recruit/v2/Candidates",
      { body: { data: [candidate] }, reads: [id], as: "candidate" },
    ],
    [
      "recruit: updateRecord",
      "PUT /recruit/v2/Candidates",
      { body: { data: [{ id: "{candidate}", Source: "Referral" }] }, reads: [id] },
    ],
    ["recruit: upsertRecord", "POST /recruit/v2/Candidates/upsert", { body: { data: [candidate] }, reads: [id] }],
    ["recruit: getRecordById", "GET /recruit/v2/Candidates/{candidate}", { reads: ["data.0.id"] }],
    ["recruit: getRecords", "GET /recruit/v2/Candidates?per_page=10", { reads: ["data.0.id"] }],
    [
      "recruit: searchRecords",
      "GET /recruit/v2/Candidates/search?criteria=(Last_Name:equals:Doe)",
      { reads: ["data.0.id"] },
    ],
    [
      "recruit: createNotes",
      "POST /recruit/v2/Notes",
      { body: { data: [{ Note_Content: "c", Parent_Id: "{candidate}", se_module: "Candidates" }] }, reads: [id] },
    ],
    ["recruit: getNotesForRecord", "GET /recruit/v2/Candidates/{candidate}/Notes", { reads: ["data.0.id"] }],
    [
      "recruit: createTagsForModule",
      "POST /recruit/v2/settings/tags?module=Candidates",
      { body: { tags: [{ name: "hot" }] }, reads: ["tags.0.details.id"] },
    ],
    [
      "recruit: addTagsToRecords",
      "POST /recruit/v2/Candidates/actions/add_tags?tag_names=hot&ids={candidate}",
      { reads: [id] },
    ],
    [
      "recruit: associateCandidates",
      "PUT /recruit/v2/Candidates/actions/associate",
      { body: { data: [{ ids: ["{candidate}"], jobids: ["1"] }] } },
    ],
    ["recruit: deleteRecord", "DELETE /recruit/v2/Candidates?ids={candidate}", { reads: [id] }],

    ["desk: getDepartments", "GET /api/v1/departments?from=1&limit=10", { reads: ["data.0.id"], as: "department" }],
    ["desk: getDepartmentById", "GET /api/v1/departments/{department}", { reads: ["id"] }],
    ["desk: getAgents", "GET /api/v1/agents?from=1&limit=10", { reads: ["data.0.id"], as: "agent" }],
    ["desk: getAgentById", "GET /api/v1/agents/{agent}", { reads: ["id"] }],
    ["desk: getMyInfo", "GET /api/v1/myinfo", { reads: ["id"] }],
    ["desk: (a contact)", "POST /api/v1/contacts", { body: { lastName: "Doe" }, reads: ["id"], as: "person" }],
    [
      "desk: (a ticket)",
      "POST /api/v1/tickets",
      {
        body: { subject: "Printer", departmentId: "{department}", contactId: "{person}" },
        reads: ["id"],
        as: "ticket",
      },
    ],
    ["desk: getTickets", "GET /api/v1/tickets?from=1&limit=10&include=contacts", { reads: ["data.0.id"] }],
    ["desk: getTicketById", "GET /api/v1/tickets/{ticket}", { reads: ["id", "ticketNumber"] }],
    [
      "desk: searchTickets",
      "GET /api/v1/tickets/search?subject=Print*&from=1&limit=10",
      { reads: ["data.0.id", "count"] },
    ],
    ["desk: getTicketsForContact", "GET /api/v1/contacts/{person}/tickets?from=1&limit=10", { reads: ["data.0.id"] }],
    ["desk: getContacts", "GET /api/v1/contacts?from=1&limit=10", { reads: ["data.0.id"] }],
    ["desk: getContactById", "GET /api/v1/contacts/{person}", { reads: ["id"] }],
    [
      "desk: createTicketComment",
      "POST /api/v1/tickets/{ticket}/comments",
      { body: { content: "c", isPublic: false }, reads: ["id"], as: "comment" },
    ],
    ["desk: getTicketComments", "GET /api/v1/tickets/{ticket}/comments?from=1&limit=10", { reads: ["data.0.id"] }],
    ["desk: getTicketCommentById", "GET /api/v1/tickets/{ticket}/comments/{comment}", { reads: ["id"] }],
    ["desk: deleteTicketComment", "DELETE /api/v1/tickets/{ticket}/comments/{comment}"],
    ["desk: getTicketThreads", "GET /api/v1/tickets/{ticket}/threads?from=1&limit=10"],
    ["desk: getTicketAttachments", "GET /api/v1/tickets/{ticket}/attachments"],
    ["desk: getTicketTags", "GET /api/v1/tickets/{ticket}/tags"],
    ["desk: getTicketFollowers", "GET /api/v1/tickets/{ticket}/followers"],
    ["desk: getTicketMetrics", "GET /api/v1/tickets/{ticket}/metrics"],
    ["desk: getTicketTimeEntries", "GET /api/v1/tickets/{ticket}/timeEntries"],
    ["desk: getTicketActivities", "GET /api/v1/tickets/{ticket}/activities"],

    [
      "sign: createRequest",
      "POST /api/v1/requests",
      { form: { data: JSON.stringify(request) }, reads: ["requests.request_id"], as: "request" },
    ],
    ["sign: getDocument", "GET /api/v1/requests/{request}", { reads: ["requests.request_status"] }],
    [
      "sign: getDocuments",
      `GET /api/v1/requests?data=${page}`,
      { reads: ["requests.0.request_id", "page_context.has_more_rows"] },
    ],
    [
      "sign: sendDocumentForSignature",
      "POST /api/v1/requests/{request}/submit",
      { reads: ["requests.request_status"] },
    ],
    ["sign: getDocumentFormData", "GET /api/v1/requests/{request}/fielddata"],
    ["sign: downloadPdf", "GET /api/v1/requests/{request}/pdf"],
    ["sign: extendDocument", "PUT /api/v1/requests/{request}/extend", { body: { expire_by: "2027-01-01" } }],
    ["sign: retrieveFieldTypes", "GET /api/v1/fieldtypes"],
    ["sign: getTemplates", `GET /api/v1/templates?data=${page}`],
    ["sign: deleteDocument", "PUT /api/v1/requests/{request}/delete", { form: {} }],
  ),
  gaps: {
    "crm: getEmailsForRecord": "no mail",
    "crm: getAttachmentsForRecord": NO_ATTACHMENTS,
    "crm: executeRestApiFunction": NO_FUNCTIONS,
    "recruit: associateCandidates": "no association of Recruit",
    "desk: getTicketAttachments": NO_ATTACHMENTS,
    "desk: getTicketTags": NO_DESK_TAGS,
    "desk: getTicketFollowers": NO_DESK_TAGS,
    "desk: getTicketMetrics": NO_TIMES,
    "desk: getTicketTimeEntries": NO_TIMES,
    "desk: getTicketActivities": NO_TIMES,
    "sign: getDocumentFormData": "no documents of Sign",
    "sign: downloadPdf": "no documents of Sign",
    "sign: extendDocument": "no change of the expiry",
    "sign: retrieveFieldTypes": NO_TEMPLATES,
    "sign: getTemplates": NO_TEMPLATES,
  },
};
