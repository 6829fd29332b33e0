import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EmulatorApi, openEmulatorApi } from "../support/emulator-api.ts";
import { TestClock } from "../support/test-clock.ts";

const clock = new TestClock();
let api: EmulatorApi;
beforeEach(async () => {
  api = await openEmulatorApi([], { now: clock.now });
});
afterEach(() => api.close());

describe("an access token", () => {
  it.each(["Zoho-oauthtoken", "Bearer", "bearer"])("is accepted behind %s", async (scheme) => {
    const authorization = `${scheme} ${api.accounts.makeAccessToken(["ZohoCRM.org.READ"])}`;
    expect((await fetch(`${api.url}/crm/v8/org`, { headers: { authorization } })).status).toBe(200);
  });

  it.each([
    ["ZohoCRM.modules.all", "/crm/v2/Leads", 204],
    ["ZohoCRM.modules.leads.READ", "/crm/v2/Leads", 204],
    ["zohocrm.modules.contacts.READ", "/crm/v2/Leads", 401],
    ["ZohoBooks.fullaccess.all", "/books/v3/contacts?organization_id=10234695", 200],
    ["ZohoBooks.contacts.ALL", "/books/v3/contacts?organization_id=10234695", 200],
    ["ZohoBooks.settings.ALL", "/books/v3/settings/webhooks?organization_id=10234695", 200],
    ["ZohoBooks.invoices.ALL", "/books/v3/contacts?organization_id=10234695", 401],
    ["Desk.basic.ALL", "/api/v1/organizations", 200],
    ["Desk.webhooks.ALL", "/api/v1/webhooks?orgId=60017843", 204],
    ["Desk.settings.ALL Desk.events.ALL", "/api/v1/webhooks?orgId=60017843", 204],
    ["Desk.settings.ALL", "/api/v1/webhooks?orgId=60017843", 403],
    ["desk.tickets.read", "/api/v1/tickets?orgId=60017843", 204],
    ["zohosign.documents.all", "/api/v1/requests", 200],
  ])("with %s gets from %s %i", async (scopes, path, status) => {
    expect((await api.callWith(...scopes.split(" "))("GET", path)).status).toBe(status);
  });
});

it.each(["leads", "LEADS", "purchase_orders", "PurchaseOrders"])("a module is found as %s", async (name) => {
  const call = api.callWith("ZohoCRM.modules.ALL", "ZohoCRM.settings.ALL");
  expect((await call("GET", `/crm/v2/${name}`)).status).toBe(204);
  expect((await call("GET", `/crm/v2/settings/fields?module=${name}`)).status).toBe(200);
});

it.each([0, 1])("Desk's tickets are all found by a client that counts from %i", async (first) => {
  const call = api.callWith("Desk.contacts.READ");
  for (let i = 0; i < 7; i++) api.create("desk", "contacts", { lastName: String(i) });
  const found: string[] = [];
  for (let from = first; ; from += 3) {
    const { status, body } = await call("GET", `/api/v1/contacts?orgId=60017843&limit=3&from=${from}`);
    if (status === 204) break;
    found.push(...body.data.map(({ lastName }: { lastName: string }) => lastName));
  }
  expect(found).toEqual(["6", "5", "4", "3", "2", "1", "0"]);
});

it("Books takes two settings calls in a row, and rejects the next", async () => {
  const call = api.callWith("ZohoBooks.settings.READ");
  const list = async () => (await call("GET", "/books/v3/settings/webhooks?organization_id=10234695")).status;
  expect([await list(), await list(), await list()]).toEqual([200, 200, 429]);
  clock.advance(600);
  expect(await list()).toBe(200);
});
