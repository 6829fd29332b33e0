import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CrmService } from "../../src/emulator/services/crm/index.ts";
import { type EmulatorApi, openEmulatorApi } from "../support/emulator-api.ts";
import { TestClock } from "../support/test-clock.ts";

const SCOPES = ["ZohoCRM.modules.ALL", "ZohoCRM.settings.ALL", "ZohoBigin.modules.ALL"];
let clock: TestClock;
let api: EmulatorApi;
let notes: string[];
beforeEach(async () => {
  clock = new TestClock();
  notes = [];
  api = await openEmulatorApi(SCOPES, { now: clock.now, onNote: (message) => notes.push(message) });
});
afterEach(() => api.close());

const list = (query: string, version = "v8") => api.call("GET", `/crm/${version}/Leads?${query}`);
const fill = (count: number): void => {
  for (let i = 0; i < count; i++) api.create("crm", "Leads", { Last_Name: `L${i}` });
};

describe("pages of records", () => {
  it("end at 2,000 records without a page token, and go on with one", async () => {
    fill(2250);
    expect(await list("fields=Last_Name&page=11")).toMatchObject({
      status: 400,
      body: { code: "DISCRETE_PAGINATION_LIMIT_EXCEEDED", details: { limit: 2000 } },
    });
    // Version 2 documents no limit, and has no tokens.
    expect((await list("page=11", "v2")).body.info).toEqual({
      per_page: 200,
      count: 200,
      page: 11,
      more_records: true,
    });
    const names = new Set<string>();
    let token = "";
    let pages = 0;
    do {
      const { body } = await list(`fields=Last_Name${token && `&page_token=${token}`}`);
      for (const { Last_Name } of body.data) names.add(Last_Name);
      token = body.info.next_page_token ?? "";
      pages++;
    } while (token !== "");
    expect([names.size, pages]).toEqual([2250, 12]);
  });

  it("refuse a page token with other parameters, with a page, after a day, and of another's making", async () => {
    fill(3);
    const token: string = (await list("fields=Last_Name&per_page=2")).body.info.next_page_token;
    const codeOf = async (query: string) => (await list(query)).body.code;
    expect(await codeOf(`fields=City&per_page=2&page_token=${token}`)).toBe("TOKEN_BOUND_DATA_MISMATCH");
    expect(await codeOf("fields=Last_Name&per_page=2&page_token=x")).toBe("TOKEN_BOUND_DATA_MISMATCH");
    expect(await codeOf(`fields=Last_Name&per_page=2&page=2&page_token=${token}`)).toBe("AMBIGUITY_DURING_PROCESSING");
    expect((await list(`per_page=2&page_token=${token}&fields=Last_Name`)).body.data).toHaveLength(1);
    clock.advance(86_400_000);
    expect(await codeOf(`fields=Last_Name&per_page=2&page_token=${token}`)).toBe("EXPIRED_VALUE");
  });

  it("take at most 50 fields, and are sorted by three fields only", async () => {
    fill(1);
    const fields = (count: number) => Array.from({ length: count }, (_, i) => `F${i}`).join(",");
    expect((await list(`fields=${fields(50)}`)).status).toBe(200);
    expect((await list(`fields=${fields(51)}`)).body).toMatchObject({ code: "LIMIT_EXCEEDED" });
    expect((await list("fields=Last_Name&sort_by=Last_Name")).status).toBe(400);
    expect((await list(`fields=${fields(51)}&sort_by=Last_Name`, "v2")).status).toBe(200);
  });
});

it("a parameter that narrows and is not modelled is 501 with the command that answers it, and any other is named once", async () => {
  fill(1);
  expect(await list("fields=Last_Name&cvid=1")).toMatchObject({
    status: 501,
    body: {
      code: "NOT_SUPPORTED",
      message: expect.stringMatching(
        /the parameter cvid of GET \/crm\/v8\/Leads\. To answer it yourself: curl -d '\{.*"\/crm\/v8\/Leads".*\}' http:/,
      ),
    },
  });
  expect(api.requests.items.at(-1)?.lacks).toBe("the parameter cvid of GET /crm/v8/Leads");
  for (let i = 0; i < 2; i++) expect((await list("fields=Last_Name&trace=true")).status).toBe(200);
  expect(notes).toEqual(["the parameter trace of GET /crm/v8/Leads changes nothing here"]);
});

it("no record is converted or waits for approval, and the flags select by that", async () => {
  fill(1);
  const count = async (flag: string) => (await list(`fields=id&${flag}`)).body?.data?.length ?? 0;
  const flags = ["converted=true", "converted=false", "converted=both", "approved=true", "approved=false"];
  expect(await Promise.all(flags.map(count))).toEqual([0, 1, 1, 1, 0]);
  expect((await list("fields=id&include_child=true")).status).toBe(501);
});

it("deleted records are those since the time of the header, of one of three types", async () => {
  fill(2);
  const [first, second] = (await list("fields=id")).body.data.map(({ id }: { id: string }) => id);
  await api.call("DELETE", `/crm/v8/Leads/${first}`);
  clock.advance(60_000);
  await api.call("DELETE", `/crm/v8/Leads/${second}`);
  const since = { "if-modified-since": new Date(clock.now().getTime() - 1000).toISOString() };
  const deleted = async (query = "", headers = {}) =>
    api.call("GET", `/crm/v8/Leads/deleted${query}`, undefined, headers);
  expect((await deleted()).body.data).toHaveLength(2);
  expect((await deleted("", since)).body.data).toMatchObject([{ id: second }]);
  expect((await deleted("?type=permanent")).status).toBe(204);
  expect((await deleted("?type=Leads")).body.code).toBe("PATTERN_NOT_MATCHED");
});

it("a search of Sign's requests is not modelled", async () => {
  const data = encodeURIComponent('{"page_context":{"row_count":1,"search_columns":{"request_name":"a"}}}');
  const call = api.callWith("ZohoSign.documents.READ");
  expect(await call("GET", `/api/v1/requests?data=${data}`)).toMatchObject({ status: 501, body: { code: 9004 } });
});

describe("a field that the emulator does not know", () => {
  it("is kept, and named once", async () => {
    for (let i = 0; i < 2; i++) api.create("crm", "Leads", { Last_Name: "Doe", Emial: "a@example.com" });
    expect((await list("fields=Emial")).body.data[0].Emial).toBe("a@example.com");
    expect(notes).toEqual(["Leads has no field Emial; if it is yours, put it in the seed"]);
  });

  it("is dropped with SUCCESS where the organisation has listed the module's fields", async () => {
    const { modules } = api.organisation.service("crm") as CrmService;
    modules.declare("crm", "Leads", [{ api_name: "Referrer", data_type: "text" }]);
    const { body } = await api.call("POST", "/crm/v8/Leads", {
      data: [{ Last_Name: "Doe", Emial: "a@example.com", Referrer: "Roe" }],
    });
    expect(body.data[0].code).toBe("SUCCESS");
    const [lead] = (await api.call("GET", `/crm/v8/Leads/${body.data[0].details.id}`)).body.data;
    expect([lead.Referrer, "Emial" in lead, notes]).toEqual(["Roe", false, []]);
    const { body: metadata } = await api.call("GET", "/crm/v8/settings/fields?module=Leads");
    expect(metadata.fields.at(-1)).toMatchObject({ api_name: "Referrer", custom_field: true });
    modules.declare("crm", "Deliveries", []);
    expect((await api.call("POST", "/crm/v8/Deliveries", { data: [{ Name: "n" }] })).status).toBe(201);
  });
});

it.each([
  ["/crm/v8/Leads", { code: "INVALID_TOKEN", status: "error" }],
  ["/api/v1/tickets", { errorCode: "INVALID_OAUTH" }],
  ["/books/v3/contacts", { code: 57 }],
  ["/api/v1/requests", { code: 9041, status: "failure" }],
])("%s words a wrong token, a fault and a limit as its product does", async (path, body) => {
  const headers = { authorization: "Zoho-oauthtoken 1000.wrong" };
  const answer = async () => {
    const response = await fetch(api.url + path, { headers });
    return { status: response.status, headers: response.headers, body: Object(await response.json()) };
  };
  expect(await answer()).toMatchObject({ status: 401, body });
  api.faults.requests.add((fail) => fail("tooMany"));
  const limited = await answer();
  expect([limited.status, Object.keys(limited.body)]).toEqual([429, Object.keys((await answer()).body)]);
  const limits = ["x-api-credits-remaining", "x-rate-limit-remaining-v3"].map((name) => limited.headers.get(name));
  expect(limits.filter((value) => value !== null)).toEqual(
    path.startsWith("/crm") || path === "/api/v1/tickets" ? ["0"] : [],
  );
});
