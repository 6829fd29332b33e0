// What the guided run makes of each product. `missing` throws where a product cannot be tried, `act` makes its events happen, and
// `alsoKnown` has fields that are documented and not in the samples, or whose names are those of the record.
const crm = {
  id: "crm",
  title: "CRM",
  makes: "a channel, and a lead that is created, edited and deleted",
  scopes: [
    "ZohoCRM.notifications.ALL",
    "ZohoCRM.settings.modules.READ",
    "ZohoCRM.settings.fields.READ",
    "ZohoCRM.modules.ALL",
  ],
  register: ["crm:Leads.all"],
  events: ["crm:Leads.create", "crm:Leads.edit", "crm:Leads.delete"],
  alsoKnown: ["affected_values[].values.*"],
  missing: async (zoho) => void (await zoho("api", "GET", "/crm/v8/Leads?fields=Last_Name&per_page=1")),
  async act({ zoho, make, settled }) {
    const row = (data) => ({ json: { data: [data] } });
    let isDeleted = false;
    const remove = (id) => zoho("api", "DELETE", `/crm/v8/Leads?ids=${id}`);
    const id = await make(
      "the lead",
      async () => {
        const { data } = await zoho("api", "POST", "/crm/v8/Leads", row({ Last_Name: "Zoho-Hooks", Company: "Try" }));
        return data[0].details.id;
      },
      async (each) => isDeleted || (await remove(each)),
    );
    await settled("crm:Leads.create");
    await zoho("api", "PUT", `/crm/v8/Leads/${id}`, row({ Company: "Tried" }));
    await settled("crm:Leads.edit");
    await remove(id);
    isDeleted = true;
  },
};

const desk = {
  id: "desk",
  title: "Desk",
  makes: "a webhook, and a contact and its ticket, which go to the recycle bin",
  scopes: [
    "Desk.settings.ALL",
    "Desk.events.ALL",
    "Desk.webhooks.ALL",
    "Desk.basic.READ",
    "Desk.tickets.ALL",
    "Desk.contacts.ALL",
  ],
  register: ["desk:Ticket_Add", "desk:Contact_Add"],
  events: ["desk:Contact_Add", "desk:Ticket_Add"],
  alsoKnown: ["[].payload.description", "[].payload.subCategory"],
  missing: async (zoho) => void (await deskOf(zoho)),
  async act({ zoho, make }) {
    const { call, orgId } = await deskOf(zoho);
    const headers = { orgId };
    const { data: departments } = await call("GET", "departments");
    const contactId = await make(
      "the contact of Desk",
      async () => (await call("POST", "contacts", { json: { lastName: "Zoho-Hooks" }, headers })).id,
      (id) => call("POST", "contacts/moveToTrash", { json: { contactIds: [id] }, headers }),
    );
    const ticket = { subject: "zoho-hooks", departmentId: departments[0].id, contactId };
    await make(
      "the ticket",
      async () => (await call("POST", "tickets", { json: ticket, headers })).id,
      (id) => call("POST", "tickets/moveToTrash", { json: { ticketIds: [id] }, headers }),
    );
  },
};

async function deskOf(zoho) {
  const { data: organisations } = await zoho("desk", "GET", "/api/v1/organizations");
  const orgId = String(organisations[0].id);
  const call = (method, path, options = {}) =>
    zoho("desk", method, `/api/v1/${path}`, { headers: { orgId }, ...options });
  return { orgId, call };
}

const books = {
  id: "books",
  title: "Books",
  makes: "a webhook and its workflow rule, and a contact",
  scopes: ["ZohoBooks.settings.ALL", "ZohoBooks.contacts.ALL"],
  events: ["books:contact.created"],
  missing: async (zoho) => void (await booksOf(zoho)),
  async act({ zoho, make, command, url, settled }) {
    const { organisation, call } = await booksOf(zoho);
    const org = ["--product", "books", "--org", organisation];
    await make(
      "the webhook of Books",
      async () => {
        const hook = `${url}?event=contact.created`;
        const argv = ["webhooks", "create", "contact", ...org, "--rule", "add", "--url", hook, "--json"];
        const lines = (await command(argv)).stdout.trim().split("\n");
        return JSON.parse(lines.at(-1)).id;
      },
      (id) => command(["webhooks", "delete", id, ...org, "--yes"]),
    );
    await make(
      "the contact of Books",
      async () =>
        (await call("POST", "contacts", { json: { contact_name: `Zoho-Hooks ${Date.now()}` } })).contact.contact_id,
      (id) => call("DELETE", `contacts/${id}`),
    );
    await settled("books:contact.created");
  },
};

async function booksOf(zoho) {
  const { organizations } = await zoho("api", "GET", "/books/v3/organizations");
  const organisation = String(organizations[0].organization_id);
  const call = (method, path, options) =>
    zoho("api", method, `/books/v3/${path}?organization_id=${organisation}`, options);
  return { organisation, call };
}

const sign = {
  id: "sign",
  title: "Sign",
  makes: "a webhook, and a document that is sent to the address that you name, and recalled",
  scopes: ["ZohoSign.account.ALL", "ZohoSign.documents.ALL"],
  register: ["sign:*"],
  events: ["sign:RequestSubmitted", "sign:RequestRecalled"],
  alsoKnown: ["requests.expiration_days", "requests.created_time", "requests.expire_by"],
  missing: async (zoho) => void (await zoho("sign", "GET", "/api/v1/requests")),
  async act({ zoho, make, ask, settled }) {
    const recipient = await ask("  An e-mail address of yours, for the document: ");
    const action = { recipient_email: recipient, recipient_name: "Zoho-Hooks", action_type: "SIGN", signing_order: 1 };
    const requests = { request_name: "zoho-hooks", is_sequential: true, expiration_days: 1, actions: [action] };
    const form = new FormData();
    form.set("data", JSON.stringify({ requests }));
    form.set("file", new Blob([PDF], { type: "application/pdf" }), "zoho-hooks.pdf");
    let draft;
    const id = await make(
      "the document",
      async () => {
        draft = (await zoho("sign", "POST", "/api/v1/requests", { form })).requests;
        return draft.request_id;
      },
      (each) => zoho("sign", "PUT", `/api/v1/requests/${each}/delete`),
    );
    const actions = draft.actions.map((each) => ({ ...each, fields: [field(draft)] }));
    const submitted = new URLSearchParams({ data: JSON.stringify({ requests: { actions } }) });
    await zoho("sign", "POST", `/api/v1/requests/${id}/submit`, { form: submitted });
    await settled("sign:RequestSubmitted");
    await zoho("sign", "POST", `/api/v1/requests/${id}/recall`);
  },
};

/** A signer needs a field to sign in. */
function field({ document_ids: [{ document_id }] }) {
  return {
    ...{ field_type_name: "Signature", document_id, page_no: 0, is_mandatory: true },
    ...{ x_coord: 60, y_coord: 60, abs_width: 200, abs_height: 40 },
  };
}

/** An empty page. */
const PDF = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj
trailer<</Root 1 0 R>>
`;

export const products = [crm, desk, books, sign];
