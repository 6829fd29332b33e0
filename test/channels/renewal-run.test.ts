import { describe, expect, it } from "vitest";
import type { ChannelRequest, Grant, WatchClient } from "../../src/channels/client.ts";
import { HOUR_MS } from "../../src/channels/expiry.ts";
import { type RenewalOptions, writeRenewals } from "../../src/channels/renew.ts";
import type { UserError } from "../../src/util/errors.ts";
import { ZohoApiError } from "../../src/zoho-api/errors.ts";

const NOW = new Date("2026-12-01T12:00:00Z");
const inHours = (hours: number): Date => new Date(NOW.getTime() + hours * HOUR_MS);
const grant = (hours: number | undefined): Grant => ({
  expiresAt: hours === undefined ? undefined : inHours(hours),
  modules: [],
});
const error = (code: string, status: number): ZohoApiError =>
  new ZohoApiError({ code, message: "no", details: {} }, status, {
    action: "update a channel",
    method: "PUT",
    url: "https://www.zohoapis.com/crm/v8/actions/watch",
    scope: "ZohoCRM.notifications.ALL",
    accountsUrl: "https://accounts.zoho.com",
    isTokenNew: false,
    again: { how: "zoho-hooks login", elsewhere: "zoho-hooks login --dc" },
  });
const refused = (): ZohoApiError => error("INVALID_DATA", 400);
const throttled = (): ZohoApiError => error("TOO_MANY_REQUESTS", 429);

type Answer = (ids: readonly string[]) => readonly (Grant | UserError)[] | UserError;

/** Renews channels "1", "2" … that expire in 1 h, to 24 h. Each call takes the next answer; `listError` fails the list. */
async function renew(
  ids: readonly string[],
  answers: readonly Answer[],
  { listError, ...options }: Partial<RenewalOptions> & { readonly listError?: UserError } = {},
) {
  const calls: string[] = [];
  const left = [...answers];
  const write = (method: string) => async (requests: readonly ChannelRequest[]) => {
    const asked = requests.map(({ config }) => config.id);
    calls.push(`${method} ${asked.join(",")}`);
    const answer = left.shift()?.(asked) ?? [];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const client = {
    replace: write("PUT"),
    create: write("POST"),
    async list() {
      calls.push("GET");
      if (listError !== undefined) throw listError;
      return ids.map((id) => ({ ...configOf(id), expiresAt: inHours(24), modules: [] }));
    },
  };
  const outcomes = await writeRenewals(
    {
      client: client as unknown as WatchClient,
      memory: { recall: async () => undefined, observe: async () => undefined },
      now: () => NOW,
      command: (words) => words,
    },
    ids.map((id) => ({ config: configOf(id), from: inHours(1), isGone: id.startsWith("new") })),
    { end: () => inHours(24), ...options },
  );
  return { calls, outcomes: outcomes.map((each) => (each instanceof Error ? each.code : each.type)) };
}

function configOf(id: string) {
  return { id, events: ["Leads.edit"], notifyUrl: "https://hooks.example.com/", conditions: [] };
}

const all =
  (result: () => Grant | UserError): Answer =>
  (ids) =>
    ids.map(result);

describe("a run of renewals", () => {
  it("writes those that exist in one call, and creates the others after it", async () => {
    const { calls, outcomes } = await renew(["new1", "2", "3"], [all(() => grant(24)), () => [grant(24)]]);
    expect(calls).toEqual(["PUT 2,3", "POST new1"]);
    expect(outcomes).toEqual(["created", "renewed", "renewed"]);
  });

  it("writes each alone when the call was refused, and no other once one cannot be renewed for all", async () => {
    const { calls, outcomes } = await renew(
      ["1", "2", "3"],
      [refused, () => [grant(24)], throttled, () => [grant(24)]],
    );
    expect(calls).toEqual(["PUT 1,2,3", "PUT 1", "PUT 2"]);
    expect(outcomes).toEqual(["renewed", "too_many_requests", "too_many_requests"]);
  });

  it("does not write each alone when the call was throttled", async () => {
    const { calls, outcomes } = await renew(["1", "2"], [throttled]);
    expect(calls).toEqual(["PUT 1,2"]);
    expect(outcomes).toEqual(["too_many_requests", "too_many_requests"]);
  });

  it("sends no POST for a refused channel when a later one was throttled", async () => {
    const { calls, outcomes } = await renew(["1", "2"], [() => [refused(), throttled()], () => [grant(24)]]);
    expect(calls).toEqual(["PUT 1,2"]);
    expect(outcomes).toEqual(["too_many_requests", "too_many_requests"]);
  });

  it("sends no POST after one that was throttled", async () => {
    const { calls, outcomes } = await renew(["1", "2"], [() => [refused(), refused()], throttled]);
    expect(calls).toEqual(["PUT 1,2", "POST 1"]);
    expect(outcomes).toEqual(["too_many_requests", "too_many_requests"]);
  });

  it("sends no POST after a list that was throttled", async () => {
    const { calls, outcomes } = await renew(["1", "2"], [() => [grant(undefined), refused()], () => [grant(24)]], {
      listError: throttled(),
    });
    expect(calls).toEqual(["PUT 1,2", "GET"]);
    expect(outcomes).toEqual(["too_many_requests", "too_many_requests"]);
  });

  it("reports the refusal of the PUT when the POST is refused as well, and goes on", async () => {
    const other = error("LIMIT_EXCEEDED", 400);
    const { calls, outcomes } = await renew(["1", "2"], [() => [refused(), grant(24)], () => [other]]);
    expect(calls).toEqual(["PUT 1,2", "POST 1"]);
    expect(outcomes).toEqual(["invalid_data", "renewed"]);
  });

  it("reads the list once for all answers without an expiry", async () => {
    const { calls, outcomes } = await renew(["1", "2"], [all(() => grant(undefined))]);
    expect(calls).toEqual(["PUT 1,2", "GET"]);
    expect(outcomes).toEqual(["renewed", "renewed"]);
  });

  it("restores a shortened expiry, and does not send a POST", async () => {
    const { calls, outcomes } = await renew(["1"], [() => [grant(0.5)], () => [grant(1)]]);
    expect(calls).toEqual(["PUT 1", "PUT 1"]);
    expect(outcomes).toEqual(["not_renewed"]);
  });

  it("names the channels of a call whose answer was lost", async () => {
    const lost: string[] = [];
    await renew(["1", "2"], [() => error("HTTP_502", 502)], {
      onUnanswered: (ids, outcome) => void lost.push(`${ids.join(",")} ${outcome}`),
    });
    expect(lost).toEqual(["1,2 renewed"]);
  });
});
