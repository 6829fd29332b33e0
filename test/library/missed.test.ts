import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Change, MissedChange, MissedOptions, ZohoError } from "../../src/library/connect.ts";
import { type App, errorOf, startApp, withPageTokens } from "../support/app.ts";

const START = Date.parse("2026-03-01T09:00:00Z");
let nowMs: number;
let app: App;
beforeEach(async () => {
  nowMs = START;
  app = await startApp({ now: () => new Date(nowMs) });
  await app.connect().accessToken();
});
afterEach(() => app.zoho.close());

const LEAD = { Last_Name: "Doe", Company: "Acme" };
const at = (ms: number): string => new Date(START + ms).toISOString();
const SECOND = 1_000;
const MINUTE = 60_000;

const all = (more: Partial<MissedOptions> = {}): MissedOptions => ({
  since: new Date(START),
  modules: ["Leads"],
  seen: () => false,
  ...more,
});

async function collect(changes: AsyncIterable<MissedChange>): Promise<MissedChange[]> {
  const found: MissedChange[] = [];
  for await (const change of changes) found.push(change);
  return found;
}

const short = ({ id, operation, at }: Change) => ({ id, operation, at });

/** Creates leads, `perSecond` of them in each second. */
async function createLeads(count: number, perSecond: number): Promise<string[]> {
  const token = await app.connect().accessToken();
  const ids: string[] = [];
  for (let done = 0; done < count; ) {
    const some = Math.min(100, perSecond - (done % perSecond), count - done);
    const response = await fetch(`${app.zoho.url}/crm/v8/Leads`, {
      method: "POST",
      headers: { authorization: `Zoho-oauthtoken ${token}` },
      body: JSON.stringify({ data: Array.from({ length: some }, (_, i) => ({ ...LEAD, Last_Name: `${done + i}` })) }),
    });
    const { data } = (await response.json()) as {
      readonly data: readonly { readonly details: { readonly id: string } }[];
    };
    ids.push(...data.map(({ details }) => details.id));
    done += some;
    if (done % perSecond === 0) nowMs += SECOND;
  }
  return ids;
}

describe("missed", () => {
  it("names each record once: as created, as edited or as deleted, the oldest first", async () => {
    const { crm } = app.zoho;
    const old = await crm.create("Leads", LEAD);
    const gone = await crm.create("Leads", LEAD);
    nowMs += MINUTE;
    const since = new Date(nowMs);
    const created = await crm.create("Leads", LEAD);
    nowMs += MINUTE;
    await crm.change("Leads", old.id, { City: "Rome" });
    nowMs += MINUTE;
    await crm.change("Leads", created.id, { City: "Rome" });
    await crm.delete("Leads", gone.id);
    const shortLived = await crm.create("Leads", LEAD);
    nowMs += MINUTE;
    await crm.delete("Leads", shortLived.id);
    app.sent.length = 0;
    const changes = await collect(app.connect().missed(all({ since })));
    expect(changes.map(short)).toEqual([
      { id: old.id, operation: "update", at: at(2 * MINUTE) },
      { id: created.id, operation: "insert", at: at(MINUTE) },
      { id: gone.id, operation: "delete", at: at(3 * MINUTE) },
      { id: shortLived.id, operation: "delete", at: at(4 * MINUTE) },
    ]);
    expect(app.sent).toEqual(["GET /crm/v8/Leads", "GET /crm/v8/Leads/deleted"]);
  });

  it("leaves out what was seen, and tells an edit of a record whose creation was seen", async () => {
    const { crm } = app.zoho;
    const [both, first, none] = [
      await crm.create("Leads", LEAD),
      await crm.create("Leads", LEAD),
      await crm.create("Leads", LEAD),
    ];
    nowMs += MINUTE;
    for (const { id } of [both, first, none]) await crm.change("Leads", id, { City: "Rome" });
    const seenFrom = new Map([
      [both.id, MINUTE],
      [first.id, 0],
    ]);
    const asked: Change[] = [];
    const seen = (change: Change): boolean => {
      asked.push(change);
      return (seenFrom.get(change.id) ?? -1) >= Date.parse(change.at) - START;
    };
    const changes = await collect(app.connect().missed(all({ seen })));
    expect(changes.map(short).toSorted((a, b) => a.operation.localeCompare(b.operation))).toEqual([
      { id: none.id, operation: "insert", at: at(0) },
      { id: first.id, operation: "update", at: at(MINUTE) },
    ]);
    expect(asked).toHaveLength(5);
  });

  it("needs two requests a module where nothing changed, and takes several modules in order", async () => {
    await app.zoho.crm.create("Deals", { Deal_Name: "A", Stage: "Qualification" });
    await app.zoho.crm.create("Leads", LEAD);
    nowMs += MINUTE;
    app.sent.length = 0;
    const none = { since: new Date(nowMs), modules: ["Leads", "Deals", "Contacts"] };
    expect(await collect(app.connect().missed(all(none)))).toEqual([]);
    expect(app.sent).toHaveLength(6);
    const two = await collect(app.connect().missed(all({ modules: ["Deals", "Leads"] })));
    expect(two.map(({ module }) => module)).toEqual(["Deals", "Leads"]);
  });

  it("names a lead that was converted meanwhile, and sends the filter with each page", async () => {
    const queries: string[] = [];
    const headers: (string | null)[] = [];
    const zoho = app.connect({
      fetch(input, init) {
        if (init?.method === "GET") {
          queries.push(new URL(String(input)).search);
          headers.push(new Headers(init.headers).get("if-modified-since"));
        }
        return fetch(input, init);
      },
    });
    await createLeads(450, 100);
    expect(await collect(zoho.missed(all()))).toHaveLength(450);
    expect(queries.slice(0, -1).every((query) => query.includes("converted=both"))).toBe(true);
    expect(headers.every((value) => /^2026-03-01T0\d:\d\d:\d\d\+00:00$/.test(value ?? ""))).toBe(true);
  });

  it.each([
    ["over time", 7],
    ["a hundred a second", 100],
    ["more a second than a page has", 1_000],
  ])("names all of 2,600 records that were created %s, once each", { timeout: 60_000 }, async (_, perSecond) => {
    const ids = await createLeads(2_600, perSecond);
    const found = (await collect(app.connect().missed(all()))).map(({ id }) => id);
    expect(found).toHaveLength(ids.length);
    expect(new Set(found)).toEqual(new Set(ids));
  });

  it("reads beyond 2,000 records of one second by page tokens, with the filter on each page", {
    timeout: 60_000,
  }, async () => {
    const ids = await createLeads(2_600, 5_000);
    const zoho = app.connect({ fetch: withPageTokens(fetch) });
    const found = (await collect(zoho.missed(all()))).map(({ id }) => id);
    expect(found).toHaveLength(ids.length);
    expect(new Set(found)).toEqual(new Set(ids));
  });

  it("names a record that is pushed back by edits between two pages", async () => {
    const ids = await createLeads(600, 10);
    const found = new Set<string>();
    for await (const { id } of app.connect().missed(all())) {
      // The first of the list moves to its end, and all others move up by one.
      if (found.size < 300) await app.zoho.crm.change("Leads", ids[found.size] ?? "", { City: "Rome" });
      found.add(id);
    }
    expect(found).toEqual(new Set(ids));
  });

  it("continues behind any change", async () => {
    const ids = await createLeads(30, 3);
    const deleted = ids.slice(0, 5);
    for (const id of deleted) {
      nowMs += SECOND;
      await app.zoho.crm.delete("Leads", id);
    }
    const whole = await collect(app.connect().missed(all()));
    for (const [i, { resume }] of whole.entries()) {
      const rest = await collect(app.connect().missed(all({ resume })));
      const names = new Set(rest.map(({ id }) => id));
      for (const { id } of whole.slice(i + 1)) expect(names).toContain(id);
      // Only what has the same second comes again.
      expect(rest.length).toBeLessThanOrEqual(whole.length - i - 1 + 3);
    }
  });

  it("continues with the since of the run that it continues, in all of the lists that are left", async () => {
    const { crm } = app.zoho;
    const gone = await crm.create("Leads", LEAD);
    await crm.delete("Leads", gone.id);
    const lead = await crm.create("Leads", LEAD);
    const deal = await crm.create("Deals", { Deal_Name: "A", Stage: "Qualification" });
    const modules = ["Leads", "Deals"];
    const [first] = await collect(app.connect().missed(all({ modules })));
    nowMs += MINUTE;
    const rest = await collect(app.connect().missed(all({ modules, since: new Date(nowMs), resume: first?.resume })));
    expect(rest.map(({ id }) => id)).toEqual([lead.id, gone.id, deal.id]);
    expect(rest.map(({ operation }) => operation)).toEqual(["insert", "delete", "insert"]);
  });

  it("says in an error where it can continue, also where everything was seen", async () => {
    const ids = await createLeads(400, 10);
    let requests = 0;
    const flaky = app.connect({
      fetch(input, init) {
        if (init?.method !== "GET" || ++requests < 3) return fetch(input, init);
        return Promise.resolve(
          Response.json({ code: "TOO_MANY_REQUESTS" }, { status: 429, headers: { "retry-after": "99" } }),
        );
      },
    });
    const asked: string[] = [];
    const seen = ({ id }: Change): boolean => asked.push(id) > 0;
    const error = await errorOf(collect(flaky.missed(all({ seen }))));
    expect(error).toMatchObject({ code: "too_many_requests", retryAfterMs: 99_000 });
    const before = asked.length;
    expect(before).toBeGreaterThan(200);
    expect(before).toBeLessThan(400);
    await collect(app.connect().missed(all({ seen, resume: error.resume })));
    expect(new Set(asked)).toEqual(new Set(ids));
    // The second that it had come to is read again.
    expect(asked.length).toBeLessThanOrEqual(ids.length + 10);
  });

  it("ends in time wherever it is, with what the app does between two changes", async () => {
    await createLeads(10, 1);
    const loop = async (): Promise<void> => {
      for await (const _ of app.connect({ timeoutMs: 300 }).missed(all({ modules: ["Leads", "Deals"] })))
        await new Promise((resolve) => setTimeout(resolve, 100));
    };
    const error: ZohoError = await errorOf(loop());
    expect(error).toMatchObject({ code: "no_answer", hint: "call it again with `resume` of this error" });
    expect(
      await collect(app.connect().missed(all({ modules: ["Leads", "Deals"], resume: error.resume }))),
    ).toHaveLength(1);
  });

  it.each<[string, Partial<MissedOptions>, string]>([
    ["Recruit", { product: "recruit" as "crm" }, "the list of changes of Zoho Recruit is not known well enough"],
    ["an invalid date", { since: new Date("x") }, "since is not a valid date"],
    ["a date in text", { since: "2026-03-01" as unknown as Date }, "since is not a Date"],
    [
      "a foreign resume",
      { resume: "changed 2026-03-01T09:00:00+00:00 2026-03-01T09:00:00+00:00 Deals" },
      "is not of a call with these modules",
    ],
    ["a broken resume", { resume: "x" }, "is not of a call with these modules"],
  ])("refuses %s", async (_, more, message) => {
    const error = await errorOf(collect(app.connect().missed(all(more))));
    expect(error.code).toBe("misuse");
    expect(error.message).toContain(message);
  });

  it("names the module that the organisation does not have", async () => {
    const error = await errorOf(collect(app.connect().missed(all({ modules: ["Nothing"] }))));
    expect(error).toMatchObject({ code: "invalid_module", status: 400 });
    expect(error.hint).toContain("API names");
  });
});
