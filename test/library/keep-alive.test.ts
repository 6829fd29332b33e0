import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChannelSpec } from "../../src/library/connect.ts";
import { type App, errorOf, startApp } from "../support/app.ts";

let nowMs: number;
let app: App;
beforeEach(async () => {
  nowMs = Date.parse("2026-03-01T09:00:00Z");
  app = await startApp({ now: () => new Date(nowMs) });
});
afterEach(() => app.zoho.close());

const spec = { name: "billing-production", url: "https://app.example/zoho", token: "t0ken", events: ["Leads.all"] };
/** Each call is another instance of the app, as behind a cron. */
const keep = (more: Partial<ChannelSpec> = {}) => app.connect().keepAlive({ ...spec, ...more });
const states = () => app.zoho.subscriptions().map(({ id, url, events }) => ({ id, url, events: events.join() }));

describe("keepAlive", () => {
  it("creates a channel, leaves it for half of its lifetime, then renews it", async () => {
    const created = await keep();
    expect(created).toEqual({
      id: expect.stringMatching(/^\d{15}$/),
      state: "created",
      reason: "it is new, or it had expired or was deleted",
      expiresAt: "2026-03-08T08:00:00.000Z",
      callBefore: "2026-03-07T08:00:00.000Z",
    });
    app.sent.length = 0;
    expect(await keep()).toMatchObject({ id: created.id, state: "unchanged", expiresAt: created.expiresAt });
    expect(app.sent).toEqual(["GET /crm/v8/actions/watch"]);
    nowMs += 3.6 * 86_400_000;
    expect(await keep()).toMatchObject({ state: "renewed", expiresAt: "2026-03-11T22:24:00.000Z" });
    app.zoho.advance("8d");
    expect(await keep()).toMatchObject({ id: created.id, state: "created" });
    expect(states()).toEqual([{ id: created.id, url: spec.url, events: "Leads.edit,Leads.create,Leads.delete" }]);
  });

  it("changes a channel to what is declared, and says what was different", async () => {
    const { id } = await keep();
    expect(await keep({ url: "https://new.example/zoho" })).toMatchObject({
      state: "updated",
      reason: "it posts to https://app.example/zoho",
    });
    expect(await keep({ url: "https://new.example/zoho", token: "other" })).toMatchObject({
      state: "updated",
      reason: "it has another token",
    });
    const all = { url: "https://new.example/zoho", token: "other", events: ["Leads.create", "Deals.edit"] };
    expect(await keep(all)).toMatchObject({ state: "updated", reason: "it watches Leads.all" });
    const values = { ...all, values: true, related: true };
    expect(await keep(values)).toMatchObject({ state: "updated", reason: "related is false; values is false" });
    const fields = { ...values, fields: { Deals: ["Amount", "Stage"] } };
    expect(await keep(fields)).toMatchObject({ state: "updated", reason: "it watches other fields" });
    app.sent.length = 0;
    expect(await keep({ ...fields, fields: { Deals: ["Stage", "Amount"] } })).toMatchObject({ state: "unchanged" });
    expect(app.sent).toEqual(["GET /crm/v8/actions/watch"]);
    expect(await keep(values)).toMatchObject({ state: "updated", reason: "it watches other fields" });
    expect(states()).toEqual([{ id, url: "https://new.example/zoho", events: "Leads.create,Deals.edit" }]);
  });

  it("deletes the channel of its name without events, and touches no other", async () => {
    await keep({ name: "other" });
    await keep({ product: "bigin", events: ["Contacts.all"] });
    await keep();
    expect(await keep({ events: [] })).toMatchObject({ state: "deleted" });
    expect(await keep({ events: [] })).toMatchObject({
      state: "unchanged",
      reason: "there is no channel of this name",
    });
    expect(states()).toHaveLength(2);
    expect(await keep({ name: "other" })).toMatchObject({ state: "unchanged" });
    expect(await keep({ product: "bigin", events: ["Contacts.all"] })).toMatchObject({ state: "unchanged" });
  });

  it("has another channel for each client, name and product, and removes what another version left of its name", async () => {
    const { id } = await keep();
    const ids = [
      (await keep({ name: "billing-preview" })).id,
      (await keep({ product: "recruit", events: ["Candidates.all"] })).id,
    ];
    expect(new Set([id, ...ids]).size).toBe(3);
    const token = await app.connect().accessToken();
    const left = { channel_id: String(Number(id) + 1), events: ["Deals.all"], notify_url: spec.url };
    const past = { channel_id: String(Number(id) + 64), events: ["Deals.all"], notify_url: spec.url };
    const response = await fetch(`${app.zoho.url}/crm/v8/actions/watch`, {
      method: "POST",
      headers: { authorization: `Zoho-oauthtoken ${token}` },
      body: JSON.stringify({ watch: [left, past] }),
    });
    expect(response.status).toBe(201);
    expect(await keep()).toMatchObject({ state: "unchanged" });
    const after = app.zoho.subscriptions().map((each) => each.id);
    expect(after.toSorted()).toEqual([id, past.channel_id, ...ids].toSorted());
  });

  it("ends in one channel, however many begin at once", async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await keep()).id));
    expect(new Set(ids).size).toBe(1);
    expect(app.zoho.subscriptions()).toHaveLength(1);
  });

  it("says how often a channel that lives a day has to be renewed", async () => {
    expect(await keep({ product: "bigin", events: ["Contacts.all"] })).toMatchObject({
      reason: "it is new, or it had expired or was deleted: a channel lives 23h, so call this every hour",
      expiresAt: "2026-03-02T08:00:00.000Z",
      callBefore: "2026-03-02T02:15:00.000Z",
    });
  });

  it.each([
    ["429s", { answer: 429, times: 3, path: "/crm" }],
    ["a cut connection", { answer: "cut", path: "/crm" }],
    ["an outage of seconds", { answer: 503, times: 3, path: "/crm" }],
    ["an access token that Zoho no longer takes", { answer: 401, path: "/crm" }],
  ] as const)("gets over %s", async (_, fault) => {
    app.zoho.fail(fault);
    expect(await keep()).toMatchObject({ state: "created" });
    expect(app.zoho.subscriptions()).toHaveLength(1);
  });

  it("ends in one channel after an answer that was lost when Zoho had carried out the request", async () => {
    let lost = 0;
    const zoho = app.connect({
      async fetch(input, init) {
        const response = await fetch(input, init);
        if (init?.method === "POST" && String(input).includes("/watch") && lost++ < 2)
          throw new TypeError("fetch failed");
        return response;
      },
    });
    expect(await zoho.keepAlive(spec)).toMatchObject({ state: "created" });
    expect(lost).toBe(3);
    expect(app.zoho.subscriptions()).toHaveLength(1);
  });

  it("fails at once, with the time, where Zoho asks to wait for longer than the call may take", async () => {
    app.zoho.fail({ answer: 429, times: 9, path: "/crm", retryAfter: "2m" });
    const error = await errorOf(keep());
    expect(error).toMatchObject({ code: "too_many_requests", status: 429, retryAfterMs: 120_000, isSignIn: false });
    expect(error.hint).toContain("wait");
  });

  it("computes the expiry by Zoho's clock, not by its own", async () => {
    for (const offMs of [-86_400_000, -600_000, 600_000, 86_400_000]) {
      const { expiresAt } = await app
        .connect({ now: () => new Date(nowMs + offMs) })
        .keepAlive({ ...spec, name: `${offMs}` });
      expect(expiresAt).toBe("2026-03-08T08:00:00.000Z");
    }
  });

  it.each<[string, Partial<ChannelSpec>, string]>([
    ["no name", { name: " " }, "keepAlive needs the name of the channel"],
    ["something else than a web URL", { url: "app.example" }, "url is not a web URL"],
    ["no token", { token: undefined }, "token has to be a text of 1 to 50 characters"],
    ["a long token", { token: "x".repeat(51) }, "token has to be a text of 1 to 50 characters"],
    ["an event of no such form", { events: ["Leads"] }, '"Leads" is not a channel event'],
    ["fields of another module", { fields: { Deals: ["Stage"] } }, "fields names Deals, and no event is of it"],
    [
      "an unknown field",
      { fields: { Leads: ["Stag"] } },
      'the organisation has no field of Leads with the API name "Stag"',
    ],
    ["values of Bigin", { product: "bigin", values: true }, "Zoho Bigin does not document values"],
    ["an unknown product", { product: "desk" as "crm" }, '"desk" has no notification channels'],
  ])("refuses %s", async (_, more, message) => {
    const error = await errorOf(keep(more));
    expect(error).toMatchObject({ code: "misuse", message, isSignIn: false });
    expect(`${error.hint}`).not.toMatch(/zoho-hooks|--|ZOHO_/);
    expect(app.zoho.subscriptions()).toEqual([]);
  });

  it("names the scope that the refresh token lacks", async () => {
    const { zoho, options } = app;
    const scope = "ZohoCRM.modules.ALL";
    const made = await fetch(`${zoho.url}/_emulator/code`, { method: "POST", body: JSON.stringify({ scope }) });
    const { code } = (await made.json()) as { readonly code: string };
    const body = new URLSearchParams({
      grant_type: "authorization_code",
      client_id: options.clientId ?? "",
      client_secret: options.clientSecret ?? "",
      code,
    });
    const granted = await fetch(`${zoho.url}/oauth/v2/token`, { method: "POST", body });
    const { refresh_token: refreshToken } = (await granted.json()) as { readonly refresh_token: string };
    const error = await errorOf(app.connect({ refreshToken }).keepAlive(spec));
    expect(error).toMatchObject({ code: "oauth_scope_mismatch", status: 401, isSignIn: true });
    expect(error.message).toContain("lacks the scope ZohoCRM.notifications.READ");
    expect(error.hint).toContain("an existing one never gains a scope");
  });
});
