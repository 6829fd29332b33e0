import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ChannelConfig, configOf } from "../../src/channels/channel.ts";
import { fieldConditions, readFields } from "../../src/channels/conditions.ts";
import { chooseExpiry } from "../../src/channels/expiry.ts";
import { findWatchProduct } from "../../src/channels/watch-products.ts";
import { UserError } from "../../src/util/errors.ts";
import { failureOf, type Rig, startRig } from "../support/zoho-client.ts";

const ID = /^554023\d{12}$/;
let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const config = (more: Partial<ChannelConfig> = {}): ChannelConfig => ({
  id: "1105420521999070702",
  events: ["Leads.create", "Deals.all"],
  notifyUrl: "https://abc.example/hook?env=dev",
  token: "a-token",
  related: false,
  values: true,
  conditions: [],
  ...more,
});
const inHours = (hours: number): Date => new Date(rig.clock.now().getTime() + hours * 3_600_000);
const request = (more: Partial<ChannelConfig> = {}, hours = 24) => ({
  config: config(more),
  expiresAt: inHours(hours),
});

const conditionOn = async (fields: string, event = "Deals.edit"): Promise<unknown> => {
  const session = { api: rig.api(), product: findWatchProduct("crm") };
  return (await fieldConditions(session, readFields([fields], [event])))[0];
};

describe("creating and listing", () => {
  it("reads back what was granted, as one channel, with all 19 digits", async () => {
    rig.server.unusual.idsAsNumbers = true;
    const [result] = await rig.client().create([request()]);
    expect(result).toMatchObject({ modules: ["Leads", "Deals"], expiresAt: inHours(24) });
    const channels = await rig.client().list();
    expect(channels).toHaveLength(1);
    expect(channels[0]).toMatchObject({
      id: "1105420521999070702",
      events: ["Leads.create", "Deals.edit", "Deals.create", "Deals.delete"],
      token: "a-token",
      related: false,
      values: true,
    });
  });

  it("reads a 204 as an empty list", async () => {
    expect(await rig.client().list()).toEqual([]);
    expect(await rig.client().get("1")).toBeUndefined();
  });

  it("reads every page", async () => {
    const many = Array.from({ length: 230 }, (_, i) => request({ id: String(1000 + i), events: ["Leads.all"] }));
    const results = await rig.client().create(many);
    expect(results.filter((each) => !(each instanceof UserError))).toHaveLength(230);
    expect(await rig.client().list()).toHaveLength(230);
    const sizes = rig.server.requests.flatMap((each) => {
      const watch = each.method === "POST" ? (each.json as { watch?: unknown[] } | undefined)?.watch : undefined;
      return watch?.length ?? [];
    });
    expect(sizes).toEqual([50, 50, 50, 50, 30]);
  });

  it("finds no channel in a list of others", async () => {
    const other = { channel_id: "7", resource_name: "Leads", events: ["Leads.create"], notification_condition: null };
    rig.server.trouble({ status: 200, body: { watch: [other], info: { more_records: false } } }, 1, ({ path }) =>
      path.endsWith("/watch"),
    );
    expect(await rig.client().get("1105420521999070702")).toBeUndefined();
  });

  it("shows what Zoho grants for a lifetime that is too long", async () => {
    const [result] = await rig.client().create([request({}, 24 * 30)]);
    expect(result).toMatchObject({ expiresAt: inHours(1) });
  });

  it("is accepted with the default expiry by every product", async () => {
    for (const [id, event] of [
      ["crm", "Leads.create"],
      ["bigin", "Contacts.create"],
      ["recruit", "Candidates.create"],
    ] as const) {
      const client = rig.client(id);
      const expiresAt = chooseExpiry(undefined, client.product.lifetime, rig.clock.now());
      const [result] = await client.create([{ config: config({ id: "77", events: [event] }), expiresAt }]);
      expect(result).toMatchObject({ expiresAt });
      expect(rig.server.requests.at(-1)?.path).toBe(client.product.path);
    }
  });
});

it("lists a channel of which Zoho returns only the id", async () => {
  const isList = (each: { method: string }): boolean => each.method === "GET";
  rig.server.trouble({ status: 200, body: { watch: [{ channel_id: "7" }] } }, 1, isList);
  expect(await rig.client().list()).toMatchObject([{ id: "7", notifyUrl: undefined }]);
});

describe("modules of one channel that end at different times", () => {
  it("end the channel at the first of them", async () => {
    const event = (resource_name: string, channel_expiry: string) => ({ channel_id: 1, resource_name, channel_expiry });
    const events = [event("Leads", "2026-03-07T09:00:00+00:00"), event("Deals", "2026-03-06T09:00:00+00:00")];
    const body = { watch: [{ code: "SUCCESS", details: { events }, message: "", status: "success" }] };
    rig.server.trouble({ status: 201, body }, 1, (each) => each.method === "POST" && each.path.includes("watch"));
    const [result] = await rig.client().create([request({ id: "1" })]);
    expect(result).toMatchObject({ expiresAt: new Date("2026-03-06T09:00:00.000Z") });
  });
});

describe("errors of single items", () => {
  it.each([400, 202, 207])("are reported also with HTTP %i", async (status) => {
    rig.server.unusual.itemErrorStatus = status;
    const [result] = await rig.client().replace([request()]);
    expect(result).toMatchObject({ exitCode: 7, code: "not_subscribed" });
  });

  it("do not hide the success of the others", async () => {
    await rig.client().create([request({ id: "1" })]);
    const results = await rig.client().replace([request({ id: "1" }), request({ id: "2" })]);
    expect(results).toMatchObject([{ expiresAt: inHours(24) }, { code: "not_subscribed" }]);
  });

  it("name the field and the reason", async () => {
    const [result] = await rig.client().create([request({ token: "x".repeat(51) })]);
    const message = expect.stringContaining("INVALID_DATA: invalid data at $.watch[0].token, at most 50");
    expect(result).toMatchObject({ message });
  });

  it("treat an answer without a result for a channel as a failure", async () => {
    rig.server.trouble({ status: 200, body: { watch: [{}] } }, 1, (each) => each.method === "PUT");
    const [result] = await rig.client().replace([request()]);
    expect(result).toBeInstanceOf(UserError);
    rig.server.trouble({ status: 200, body: { watch: [] } }, 1, (each) => each.method === "PUT");
    expect(await rig.client().replace([request()])).toMatchObject([{ code: "no_result" }]);
  });
});

describe("replacing", () => {
  it("keeps all of a channel when the listed one is sent back", async () => {
    const condition = await conditionOn("stage,Amount,Lead_Source");
    await rig.client().create([request({ conditions: [condition] })]);
    const before = await rig.client().get(config().id);
    const kept = before && configOf(before);
    if (kept === undefined) throw new Error("The channel is listed.");
    await rig.client().replace([{ config: kept, expiresAt: inHours(100) }]);
    const after = await rig.client().get(config().id);
    expect(after).toEqual({ ...before, expiresAt: inHours(100) });
    expect(after?.conditions).toEqual([condition]);
  });

  it("drops what is not sent", async () => {
    await rig.client().create([request()]);
    await rig.client().replace([request({ token: undefined, related: undefined, values: undefined })]);
    expect(await rig.client().get(config().id)).toMatchObject({ token: undefined, related: true, values: false });
  });
});

describe("deleting", () => {
  it("reports what is deleted, what did not exist, and what Zoho still lists", async () => {
    await rig.client().create([request({ id: "1" }), request({ id: "2" })]);
    expect(await rig.client().remove(["1", "9"])).toEqual({ deleted: ["1"], unknown: ["9"], remaining: [] });
    const lie = { watch: [{ code: "SUCCESS", details: { channel_id: "2" }, message: "gone", status: "success" }] };
    rig.server.trouble({ status: 200, body: lie }, 1, (each) => each.method === "DELETE");
    expect(await rig.client().remove(["2"])).toEqual({
      deleted: [],
      unknown: [],
      remaining: [{ id: "2", because: "Zoho still lists it" }],
    });
  });

  it("reads Bigin's 202 for an unknown channel as an error", async () => {
    expect(await rig.client("bigin").remove(["9"])).toMatchObject({ deleted: [], unknown: ["9"] });
    expect(rig.server.requests.at(-2)?.query.get("channel_ids")).toBe("9");
  });
});

describe("a rejected token", () => {
  it("is replaced once, and the request sent again, even a POST", async () => {
    await rig.tokens.get();
    rig.server.state.accounts.accessTokens = {};
    const [result] = await rig.client().create([request()]);
    expect(result).not.toBeInstanceOf(UserError);
    expect(rig.server.tokenRequests()).toHaveLength(2);
  });

  it("is replaced also if an HTML page rejects it", async () => {
    rig.server.trouble({ status: 401, body: "<html>Unauthorized</html>" }, 1, (each) => each.path.includes("watch"));
    expect(await rig.client().list()).toEqual([]);
    expect(rig.server.tokenRequests()).toHaveLength(2);
  });

  it("that is rejected again is an error after one more attempt", async () => {
    const refusal = { status: 401, body: { code: "INVALID_TOKEN", message: "invalid oauth token", details: {} } };
    rig.server.trouble(refusal, 9, (each) => each.path.includes("watch"));
    const failure = await failureOf(rig.client().list());
    expect(failure).toMatchObject({ exitCode: 6, code: "invalid_token" });
    expect(failure.message).toContain("rejected even a new access token from accounts.example.com");
    expect(failure.hint).toContain("ZOHO_ENVIRONMENT");
    expect(rig.server.requests.filter((each) => each.path.includes("watch"))).toHaveLength(2);
  });
});

describe("errors of the whole", () => {
  const answers = (status: number, body: unknown) =>
    rig.server.trouble({ status, body }, 9, (each) => each.path.includes("watch"));

  it("name the missing scope and how to get it", async () => {
    const poor = await startRig({ scopes: ["ZohoCRM.notifications.CREATE"] });
    try {
      const failure = await failureOf(poor.client().list());
      expect(failure).toMatchObject({ exitCode: 6, code: "oauth_scope_mismatch" });
      expect(failure.message).toContain("ZohoCRM.notifications.READ (or ZohoCRM.notifications.ALL)");
      expect(failure.hint).toContain("zoho-hooks login");
    } finally {
      await poor.close();
    }
  });

  it.each([
    [
      403,
      { code: "NO_PERMISSION", message: "permission denied", details: { permissions: ["Crm_Implied_Api_Access"] } },
      6,
      "lacks the permission for API access",
    ],
    [429, { code: "TOO_MANY_REQUESTS", message: "", details: {} }, 7, "too many requests in a short time"],
    [404, { code: "INVALID_URL_PATTERN", message: "no", details: {} }, 7, "nothing at this URL"],
    [500, "", 7, "HTTP_500: an empty answer"],
    [503, "<html>down</html>", 7, "an HTML page instead of JSON"],
    [302, "", 7, "answered with a redirect"],
    [400, { code: "SOMETHING_NEW", message: "unheard of", details: {} }, 7, "SOMETHING_NEW: unheard of"],
    [200, '{"watch":', 7, "could not list channels: "],
    [200, { data: [] }, 7, "could not list channels: "],
  ])("explain HTTP %i with %j", async (status, body, exitCode, text) => {
    answers(status, body);
    const failure = await failureOf(rig.client().list());
    expect(failure).toMatchObject({ exitCode });
    expect(failure.message).toContain(text);
    expect(failure.hint).not.toBe("");
  });
});

describe("lookups", () => {
  it("nest more than two fields, with their ids", async () => {
    const condition = await conditionOn("Stage,Account_Name,Lead_Source", "deals.edit");
    expect(condition).toEqual({
      type: "field_selection",
      module: { api_name: "Deals", id: "554023000000000131" },
      field_selection: {
        group_operator: "or",
        group: [
          { field: { api_name: "Stage", id: expect.stringMatching(ID) } },
          {
            group_operator: "or",
            group: [
              { field: { api_name: "Account_Name", id: expect.stringMatching(ID) } },
              { field: { api_name: "Lead_Source", id: expect.stringMatching(ID) } },
            ],
          },
        ],
      },
    });
  });

  it("suggest a similar field", async () => {
    expect(await failureOf(conditionOn("Stge"))).toMatchObject({
      exitCode: 2,
      hint: "did you mean Stage?",
    });
  });
});
