import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EmulatorApi, openEmulatorApi } from "../support/emulator-api.ts";
import { TestClock } from "../support/test-clock.ts";

const SCOPES = ["ZohoCRM", "ZohoBigin", "ZohoRecruit"].flatMap((product) =>
  ["modules", "settings", "users", "org", "notifications"].map((each) => `${product}.${each}.ALL`),
);
let clock: TestClock;
let api: EmulatorApi;
beforeEach(async () => {
  clock = new TestClock();
  api = await openEmulatorApi(SCOPES, { now: clock.now });
});
afterEach(() => api.close());

/** Cannot be made a string. */
const OBJECT = { toString: 1, valueOf: 1 };
const LEADS = "/crm/v8/Leads";
const create = async (...data: readonly object[]): Promise<readonly string[]> => {
  const { body } = await api.call("POST", LEADS, { data });
  return body.data.map(({ details }: { details: { id: string } }) => details.id);
};
const codesOf = ({ body }: { body: { data: readonly { code: string }[] } }) => body.data.map(({ code }) => code);
const namesOf = ({ body }: { body?: { data: readonly { Last_Name: string }[] } }) =>
  (body?.data ?? []).map(({ Last_Name }) => Last_Name);

describe("a record", () => {
  it("is created, read, changed and deleted, with times of the organisation's zone", async () => {
    const created = await api.call("POST", LEADS, { data: [{ Last_Name: "Boyle", Company: "Acme", My_Field: "own" }] });
    const [result] = created.body.data;
    expect(created.status).toBe(201);
    expect(result).toMatchObject({ code: "SUCCESS", message: "record added", status: "success" });
    const { id, Created_Time } = result.details;
    expect(id).toMatch(/^\d{19}$/);
    expect(Created_Time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:30$/);
    expect(Date.parse(Created_Time)).toBe(Math.floor(clock.now().getTime() / 1000) * 1000);

    clock.advance(60_000);
    const updated = await api.call("PUT", `${LEADS}/${id}`, { data: [{ Company: "Zylker", Annual_Revenue: 12.5 }] });
    expect([updated.status, codesOf(updated)]).toEqual([200, ["SUCCESS"]]);
    const got = await api.call("GET", `${LEADS}/${id}`);
    expect(got.status).toBe(200);
    expect(got.body.data).toEqual([
      expect.objectContaining({
        id,
        Last_Name: "Boyle",
        Full_Name: "Boyle",
        Company: "Zylker",
        Annual_Revenue: 12.5,
        My_Field: "own",
        Email: null,
        Created_Time,
        Owner: { name: "Patricia Boyle", id: expect.any(String), email: "patricia.boyle@example.com" },
      }),
    ]);
    expect(Date.parse(got.body.data[0].Modified_Time) - Date.parse(Created_Time)).toBe(60_000);

    const removed = await api.call("DELETE", `${LEADS}/${id}`);
    expect([removed.status, removed.body.data]).toEqual([
      200,
      [{ code: "SUCCESS", details: { id }, message: "record deleted", status: "success" }],
    ]);
    expect(await api.call("GET", `${LEADS}/${id}`)).toEqual({ status: 204, body: undefined });
    const deleted = await api.call("GET", `${LEADS}/deleted?type=all`);
    expect(deleted.body.data).toMatchObject([{ id, display_name: "Boyle", type: "recycle" }]);
    expect((await api.call("DELETE", `${LEADS}/${id}`)).body.data).toMatchObject([
      { code: "INVALID_DATA", message: "record not deleted", details: { id } },
    ]);
  });

  it("refers to another by its id, and shows that one's name until it is deleted", async () => {
    const { id } = api.create("crm", "Accounts", { Account_Name: "Acme" });
    const contact = api.create("crm", "Contacts", { Last_Name: "Boyle", Account_Name: { id } });
    expect(contact.Account_Name).toEqual({ name: "Acme", id });
    await api.call("DELETE", `/crm/v8/Accounts/${id}`);
    const { body } = await api.call("GET", `/crm/v8/Contacts/${contact.id}`);
    expect(body.data[0].Account_Name).toBeNull();
  });

  it("ages with the organisation, but not what the user wrote", async () => {
    const [id = ""] = await create({ Last_Name: "Boyle", Number_At: 5 });
    const before = (await api.call("GET", `${LEADS}/${id}`)).body.data[0];
    api.advance(1_800_000);
    const after = (await api.call("GET", `${LEADS}/${id}`)).body.data[0];
    expect(Date.parse(before.Created_Time) - Date.parse(after.Created_Time)).toBe(1_800_000);
    expect(after.Number_At).toBe(5);
  });
});

describe("a write", () => {
  it.each([
    [{}, "MANDATORY_NOT_FOUND", { api_name: "Last_Name", json_path: "$.data[0].Last_Name" }],
    [{ Last_Name: "" }, "MANDATORY_NOT_FOUND", { api_name: "Last_Name" }],
    [{ Last_Name: 5 }, "INVALID_DATA", { api_name: "Last_Name", expected_data_type: "text" }],
    [{ Last_Name: "B", Phone: "5".repeat(31) }, "INVALID_DATA", { api_name: "Phone", maximum_length: 30 }],
    [{ Last_Name: "B", Email: "no address" }, "INVALID_DATA", { api_name: "Email", expected_data_type: "email" }],
    [{ Last_Name: "B", Lead_Source: "Nowhere" }, "INVALID_DATA", { api_name: "Lead_Source" }],
    [{ Last_Name: "B", No_of_Employees: 1.5 }, "INVALID_DATA", { expected_data_type: "integer" }],
    [{ Last_Name: "B", Email_Opt_Out: "yes" }, "INVALID_DATA", { expected_data_type: "boolean" }],
    [{ Last_Name: "B", Owner: { id: "1" } }, "INVALID_DATA", { api_name: "Owner" }],
    ["text", "INVALID_DATA", { expected_data_type: "jsonobject", json_path: "$.data[0]" }],
    [null, "INVALID_DATA", { expected_data_type: "jsonobject" }],
    [{ Last_Name: OBJECT }, "INVALID_DATA", { expected_data_type: "text" }],
    [{ Last_Name: "B", Owner: OBJECT }, "INVALID_DATA", { expected_data_type: "ownerlookup" }],
  ])("of %j is refused", async (item, code, details) => {
    const { status, body } = await api.call("POST", LEADS, { data: [item] });
    expect(status).toBe(400);
    expect(body.data).toEqual([{ code, status: "error", message: expect.any(String), details: expect.anything() }]);
    expect(body.data[0].details).toMatchObject(details);
    expect((await api.call("GET", `${LEADS}/actions/count`)).body).toEqual({ count: 0 });
  });

  it.each([
    ["Contacts", { Last_Name: "B", Account_Name: { id: OBJECT } }, "Account_Name"],
    ["Deals", { Deal_Name: "D", Stage: "Qualification", Closing_Date: OBJECT }, "Closing_Date"],
    ["Contacts", { Last_Name: "B", Account_Name: { id: "5725767000009999999" } }, "Account_Name"],
    ["Deals", { Deal_Name: "D", Stage: "Qualification", Closing_Date: "tomorrow" }, "Closing_Date"],
    ["Calls", { Subject: "C", Call_Type: "Outbound", Call_Start_Time: "2026-01-02T03:04:05.678Z" }, "Call_Start_Time"],
  ])("of a wrong reference, date or time in %s is refused", async (module, item, api_name) => {
    const { body } = await api.call("POST", `/crm/v8/${module}`, { data: [item] });
    expect(body.data).toMatchObject([{ code: "INVALID_DATA", details: { api_name } }]);
  });

  it("of several records answers for each", async () => {
    const answer = await api.call("POST", LEADS, { data: [{ Last_Name: "A" }, {}, { Last_Name: "C" }] });
    expect([answer.status, codesOf(answer)]).toEqual([207, ["SUCCESS", "MANDATORY_NOT_FOUND", "SUCCESS"]]);
    expect(answer.body.data[1].details.json_path).toBe("$.data[1].Last_Name");
    const [first, , third] = answer.body.data.map(({ details }: { details: { id?: string } }) => details.id);
    const data = [{ id: first, City: "Austin" }, { id: OBJECT }, { id: "1", City: "Nowhere" }, { id: third }];
    const changed = await api.call("PUT", LEADS, { data });
    expect(codesOf(changed)).toEqual(["SUCCESS", "MANDATORY_NOT_FOUND", "INVALID_DATA", "SUCCESS"]);
    const removed = await api.call("DELETE", `${LEADS}?ids=${first},1,${third}`);
    expect([removed.status, codesOf(removed)]).toEqual([207, ["SUCCESS", "INVALID_DATA", "SUCCESS"]]);
  });

  it("changes a duplicate or creates a record, if it is an upsert", async () => {
    const [id] = await create({ Last_Name: "Boyle", Email: "boyle@example.com", Phone: "1" });
    const many = Array(11).fill("Email");
    expect((await api.call("POST", `${LEADS}/upsert`, { data: [{}], duplicate_check_fields: many })).status).toBe(400);
    const upsert = (body: object) => api.call("POST", `${LEADS}/upsert`, body);
    const of = ({ body }: Awaited<ReturnType<typeof upsert>>) =>
      body.data.map((each: Record<string, unknown>) => [each.action, each.duplicate_field]);
    const first = await upsert({ data: [{ Last_Name: "B", Email: "BOYLE@example.com" }, { Last_Name: "New" }] });
    expect([first.status, of(first)]).toEqual([
      200,
      [
        ["update", "Email"],
        ["insert", null],
      ],
    ]);
    expect(first.body.data[0].details.id).toBe(id);
    const second = await upsert({ data: [{ Phone: "1", City: "Austin" }], duplicate_check_fields: ["City", "Phone"] });
    expect(of(second)).toEqual([["update", "Phone"]]);
    const twice = { Last_Name: "Twice", Email: "twice@example.com" };
    expect(of(await upsert({ data: [twice, twice] }))).toEqual([
      ["insert", null],
      ["update", "Email"],
    ]);
    expect((await api.call("GET", `${LEADS}/actions/count`)).body).toEqual({ count: 3 });
  });

  it.each([
    ["broken JSON", "{", 400, "INVALID_DATA"],
    ["no body", undefined, 400, "INVALID_DATA"],
    ["a list", [], 400, "INVALID_DATA"],
    ["no data", {}, 400, "MANDATORY_NOT_FOUND"],
    ["data that is not a list", { data: {} }, 400, "INVALID_DATA"],
    ["an empty list", { data: [] }, 400, "INVALID_DATA"],
    ["more than a hundred records", { data: Array(101).fill({ Last_Name: "B" }) }, 400, "INVALID_DATA"],
    ["a thousand levels", `{"data":${"[".repeat(1000)}${"]".repeat(1000)}}`, 400, "INVALID_DATA"],
  ])("with %s gets Zoho's error", async (_, body, status, code) => {
    expect(await api.call("POST", LEADS, body)).toMatchObject({ status, body: { code, status: "error" } });
  });
});

describe("a list", () => {
  it("has pages of the newest records with the fields that were asked for", async () => {
    const ids = await create(...["A", "B", "C"].map((Last_Name) => ({ Last_Name })));
    const list = (query: string) => api.call("GET", `${LEADS}?fields=Last_Name${query}`);
    expect(await list("&per_page=2")).toEqual({
      status: 200,
      body: {
        data: [
          { id: ids[2], Last_Name: "C" },
          { id: ids[1], Last_Name: "B" },
        ],
        info: {
          ...{ call: false, per_page: 2, count: 2, page: 1, sort_by: "id", sort_order: "desc", email: false },
          ...{ next_page_token: expect.any(String), page_token_expiry: expect.any(String), previous_page_token: null },
          more_records: true,
        },
      },
    });
    expect((await list("&per_page=2&page=2")).body.info).toMatchObject({ count: 1, more_records: false });
    expect((await list("&page=2")).status).toBe(204);
    expect(namesOf(await list(`&ids=${ids[0]},1`))).toEqual(["A"]);
    clock.advance(60_000);
    await api.call("PUT", LEADS, { data: [{ id: ids[1], City: "Austin" }] });
    expect(namesOf(await list("&sort_by=Modified_Time"))).toEqual(["B", "C", "A"]);
    expect(namesOf(await list("&sort_order=asc"))).toEqual(["A", "B", "C"]);
    const since = (ms: number) => ({ "if-modified-since": new Date(clock.now().getTime() + ms).toISOString() });
    const path = `${LEADS}?fields=Last_Name`;
    expect(namesOf(await api.call("GET", path, undefined, since(-1)))).toEqual(["B"]);
    expect((await api.call("GET", path, undefined, since(1))).status).toBe(304);
  });

  it.each([
    ["", "REQUIRED_PARAM_MISSING", { param_name: "fields" }],
    ["?fields=Last_Name&page=0", "INVALID_DATA", { param_name: "page" }],
    ["?fields=Last_Name&per_page=201", "INVALID_DATA", { param_name: "per_page" }],
  ])("with the query %j is refused", async (query, code, details) => {
    expect(await api.call("GET", `${LEADS}${query}`)).toMatchObject({ status: 400, body: { code, details } });
  });

  it("needs no fields in version 2, whose clients end queries with &", async () => {
    await create({ Last_Name: "A" });
    expect(namesOf(await api.call("GET", "/crm/v2/Leads?page=1&"))).toEqual(["A"]);
  });
});

describe("a search", () => {
  beforeEach(async () => {
    await create(
      { Last_Name: "Boyle", Email: "boyle@example.com", City: "Austin", Annual_Revenue: 5, Phone: "555-0100" },
      { Last_Name: "Burns, B", Company: "Acme (US)", City: "Boston", Annual_Revenue: 50 },
      { Last_Name: "Carr", City: "Austin", Annual_Revenue: 500, Lead_Source: "Trade Show" },
    );
  });
  const search = (query: Record<string, string>) => api.call("GET", `${LEADS}/search?${new URLSearchParams(query)}`);

  const reasonOf = async (criteria: string): Promise<unknown> => {
    const { status, body } = await search({ criteria });
    expect([status, body.code]).toEqual([400, "INVALID_QUERY"]);
    return body.details.reason;
  };

  it.each([
    ["(Last_Name:equals:boyle)", ["Boyle"]],
    ["(Last_Name:equals:Burns\\, B)", ["Burns, B"]],
    ["(Company:equals:Acme \\(US\\))", ["Burns, B"]],
    ["(Last_Name:not_equal:Boyle)", ["Carr", "Burns, B"]],
    ["(Last_Name:starts_with:B)", ["Burns, B", "Boyle"]],
    ["(Last_Name:in:Boyle,Carr)", ["Carr", "Boyle"]],
    ["(Annual_Revenue:greater_than:50)", ["Carr"]],
    ["(Annual_Revenue:greater_equal:50)", ["Carr", "Burns, B"]],
    ["(Annual_Revenue:less_than:50)", ["Boyle"]],
    ["(Annual_Revenue:less_equal:50)", ["Burns, B", "Boyle"]],
    ["(Annual_Revenue:between:5,50)", ["Burns, B", "Boyle"]],
    ["(Created_Time:greater_than:2020-01-01T00:00:00+00:00)", ["Carr", "Burns, B", "Boyle"]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as Zoho writes it.
    ["(Company:equals:${EMPTY})", ["Carr", "Boyle"]],
    ["((City:equals:Austin) and (Annual_Revenue:less_than:50))", ["Boyle"]],
    ["(City:equals:Austin)and(Annual_Revenue:less_than:50)", ["Boyle"]],
    ["((Last_Name:equals:Carr) or ((City:equals:Boston) and (Annual_Revenue:equals:50)))", ["Carr", "Burns, B"]],
    ["(Nothing:equals:x)", []],
    ["(__proto__:equals:x)", []],
  ])("for %s finds its records", async (criteria, names) => {
    const answer = await search({ criteria });
    expect([answer.status, namesOf(answer)]).toEqual([names.length === 0 ? 204 : 200, names]);
  });

  it.each([
    ["Last_Name:equals:Boyle", "an opening bracket is missing"],
    ["(Last_Name:equals:Boyle", "a closing bracket is missing"],
    ["(Last_Name:equals:Boyle))", "text behind the criteria"],
    ["(Last_Name:sounds_like:Boyle)", "invalid operator found"],
    ["(Last_Name:constructor:Boyle)", "invalid operator found"],
    ["(Last_Name)", "not a field, an operator and a value"],
    ["((Last_Name:equals:A) and )", "a closing bracket is missing"],
  ])("for %s is refused", async (criteria, reason) => {
    expect(await reasonOf(criteria)).toBe(reason);
  });

  it("that never ends is refused", async () => {
    expect(await reasonOf("(".repeat(5000))).toBe("too many brackets");
    expect(await reasonOf(Array(11).fill("(Last_Name:equals:A)").join("or"))).toBe("more than 10 conditions");
    expect(await reasonOf(`(Last_Name:equals:${"\\".repeat(5000)}`)).toBe("a closing bracket is missing");
    expect(await reasonOf(`(Last_Name:equals:A)${" ".repeat(10_000)}and`)).toBe("text behind the criteria");
  });

  it("for the name or id of a record that others refer to finds these", async () => {
    const { id } = api.create("crm", "Accounts", { Account_Name: "Acme" });
    const contact = api.create("crm", "Contacts", { Last_Name: "Boyle", Account_Name: { id } });
    api.create("crm", "Contacts", { Last_Name: "Carr" });
    for (const condition of [
      `Account_Name:equals:${id}`,
      `Account_Name.id:equals:${id}`,
      "Account_Name.name:equals:acme",
    ]) {
      const { body } = await api.call("GET", `/crm/v8/Contacts/search?criteria=(${condition})`);
      expect(body.data.map((each: { id: string }) => each.id)).toEqual([contact.id]);
    }
  });

  it("by email, phone and word finds its records", async () => {
    expect(namesOf(await search({ email: "Boyle@example.com" }))).toEqual(["Boyle"]);
    expect(namesOf(await search({ phone: "555-0100" }))).toEqual(["Boyle"]);
    expect(namesOf(await search({ word: "austin" }))).toEqual(["Carr", "Boyle"]);
    expect((await search({})).body.code).toBe("REQUIRED_PARAM_MISSING");
  });
});

describe("an access token", () => {
  it.each([
    ["ZohoCRM.modules.READ", "GET", "/crm/v8/Leads?fields=Email", true],
    ["ZohoCRM.modules.leads.READ", "GET", "/crm/v8/Leads?fields=Email", true],
    ["ZohoCRM.modules.salesorders.ALL", "GET", "/crm/v8/Sales_Orders?fields=Subject", true],
    ["ZohoCRM.modules.contacts.READ", "GET", "/crm/v8/Leads?fields=Email", false],
    ["ZohoCRM.modules.READ", "POST", "/crm/v8/Leads", false],
    ["ZohoCRM.modules.CREATE", "POST", "/crm/v8/Leads", true],
    ["ZohoCRM.modules.CREATE", "PUT", "/crm/v8/Leads", false],
    ["ZohoCRM.modules.WRITE", "PUT", "/crm/v8/Leads", true],
    ["ZohoCRM.modules.WRITE", "DELETE", "/crm/v8/Leads?ids=1", false],
    ["ZohoCRM.settings.READ", "GET", "/crm/v8/settings/modules", true],
    ["ZohoCRM.settings.modules.READ", "GET", "/crm/v8/settings/modules", true],
    ["ZohoCRM.settings.modules.READ", "GET", "/crm/v8/settings/fields?module=Leads", false],
    ["ZohoCRM.users.READ", "GET", "/crm/v8/users?type=CurrentUser", true],
    ["ZohoCRM.users.READ", "GET", "/crm/v8/org", false],
    ["ZohoBigin.modules.ALL", "GET", "/bigin/v2/Contacts?fields=Email", true],
    ["ZohoBigin.modules.ALL", "GET", "/crm/v8/Contacts?fields=Email", false],
    ["ZohoRecruit.modules.READ", "GET", "/recruit/v2/Candidates", true],
  ])("with %s: %s %s", async (scope, method, path, allowed) => {
    const body = method === "GET" || method === "DELETE" ? undefined : { data: [{ Last_Name: "B" }] };
    const answer = await api.callWith(scope)(method, path, body);
    const refused = answer.status === 401 && answer.body.code === "OAUTH_SCOPE_MISMATCH";
    expect(refused).toBe(!allowed);
  });
});

describe("the rest of the API", () => {
  it("describes modules, fields, users and the organisation", async () => {
    const { modules } = (await api.call("GET", "/crm/v8/settings/modules")).body;
    expect(modules).toHaveLength(20);
    expect(modules[0]).toMatchObject({ api_name: "Leads", api_supported: true, generated_type: "default" });
    expect((await api.call("GET", "/crm/v8/settings/modules/Deals")).body.modules).toMatchObject([
      { api_name: "Deals", id: "554023000000000131", singular_label: "Deal" },
    ]);
    const { fields } = (await api.call("GET", "/crm/v8/settings/fields?module=Deals")).body;
    expect(fields).toContainEqual(
      expect.objectContaining({ api_name: "Stage", data_type: "picklist", system_mandatory: true, lookup: {} }),
    );
    expect(fields).toContainEqual(
      expect.objectContaining({
        data_type: "lookup",
        lookup: { api_name: "Account_Name", module: { api_name: "Accounts" } },
      }),
    );
    expect(new Set(fields.map(({ id }: { id: string }) => id)).size).toBe(fields.length);
    expect((await api.call("GET", "/crm/v8/users?type=CurrentUser")).body.users).toMatchObject([{ status: "active" }]);
    expect((await api.call("GET", "/crm/v8/org")).body.org).toMatchObject([{ company_name: "Acme" }]);
  });

  it.each([
    ["GET", "/crm/v8/Nonsense?fields=x", 400, "INVALID_MODULE"],
    ["GET", "/crm/v8/Candidates?fields=x", 400, "INVALID_MODULE"],
    ["GET", "/crm/v8/constructor", 404, "INVALID_URL_PATTERN"],
    ["GET", "/crm/v8/__proto__/1", 404, "INVALID_URL_PATTERN"],
    ["GET", "/crm/v8/Leads/__proto__", 404, "INVALID_URL_PATTERN"],
    ["GET", "/crm/v8/Leads/1/Emails", 404, "INVALID_URL_PATTERN"],
    ["GET", "/crm/v8/settings/roles", 404, "INVALID_URL_PATTERN"],
    ["GET", "/crm/v8/settings/fields", 400, "REQUIRED_PARAM_MISSING"],
    ["GET", "/crm/v8/settings/fields?module=__proto__", 400, "INVALID_MODULE"],
    ["PATCH", "/crm/v8/Leads", 400, "INVALID_REQUEST_METHOD"],
    ["POST", "/crm/v8/users", 400, "INVALID_REQUEST_METHOD"],
    ["DELETE", "/crm/v8/Leads", 400, "REQUIRED_PARAM_MISSING"],
  ])("answers %s %s with %i %s", async (method, path, status, code) => {
    expect(await api.call(method, path)).toMatchObject({ status, body: { code } });
  });
});

describe("a hostile client", () => {
  it("writes names of Object.prototype without changing it", async () => {
    const data = `{"data":[{"Last_Name":"B","__proto__":{"polluted":1},"constructor":"own","toString":"own","$own":1}]}`;
    const { body } = await api.call("POST", LEADS, data);
    const [record] = (await api.call("GET", `${LEADS}/${body.data[0].details.id}`)).body.data;
    expect([record.constructor, record.toString]).toEqual(["own", "own"]);
    expect(["__proto__", "$own"].filter((name) => Object.hasOwn(record, name))).toEqual([]);
    expect("polluted" in {}).toBe(false);
    expect((await api.call("PUT", LEADS, `{"data":[{"id":"__proto__"}]}`)).body.data[0].code).toBe("INVALID_DATA");
    expect((await api.call("DELETE", `${LEADS}?ids=__proto__,constructor`)).status).toBe(400);
  });

  it("posts 5 MB of one record, and a list with as many fields", async () => {
    const size = 5 * 1024 * 1024 - 100;
    const long = await api.call("POST", LEADS, { data: [{ Last_Name: "x".repeat(size) }] });
    expect(long.body.data[0].details.maximum_length).toBe(255);
    const many = Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`f${i}`, 1]));
    const startedAt = performance.now();
    const answer = await api.call("POST", LEADS, { data: [{ Last_Name: "B", ...many }] });
    expect(codesOf(answer)).toEqual(["SUCCESS"]);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    const tooLong = await fetch(`${api.url}${LEADS}`, { method: "POST", body: "x".repeat(size + 1000) }).catch(
      () => undefined,
    );
    expect([413, undefined]).toContain(tooLong?.status);
    expect((await api.call("GET", `${LEADS}/actions/count`)).body).toEqual({ count: 1 });
  });

  it("posts a form that never ends", async () => {
    const headers = { "content-type": "multipart/form-data; boundary=x" };
    for (const part of ['name="a"\r\n', 'name="a"\r\n\r\n', "--x\r\n", '--x name="', "\r\n\r\n"]) {
      const body = part.repeat(1_000_000 / part.length);
      const startedAt = performance.now();
      const answer = await fetch(`${api.url}/oauth/v2/token`, { method: "POST", headers, body });
      expect(await answer.json()).toEqual({ error: "invalid_client" });
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    }
  });
});
