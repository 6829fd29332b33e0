import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CrmService } from "../../src/emulator/services/crm/index.ts";
import { type EmulatorApi, openEmulatorApi } from "../support/emulator-api.ts";
import { startTarget } from "../support/target.ts";

const SCOPES = ["modules", "settings", "users", "coql", "notifications"].map((each) => `ZohoCRM.${each}.ALL`);
let api: EmulatorApi;
let notes: string[];
beforeEach(async () => {
  notes = [];
  api = await openEmulatorApi(SCOPES, { onNote: (message) => notes.push(message) });
});
afterEach(() => api.close());

describe("COQL", () => {
  let accountId: string;
  beforeEach(() => {
    accountId = api.create("crm", "Accounts", { Account_Name: "Acme", Website: "acme.example" }).id;
    for (const [Last_Name, Mailing_City, linked] of [
      ["Ames", "Austin", true],
      ["Burns", "Boston", false],
      ["O'Neil", null, true],
    ] as const)
      api.create("crm", "Contacts", {
        Last_Name,
        Mailing_City,
        ...(linked && { Account_Name: { id: accountId } }),
      });
  });
  const coql = (select_query: string, version = "v8") => api.call("POST", `/crm/${version}/coql`, { select_query });
  const names = async (where: string) =>
    ((await coql(`select Last_Name from Contacts ${where}`)).body?.data ?? []).map(
      ({ Last_Name }: { Last_Name: string }) => Last_Name,
    );

  it.each([
    ["where Last_Name = 'ames'", ["Ames"]],
    ["where Last_Name = 'O''Neil'", ["O'Neil"]],
    ["WHERE Last_Name != 'Ames' ORDER BY Last_Name DESC", ["O'Neil", "Burns"]],
    ["where Last_Name like 'B%'", ["Burns"]],
    ["where Last_Name not like '%n%'", ["Ames"]],
    ["where Last_Name in ('Ames', 'Burns')", ["Ames", "Burns"]],
    ["where Last_Name not in ('Ames', 'Burns')", ["O'Neil"]],
    ["where Last_Name between 'B' and 'C'", ["Burns"]],
    ["where Mailing_City is null", ["O'Neil"]],
    ["where Mailing_City is not null limit 1, 1", ["Burns"]],
    ["where id is not null order by Last_Name asc limit 2 offset 1", ["Burns", "O'Neil"]],
    ["where ((Mailing_City = 'Austin' or Mailing_City = 'Boston') and Last_Name > 'B')", ["Burns"]],
    ["where Account_Name.Account_Name = 'Acme' and Account_Name.Website like 'acme%'", ["Ames", "O'Neil"]],
    ["where Created_Time > '2000-01-01T00:00:00+00:00' and Owner.name like 'Patricia%'", ["Ames", "Burns", "O'Neil"]],
    ["where Last_Name = 'Nobody'", []],
  ])("selects contacts %s as %j", async (where, expected) => {
    expect(await names(where)).toEqual(expected);
  });

  it("answers the columns with the id, and how many there are", async () => {
    const query = "select Account_Name.Website, Owner.name from Contacts where id is not null limit 2";
    expect(await coql(query)).toMatchObject({
      status: 200,
      body: {
        data: [
          { "Account_Name.Website": "acme.example", "Owner.name": "Patricia Boyle", id: expect.any(String) },
          { "Account_Name.Website": null },
        ],
        info: { count: 2, more_records: true },
      },
    });
    expect((await coql("select id from Contacts where Last_Name = 'Nobody'")).status).toBe(204);
  });

  it.each([
    ["select id from Contacts", "SYNTAX_ERROR", { clause: "where" }],
    ["select id Contacts where id is null", "SYNTAX_ERROR", { near: "Contacts" }],
    ["select id from Contacts where id = 1 and id = 2 and id = 3", "SYNTAX_ERROR", { near: "and" }],
    ["select id from Contacts where id ~ 1", "SYNTAX_ERROR", { near: "~" }],
    ["select id from Contacts where id is null limit 2001", "INVALID_QUERY", {}],
    ["select id from Contacts where id is null limit 0", "INVALID_DATA", {}],
    ["select id from Nothing where id is null", "INVALID_MODULE", {}],
  ])("refuses %s", async (query, code, details) => {
    expect(await coql(query)).toMatchObject({ status: 400, body: { code, details } });
  });

  it("has the limits of its version, its own scope, and no aggregates", async () => {
    expect((await coql("select id from Contacts where id is not null limit 2000")).status).toBe(200);
    expect((await coql("select id from Contacts where id is not null limit 201", "v3")).status).toBe(400);
    const select_query = "select id from Contacts where id is not null";
    const other = api.callWith("ZohoCRM.modules.ALL");
    expect((await other("POST", "/crm/v8/coql", { select_query })).body.code).toBe("OAUTH_SCOPE_MISMATCH");
    const counted = await coql("select COUNT(id) from Contacts where id is not null group by City");
    expect([counted.status, api.requests.items.at(-1)?.lacks]).toEqual([501, "COUNT() of POST /crm/v8/coql"]);
    expect((await api.call("POST", "/crm/v8/coql", {})).body.code).toBe("MANDATORY_NOT_FOUND");
  });

  it("names an unknown column, and refuses it once the module's fields are listed", async () => {
    expect((await coql("select Emial from Contacts where id is not null")).status).toBe(200);
    expect(notes).toEqual(["Contacts has no field Emial; if it is yours, put it in the seed"]);
    (api.organisation.service("crm") as CrmService).modules.declare("crm", "Contacts", []);
    expect((await coql("select Emial from Contacts where id is not null")).body.code).toBe("INVALID_QUERY");
    expect((await coql("select id from Contacts where Emial = 'a'")).body.code).toBe("INVALID_QUERY");
    expect((await api.call("GET", "/crm/v8/Contacts/search?criteria=(Emial:equals:a)")).body.code).toBe(
      "INVALID_QUERY",
    );
  });
});

describe("notes and related lists", () => {
  it("belong to a record", async () => {
    const lead = api.create("crm", "Leads", { Last_Name: "Doe" }).id;
    const note = (data: object, path = "Notes") => api.call("POST", `/crm/v8/${path}`, { data: [data] });
    const parent = { Parent_Id: { module: { api_name: "Leads" }, id: lead } };
    const made = await note({ ...parent, Note_Title: "T", Note_Content: "C" });
    expect([made.status, made.body.data[0].code]).toEqual([201, "SUCCESS"]);
    expect((await note({ Note_Content: "D" }, `Leads/${lead}/Notes`)).status).toBe(201);
    // As version 2 has it.
    expect((await note({ Parent_Id: lead, se_module: "Leads", Note_Content: "E" })).status).toBe(201);
    expect((await note({ Parent_Id: "1", Note_Content: "D" })).body.data[0].code).toBe("INVALID_DATA");
    const { body } = await api.call("GET", `/crm/v8/Leads/${lead}/Notes?fields=Note_Content,Parent_Id`);
    expect(body.data.map(({ Note_Content }: { Note_Content: string }) => Note_Content)).toEqual(["E", "D", "C"]);
    expect(body.data[0].Parent_Id).toMatchObject({ module: { api_name: "Leads" }, name: "Doe", id: lead });
    expect(notes).toEqual([]);
    const { id } = made.body.data[0].details;
    expect((await api.call("DELETE", `/crm/v8/Notes/${id}`)).status).toBe(200);
    expect((await api.call("GET", `/crm/v2/Leads/${lead}/Notes`)).body.data).toHaveLength(2);
  });

  it("are those of all modules that refer to it, and are not watched as notes", async () => {
    const { id } = api.create("crm", "Accounts", { Account_Name: "Acme" });
    api.create("crm", "Contacts", { Last_Name: "Roe", Account_Name: { id } });
    api.create("crm", "Tasks", { Subject: "Call", What_Id: { id } });
    const list = async (name: string) => api.call("GET", `/crm/v8/Accounts/${id}/${name}?fields=id`);
    expect((await list("Contacts")).body.data).toHaveLength(1);
    expect((await list("tasks")).body.data).toHaveLength(1);
    expect((await list("Deals")).status).toBe(204);
    expect((await list("Emails")).status).toBe(404);
    const { related_lists } = (await api.call("GET", "/crm/v8/settings/related_lists?module=Accounts")).body;
    const names = related_lists.map(({ api_name }: { api_name: string }) => api_name);
    expect(names).toEqual(expect.arrayContaining(["Contacts", "Deals", "Notes", "Tasks"]));
    const app = await startTarget();
    const watch = [{ channel_id: "1", events: ["Notes.create"], notify_url: app.url }];
    expect((await api.call("POST", "/crm/v8/actions/watch", { watch })).body.watch[0].code).toBe("INVALID_MODULE");
    await app.close();
  });
});

describe("tags", () => {
  it("are made by name, on records and alone", async () => {
    const lead = api.create("crm", "Leads", { Last_Name: "Doe", Tag: [{ name: "hot" }] }).id;
    expect((await api.call("POST", "/crm/v8/settings/tags?module=Leads", { tags: [{ name: "cold" }] })).status).toBe(
      201,
    );
    const again = await api.call("POST", "/crm/v8/settings/tags?module=Leads", { tags: [{ name: "COLD" }] });
    expect([again.status, again.body.tags[0].code]).toEqual([400, "DUPLICATE_DATA"]);
    const { tags } = (await api.call("GET", "/crm/v8/settings/tags?module=Leads")).body;
    expect(tags.map(({ name }: { name: string }) => name)).toEqual(["hot", "cold"]);
    const tagsOf = async () =>
      (await api.call("GET", `/crm/v8/Leads/${lead}`)).body.data[0].Tag.map(({ name }: { name: string }) => name);
    const add = { tags: [{ name: "cold" }], ids: [lead], over_write: false };
    expect((await api.call("POST", "/crm/v8/Leads/actions/add_tags", add)).body.data[0]).toMatchObject({
      code: "SUCCESS",
      details: { id: lead, tags: [{ name: "hot" }, { name: "cold", id: tags[1].id }] },
    });
    await api.call("POST", `/crm/v2/Leads/${lead}/actions/add_tags?tag_names=new`);
    expect(await tagsOf()).toEqual(["hot", "cold", "new"]);
    await api.call("POST", `/crm/v8/Leads/${lead}/actions/remove_tags`, { tags: [{ name: "hot" }] });
    await api.call("POST", `/crm/v8/Leads/${lead}/actions/add_tags`, { tags: [{ name: "one" }], over_write: true });
    expect(await tagsOf()).toEqual(["one"]);
    const missing = await api.call("POST", "/crm/v8/Leads/1/actions/add_tags", { tags: [{ name: "one" }] });
    expect([missing.status, missing.body.data[0].code]).toEqual([400, "INVALID_DATA"]);
    expect((await api.call("DELETE", `/crm/v8/settings/tags/${tags[0].id}`)).status).toBe(200);
    expect((await api.call("GET", "/crm/v8/settings/tags?module=Deals")).status).toBe(204);
  });
});

describe("metadata", () => {
  it("has a layout with all fields, and for each what connectors require", async () => {
    const { layouts } = (await api.call("GET", "/crm/v8/settings/layouts?module=purchase_orders")).body;
    expect(layouts[0].sections[0].api_name).toBe("Purchase Orders Information".replace("Orders", "Order"));
    expect((await api.call("GET", `/crm/v8/settings/layouts/${layouts[0].id}?module=Purchase_Orders`)).status).toBe(
      200,
    );
    const { fields } = (await api.call("GET", "/crm/v2/settings/fields?module=Leads")).body;
    const ids = new Set(fields.map(({ id }: { id: string }) => id));
    expect(ids.size).toBe(fields.length);
    for (const field of fields)
      expect(Object.keys(field)).toEqual(
        expect.arrayContaining(["api_name", "display_label", "data_type", "json_type", "length", "decimal_place"]),
      );
  });

  it("says who has signed in", async () => {
    const info = async (scope: string) => {
      const authorization = `Bearer ${api.accounts.makeAccessToken([scope])}`;
      const response = await fetch(`${api.url}/oauth/user/info`, { headers: { authorization } });
      return { status: response.status, body: await response.json() };
    };
    expect(await info("aaaserver.profile.read")).toMatchObject({ status: 200, body: { First_Name: "Patricia" } });
    expect((await info("ZohoCRM.users.READ")).status).toBe(401);
  });
});
