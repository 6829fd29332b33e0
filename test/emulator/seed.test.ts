import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Emulator, type EmulatorOptions, openEmulator } from "../../src/emulator/emulator.ts";
import { emptyState } from "../../src/emulator/services/index.ts";
import { usageError } from "../../src/util/errors.ts";
import { startTarget } from "../support/target.ts";

const packageRoot = fileURLToPath(new URL("../..", import.meta.url));

async function opened(content: unknown, options: Partial<EmulatorOptions> = {}): Promise<Emulator> {
  const error = (keys: readonly PropertyKey[], message: string, hint?: string) =>
    usageError(`${keys.join(".")}: ${message}`, hint);
  const emulator = await openEmulator({ port: 0, packageRoot, env: {}, seed: { content, error }, ...options });
  onTestFinished(() => emulator.close());
  return emulator;
}

async function call({ url, organisation: { accounts } }: Emulator, path: string, scopes: readonly string[]) {
  const authorization = `Zoho-oauthtoken ${accounts.makeAccessToken(scopes)}`;
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect in it
  return (await (await fetch(url + path, { headers: { authorization } })).json()) as any;
}

const storeOf = ({ organisation: { stores } }: Emulator, product: string) => {
  const found = stores.find((each) => each.product === product);
  if (found === undefined) throw new Error(product);
  return found;
};

const hookTo = (url: string) => ({
  crm: { channels: [{ channel_id: "1000000068001", events: ["Leads.all"], notify_url: `${url}/crm`, token: "t0ken" }] },
  desk: { webhooks: [{ name: "w", url: `${url}/desk`, subscriptions: { Contact_Add: null } }] },
  books: {
    webhooks: [
      { webhook_name: "w", entity: "item", method: "POST", url: `${url}/books` },
      { webhook_name: "w", entity: "item", method: "POST", url: `${url}/deleted`, rules: ["delete"] },
    ],
  },
  sign: {
    webhooks: [
      {
        ...{
          webhook_url: `${url}/sign`,
          webhook_actions: ["Sent", "Viewed"],
          purpose: "test",
          environment: "PRODUCTION",
        },
        webhook_security_settings: {
          webhook_security_type: "HMAC",
          hmac_security_info: { secret_key: "s".repeat(32) },
        },
      },
    ],
  },
});

describe("a seed", () => {
  it("lists the fields of a module, which then drops all others, and has modules of the organisation's own", async () => {
    const emulator = await opened({
      crm: {
        modules: { Leads: { fields: [{ api_name: "Badge", data_type: "text" }] }, Rovers: { fields: [] } },
        Leads: [{ Last_Name: "Doe", Badge: "red", Emial: "doe@example.com" }],
        Rovers: [{ Name: "one" }],
      },
    });
    const [lead] = (await call(emulator, "/crm/v8/Leads?fields=Last_Name,Badge,Emial", ["ZohoCRM.modules.ALL"])).data;
    expect(lead).toMatchObject({ Last_Name: "Doe", Badge: "red" });
    expect(lead.Emial ?? null).toBeNull();
    const rovers = await call(emulator, "/crm/v8/Rovers?fields=Name", ["ZohoCRM.modules.ALL"]);
    expect(rovers.data).toMatchObject([{ Name: "one" }]);
  });

  it("may write a product in capitals", async () => {
    const { channels } = hookTo("http://127.0.0.1:1").crm;
    const modules = { Leads: { fields: [{ api_name: "Badge" }] } };
    const emulator = await opened({ CRM: { modules, channels } });
    expect(emulator.organisation.state.services.crm).toMatchObject({
      declared: { crm: { Leads: [{ api_name: "Badge" }] } },
    });
    expect(emulator.organisation.subscriptions()).toMatchObject([{ product: "crm", id: "1000000068001" }]);
  });

  it("has channels and webhooks, which get what happens from then on", async () => {
    const app = await startTarget();
    onTestFinished(app.close);
    const emulator = await opened({
      ...hookTo(app.url),
      bigin: { channels: [{ channel_id: "7", events: ["Contacts.create"], notify_url: `${app.url}/bigin` }] },
      desk: { ...hookTo(app.url).desk, contacts: [{ lastName: "Doe" }] },
    });
    const day = 86_400_000;
    expect(emulator.organisation.subscriptions()).toMatchObject([
      { product: "crm", id: "1000000068001", events: ["Leads.edit", "Leads.create", "Leads.delete"], enabled: true },
      { product: "bigin", id: "7" },
      { product: "books", events: ["item"], enabled: true },
      { product: "books", events: ["item"], enabled: true },
      { product: "sign", events: ["Sent", "Viewed"], enabled: true },
      { product: "desk", events: ["Contact_Add"], enabled: true },
    ]);
    const [crm, bigin] = emulator.organisation
      .subscriptions()
      .map(({ expiresAt = 0 }) => (expiresAt - Date.now()) / day);
    expect([crm, bigin]).toEqual([expect.closeTo(7, 2), expect.closeTo(1, 2)]);
    storeOf(emulator, "crm").create("Leads", { Last_Name: "Doe" });
    storeOf(emulator, "desk").create("contacts", { lastName: "Roe" });
    storeOf(emulator, "books").create("items", { name: "Cable", rate: 3 });
    const { id } = storeOf(emulator, "sign").create("requests", {
      ...{ request_name: "Lease", actions: [{ recipient_email: "roe@example.com" }] },
    });
    storeOf(emulator, "sign").change("requests", id, { action: "submit" });
    await emulator.deliveries.settled();
    expect(app.seen.map(({ path }) => path).sort()).toEqual(["/books", "/crm", "/desk", "/sign"]);
    const signed = app.seen.find(({ path }) => path === "/sign");
    expect(signed?.headers.map(([name]) => name.toLowerCase())).toContain("x-zs-webhook-signature");
  });

  it("is what a reset goes back to, with the same ids", async () => {
    const now = () => new Date("2030-01-01T00:00:00Z");
    const crm = {
      ...hookTo("http://127.0.0.1:1").crm,
      modules: { Leads: { fields: [{ api_name: "Badge" }] } },
      Leads: [{ Last_Name: "Doe" }, { Last_Name: "Roe" }],
    };
    const users = [{ last_name: "Lima", email: "ana@example.com" }];
    const content = { ...hookTo("http://127.0.0.1:1"), users, crm };
    const emulator = await opened(content, { now });
    const fresh = structuredClone(emulator.organisation.state);
    for (let i = 0; i < 2; i++) {
      storeOf(emulator, "crm").create("Leads", { Last_Name: "Poe" });
      storeOf(emulator, "desk").create("contacts", { lastName: "Poe" });
      emulator.advance(86_400_000);
      emulator.stubs.add({ path: "/crm/v8/org", status: 500 });
      const answer = await fetch(`${emulator.url}/_emulator/reset`, { method: "POST" });
      expect(await answer.json()).toEqual({ seeded: true });
      expect(emulator.organisation.state).toEqual(fresh);
      expect(emulator.deliveries.sent.items).toEqual([]);
    }
    expect((await opened(content, { now })).organisation.state).toEqual(fresh);
  });

  it("is not used while the state is another one, but at the reset", async () => {
    const state = emptyState();
    const first = await openEmulator({ port: 0, packageRoot, env: {}, state });
    onTestFinished(() => first.close());
    storeOf(first, "crm").create("Leads", { Last_Name: "Kept" });
    const second = await opened({ crm: { Leads: [{ Last_Name: "Seeded" }] } }, { state });
    const names = () =>
      storeOf(second, "crm")
        .list("Leads", 9)
        .map(({ Last_Name }) => Last_Name);
    expect(names()).toEqual(["Kept"]);
    second.reset();
    expect(names()).toEqual(["Seeded"]);
  });

  it("has users, of whom the first does what is done, and others may own records", async () => {
    const users = [
      { first_name: "Ana", last_name: "Lima", email: "ana@example.com", role: { name: "Manager", id: "5" } },
      { id: "77", last_name: "Bo", email: "bo@example.com" },
    ];
    const emulator = await opened({
      users,
      crm: { Leads: [{ Last_Name: "Doe", Owner: { id: "77" } }, { Last_Name: "Roe" }] },
    });
    const scopes = ["ZohoCRM.users.READ"];
    const { users: listed, info } = await call(emulator, "/crm/v8/users", scopes);
    expect(listed).toMatchObject([
      { id: expect.stringMatching(/^\d{18}$/), full_name: "Ana Lima", status: "active", role: { name: "Manager" } },
      { id: "77", full_name: "Bo", profile: { name: "Administrator" } },
    ]);
    expect(info).toEqual({ per_page: 200, count: 2, page: 1, more_records: false });
    expect((await call(emulator, "/crm/v8/users/77", scopes)).users).toMatchObject([{ email: "bo@example.com" }]);
    const [ana] = listed;
    const bo = { id: "77", name: "Bo", email: "bo@example.com" };
    const by = { id: ana.id, name: "Ana Lima", email: "ana@example.com" };
    expect(storeOf(emulator, "crm").list("Leads", 2)).toMatchObject([
      { Last_Name: "Roe", Owner: by, Created_By: by },
      { Last_Name: "Doe", Owner: bo, Created_By: by, Modified_By: by },
    ]);
    expect(() => storeOf(emulator, "crm").create("Leads", { Last_Name: "Poe", Owner: { id: "78" } })).toThrow(/Owner/);
  });

  it("lists fields of modules as settings/fields answers them", async () => {
    const fields = [
      { api_name: "Badge" },
      {
        api_name: "Tier",
        data_type: "picklist",
        pick_list_values: [{ display_value: "Gold", actual_value: "gold" }, "x"],
      },
      {
        api_name: "Rover",
        data_type: "lookup",
        lookup: { module: { api_name: "Rovers", id: "1" } },
        system_mandatory: true,
      },
      { api_name: "Created_Time", data_type: "datetime", read_only: true },
    ];
    const emulator = await opened({
      crm: { modules: { Leads: { fields } } },
      bigin: { modules: { Contacts: { fields: [] } } },
    });
    expect(emulator.organisation.state.services.crm).toMatchObject({
      declared: {
        bigin: { Contacts: [] },
        crm: {
          Leads: [
            { api_name: "Badge", data_type: "text" },
            { api_name: "Tier", data_type: "picklist", values: ["gold", "x"] },
            { api_name: "Rover", data_type: "lookup", system_mandatory: true, module: "Rovers" },
          ],
        },
      },
    });
  });

  it("takes the answer of settings/fields as it is", async () => {
    const emulator = await opened({});
    const answer = await call(emulator, "/crm/v8/settings/fields?module=Leads", ["ZohoCRM.settings.READ"]);
    const seeded = await opened({ crm: { modules: { Leads: answer } } });
    expect(Object(seeded.organisation.state.services.crm).declared.crm.Leads).toContainEqual({
      ...{ api_name: "Last_Name", data_type: "text", system_mandatory: true },
    });
  });

  it.each([
    [{ users: {} }, "users: it is not a list of users"],
    [{ users: [] }, "users: it is empty"],
    [{ users: [3] }, "users.0: it is not an object"],
    [{ users: [{ last_name: "Lima" }] }, "users.0: email is missing"],
    [{ users: [{ email: "a@example.com" }] }, "users.0: last_name is missing"],
    [{ users: [{ last_name: "Lima", email: "a@example.com", id: 5 }] }, "users.0: id is not a text of digits"],
    [
      { users: ["a", "b"].map((last_name) => ({ last_name, email: "a@example.com", id: "5" })) },
      "users.1: another user has the id 5",
    ],
    [{ CRM: { webhooks: [] } }, "CRM.webhooks: crm has channels"],
    [{ crm: { modules: [] } }, "crm.modules: it is not an object of modules"],
    [{ crm: { modules: { Leads: [] } } }, "crm.modules.Leads: it is not an object with fields"],
    [{ crm: { modules: { Leads: {} } } }, "crm.modules.Leads.fields: it is not a list of fields"],
    [{ crm: { modules: { Leads: { fields: [{}] } } } }, "crm.modules.Leads.fields.0: api_name is missing"],
    [{ desk: { modules: {} } }, "desk.modules: the modules of desk are fixed"],
    [{ crm: { webhooks: [] } }, "crm.webhooks: crm has channels"],
    [{ desk: { channels: [] } }, "desk.channels: desk has webhooks"],
    [{ crm: { channels: {} } }, "crm.channels: it is not a list of channels"],
    [{ crm: { channels: [{ events: [] }] } }, /crm\.channels\.0: Zoho would refuse this channel: .*channel_id/],
    [{ desk: { webhooks: [{ url: "x" }] } }, /desk\.webhooks\.0: Zoho would refuse this webhook: .*subscriptions/],
    [
      { books: { webhooks: [{ ...hookTo("http://a").books.webhooks[0], rules: ["edit"] }] } },
      /books\.webhooks\.0: .*rules/,
    ],
    [{ sign: { webhooks: [{}] } }, /sign\.webhooks\.0: .*webhook_url/],
  ])("with a mistake is refused with its place, and leaves the state: %j", async (content, message) => {
    const state = emptyState();
    await expect(opened(content, { state })).rejects.toThrow(message);
    expect(state).toEqual(emptyState());
  });
});
