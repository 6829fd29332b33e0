import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseWhere } from "../../src/log/filter.ts";
import type { Log, LogFilter } from "../../src/log/log.ts";
import type { Verdict } from "../../src/model/product.ts";
import { makeVerdict, missingVerdict, senderResult } from "../../src/model/verdict.ts";
import { newEntry } from "../support/log-entry.ts";
import { collect, engines, openTestLog, tempLog } from "../support/temp-log.ts";

const EVENTS = ["Leads.create", "Leads.update", "Deals.create", "Ticket.Create", "invoice_created"] as const;
const PRODUCTS = ["crm", "crm", "crm", "desk", "books"] as const;
const COUNT = 4000;
const START_MS = 1_700_000_000_000;

/** One delivery a second; every hundredth is rejected, every thousandth has the 19-digit id in its body. */
const ISSUE = { path: ["data"], at: "data", expected: "an object", received: "nothing" };

async function fill(log: Log): Promise<void> {
  for (let from = 0; from < COUNT; from += 1000) {
    await Promise.all(
      Array.from({ length: 1000 }, (_, j) => {
        const i = from + j;
        const id = i % 1000 === 7 ? 5725767000000900000n + BigInt(i) : BigInt(i);
        return log.append(
          newEntry({
            receivedAt: new Date(START_MS + i * 1000),
            product: PRODUCTS[i % 5],
            event: EVENTS[i % 5],
            accepted: i % 100 !== 0,
            receipt: {
              ...(i % 100 === 0 ? { verdicts: [{ id: "t", proves: "body", verdict: "failed", reason: "wrong" }] } : {}),
              ...(i % 200 === 100 ? { schema: { ok: false, issues: [ISSUE] } } : {}),
            },
            body: `{"data":{"id":${id},"Email":"user${i}@example.com","Amount":${i}.00,"tags":["a${i}","b"]}}`,
          }),
        );
      }),
    );
  }
}

describe.each(engines)("a log of 4,000 on %s", (engine) => {
  let log: Log;
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "zoho-hooks-"));
    log = await openTestLog(engine, { path: join(folder, "events.db") });
    await fill(log);
    return async () => {
      await log.close();
      rmSync(folder, { recursive: true, force: true });
    };
  }, 60_000);
  const numbers = async (filter: LogFilter, limit = Number.POSITIVE_INFINITY): Promise<number[]> =>
    (await collect(log.rows(filter, { limit }))).map(({ n }) => n);

  it("lists newest first or oldest first, up to a limit", async () => {
    expect(await numbers({}, 3)).toEqual([4000, 3999, 3998]);
    expect((await collect(log.rows({}, { order: "oldest", limit: 2 }))).map(({ n }) => n)).toEqual([1, 2]);
    const all = await numbers({});
    expect(all).toHaveLength(COUNT);
    expect(all).toEqual([...all].sort((a, b) => b - a));
    expect((await collect(log.rows({}, { order: "oldest" }))).map(({ n }) => n)).toEqual(all.reverse());
  });

  it.each([
    [["Leads.create"], 800],
    [["leads.*"], 1600],
    [["*.create"], 2400],
    [["crm:*.Create"], 1600],
    [["desk:*"], 800],
    [["books:Leads.*"], 0],
    [["Leads.creat?", "desk:Ticket.Create"], 1600],
    [["Leads"], 0],
    [["Leads.(create|update)"], 0],
  ])("finds the events that match %j", async (events, count) => {
    expect(await numbers({ events })).toHaveLength(count);
  });

  it("finds by product, status, outcome, time and number", async () => {
    expect(await numbers({ product: "desk" })).toHaveLength(800);
    expect(await numbers({ only: [{ minStatus: 400, maxStatus: 499 }] })).toHaveLength(40);
    expect(await numbers({ only: [{ minStatus: 200, maxStatus: 200 }] })).toHaveLength(3960);
    expect(await numbers({ only: [{ minStatus: 402, maxStatus: 403 }] })).toEqual([]);
    expect(await numbers({ only: ["rejected"] })).toHaveLength(40);
    // A wrong signature does not make a body invalid.
    expect(await numbers({ only: ["invalid"] })).toHaveLength(20);
    const failed = await numbers({ only: ["failed"] });
    const rejected = await numbers({ only: ["rejected"] });
    expect(await numbers({ only: ["failed", "rejected"] })).toEqual([...failed, ...rejected].sort((a, b) => b - a));
    expect(await numbers({ only: ["rejected", "invalid"], product: "desk" })).toEqual([]);
    expect(await numbers({ since: new Date(START_MS + 3_990_000) })).toHaveLength(10);
    expect(await numbers({ since: new Date(START_MS + 1e9) })).toEqual([]);
    expect(await numbers({ until: new Date(START_MS + 10_000) })).toHaveLength(10);
    expect(await numbers({ until: new Date(START_MS) })).toEqual([]);
    expect(await numbers({ after: 3998 })).toEqual([4000, 3999]);
    expect(
      await numbers({ product: "crm", events: ["Leads.*"], only: ["rejected"], since: new Date(START_MS) }),
    ).toHaveLength(40);
  });

  it("compares every digit of a long id", async () => {
    expect(await numbers({ search: "5725767000000903007" })).toEqual([3008]);
    expect(await numbers({ search: "5725767000000903008" })).toEqual([]);
    expect(await numbers({ where: [parseWhere("data.id=5725767000000903007")] })).toEqual([3008]);
    expect(await numbers({ where: [parseWhere("data.id=5725767000000903008")] })).toEqual([]);
  });

  it("finds by a value at a path", async () => {
    expect(await numbers({ where: [parseWhere("data.Email=user777@example.com")] })).toEqual([778]);
    expect(await numbers({ where: [parseWhere("data.Amount=778")] })).toEqual([779]);
    expect(await numbers({ where: [parseWhere("data.tags=a777")] })).toEqual([778]);
    expect(await numbers({ where: [parseWhere("data.tags[1]=a777")] })).toEqual([]);
    expect(await numbers({ where: [parseWhere("data.name=user777@example.com")] })).toEqual([]);
    const both = [parseWhere("data.Email=user777@example.com"), parseWhere("data.tags.1=b")];
    expect(await numbers({ where: both, events: ["Deals.create"] })).toEqual([778]);
  });

  it("returns entries with bytes and attempts, and stops reading when its consumer does", async () => {
    let first: string | undefined;
    for await (const entry of log.entries({ events: ["Leads.*"] }, { order: "oldest" })) {
      first = entry.delivery.body.toString();
      break;
    }
    expect(first).toContain("user0@");
  });

  it("counts by state, product and hour", async () => {
    const stats = await log.stats();
    expect(stats.total).toEqual({
      received: COUNT,
      waiting: 0,
      delivered: 0,
      failed: 0,
      duplicates: 0,
      rejected: 40,
      custom: 0,
    });
    expect(stats.products).toMatchObject({ crm: { received: 2400, rejected: 40 }, desk: { received: 800 } });
    expect(stats.periods.reduce((sum, { counts }) => sum + counts.received, 0)).toBe(COUNT);
    expect(stats.periods[0]?.at.getTime()).toBe(START_MS - (START_MS % 3_600_000));
    expect(stats.latencyMs).toBeUndefined();
    expect((await log.stats({ product: "desk" })).total.received).toBe(800);
  });
});

it.each(engines)("counts custom bodies on %s that were accepted without a wrong signature", async (engine) => {
  const log = await tempLog(engine);
  const unchecked = { format: "wire", schema: undefined, verdicts: [] };
  const failed = [{ id: "x", proves: "body", verdict: "failed", reason: "it is wrong" }] as const;
  for (const event of ["webhook", "an event", "an event"]) await log.append(newEntry({ event, receipt: unchecked }));
  await log.append(newEntry({ event: "an event", receipt: { ...unchecked, verdicts: failed } }));
  await log.append(newEntry({ event: "an event", receipt: unchecked, accepted: false }));
  await log.append(newEntry({ event: "an event" }));
  const { total, products, periods } = await log.stats(
    {},
    {
      isCustom(each) {
        expect(each).toMatchObject({ product: "crm", format: "wire" });
        return each.event === "an event";
      },
    },
  );
  expect(total).toMatchObject({ received: 6, custom: 2, rejected: 1 });
  expect(products).toMatchObject({ crm: { custom: 2 } });
  expect(periods.reduce((sum, { counts }) => sum + counts.custom, 0)).toBe(2);
});

it.each(engines)("a row on %s has one result for its signatures, as the other outputs have", async (engine) => {
  const log = await tempLog(engine);
  const about = [
    { id: "source-address", proves: "nothing" },
    { id: "token", proves: "sender" },
    { id: "guide-signature", proves: "body" },
  ] as const;
  const each: ((about: Pick<Verdict, "id" | "proves">) => Verdict)[] = [
    (proof) => makeVerdict(proof, "passed", 'quoted: "verdict":"failed"'),
    (proof) => makeVerdict(proof, "failed", "wrong"),
    (proof) => missingVerdict(proof, "there is none"),
    (proof) => makeVerdict(proof, "unconfigured", "no key"),
    (proof) => makeVerdict(proof, "absent", "none"),
  ];
  const lists = each.flatMap((a) => each.flatMap((b) => each.map((c) => [a(about[0]), b(about[1]), c(about[2])])));
  for (const [i, verdicts] of [[], ...lists].entries())
    await log.append(newEntry({ identity: `${i}`, receipt: { verdicts } }));
  const rows = await collect(log.rows({}, { order: "oldest" }));
  expect(rows.map(({ sender }) => sender)).toEqual([[], ...lists].map(senderResult));
  expect(new Set(rows.map(({ sender }) => sender)).size).toBe(5);
});

it.each(engines)("the percentiles of latencies on %s are exact, also of those that differ little", async (engine) => {
  const log = await tempLog(engine);
  const chosen = await log.append(newEntry({ body: "chosen" }));
  const other = await log.append(newEntry({ product: "desk", body: "other" }));
  const attempt = { target: "http://localhost:1/", at: new Date(), status: 200, error: undefined };
  const latencies = Array.from({ length: 200 }, (_, i) => (i * 7919) % 200).map(
    (i) => 1 + i / 1000 + (i > 150 ? i : 0),
  );
  for (const latencyMs of latencies) await log.recordAttempt(chosen.n, { ...attempt, latencyMs });
  await log.recordAttempt(chosen.n, { ...attempt, latencyMs: 5000, status: undefined });
  await log.recordAttempt(other.n, { ...attempt, latencyMs: 9000 });
  const [p50, p95, p99, max] = [100, 190, 198, 200].map((rank) => latencies.toSorted((a, b) => a - b)[rank - 1]);
  expect((await log.stats({ product: "crm" })).latencyMs).toEqual({ count: 200, p50, p95, p99, max });
  expect((await log.stats()).latencyMs).toMatchObject({ count: 201, max: 9000 });
  expect((await log.stats({ product: "desk" })).latencyMs).toMatchObject({ p50: 9000, p99: 9000 });
});

describe.each(engines)("a search on %s", (engine) => {
  it("finds text in any encoding of the body", async () => {
    const log = await tempLog(engine);
    const form = [["content-type", "application/x-www-form-urlencoded"]] as const;
    await log.append(newEntry({ body: '{"name":"Zoë Ångström"}' }));
    await log.append(newEntry({ body: '{"name":"Zo\\u00eb \\u00c5ngstr\\u00f6m"}' }));
    await log.append(newEntry({ body: "name=Zo%C3%AB+%C3%85ngstr%C3%B6m", headers: form }));
    await log.append(newEntry({ body: "", url: "/webhooks/zoho/crm?name=Zo%c3%ab%20%c3%85ngstr%c3%b6m" }));
    await log.append(newEntry({ body: '{"name":"Zoe"}' }));
    expect((await collect(log.rows({ search: "Zoë Ångström" }))).map(({ n }) => n)).toEqual([4, 3, 2, 1]);
    const where = [parseWhere("name=Zoë Ångström")];
    expect((await collect(log.rows({ where }))).map(({ n }) => n)).toEqual([4, 3, 2, 1]);
  });

  it("treats the text as text, not as a pattern", async () => {
    const log = await tempLog(engine);
    await log.append(newEntry({ body: '{"a":"100%_x"}' }));
    await log.append(newEntry({ body: '{"a":"100abx"}' }));
    expect((await collect(log.rows({ search: "100%_x" }))).map(({ n }) => n)).toEqual([1]);
    expect((await collect(log.rows({ search: "' OR 1=1 --" }))).map(({ n }) => n)).toEqual([]);
    expect((await collect(log.rows({ events: ["' OR 1=1 --"] }))).map(({ n }) => n)).toEqual([]);
  });

  // A regular expression would take half a minute, and the test would time out.
  it("searches a name with very many dots in linear time", async () => {
    const log = await tempLog(engine);
    await log.append(newEntry({ event: ".".repeat(60_000) }));
    expect(await collect(log.rows({ events: ["crm:*.*.change"] }))).toEqual([]);
  });

  it("finds a number written with an exponent", async () => {
    const log = await tempLog(engine);
    await log.append(newEntry({ body: '{"amount":1.2345678E7}' }));
    await log.append(newEntry({ body: '{"amount":"12345678"}' }));
    await log.append(newEntry({ body: '{"amount":123456789}' }));
    expect((await collect(log.rows({ where: [parseWhere("amount=12345678")] }))).map(({ n }) => n)).toEqual([2, 1]);
  });
});

it("rejects a condition without a path or a value", () => {
  expect(() => parseWhere("data.Email")).toThrow("needs a path");
  expect(() => parseWhere("=x")).toThrow("needs a path");
  expect(parseWhere("data[0].a=b=c")).toEqual({ path: ["data", "0", "a"], value: "b=c" });
});
