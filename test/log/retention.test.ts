import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isBodyCut } from "../../src/log/retention.ts";
import type { Verdict, VerdictWord } from "../../src/model/product.ts";
import { type EntryParts, newEntry } from "../support/log-entry.ts";
import { collect, engines, runSqlIn, tempFolder, tempLog } from "../support/temp-log.ts";

const APP = "http://localhost:3000/";
const MEGABYTE = 1024 * 1024;

const verdict = (word: VerdictWord): Verdict => ({ id: "guide-signature", proves: "body", verdict: word, reason: "" });

describe.each(engines)("the body of a rejected delivery on %s", (engine) => {
  const cases: readonly [string, EntryParts, number][] = [
    ["is cut where the signature is wrong", { receipt: { verdicts: [verdict("failed")] } }, 4096],
    ["is cut where nothing was verified", { receipt: { verdicts: [] }, status: 404 }, 4096],
    ["is whole where the signature is right", { status: 422 }, 10_000],
    ["is whole up to 4 kB", { receipt: { verdicts: [] }, body: "x".repeat(4096) }, 4096],
    ["is cut between two characters", { receipt: { verdicts: [] }, body: "€".repeat(2000) }, 4095],
    ["is cut in half a character that is none", { receipt: { verdicts: [] }, body: Buffer.alloc(9000, 0x80) }, 4093],
  ];
  it.each(cases)("%s", async (_, parts, bytes) => {
    const log = await tempLog(engine);
    const entry = newEntry({ accepted: false, body: "x".repeat(10_000), ...parts });
    // Other deliveries of the same flush keep their bytes.
    await Promise.all([
      log.append(newEntry({ body: "before" })),
      log.append(entry),
      log.append(newEntry({ body: "after" })),
    ]);
    const bodies = (await collect(log.entries({}, { order: "oldest" }))).map(({ delivery }) => delivery.body);
    expect(bodies.map(String)).toEqual(["before", entry.delivery.body.toString("utf8", 0, bytes), "after"]);
  });
});

it("a cut body is known by its announced length, or without one by its own", () => {
  const isCut = (length: number, announced?: number, accepted = false): boolean => {
    const headers = announced === undefined ? [] : ([["Content-Length", String(announced)]] as const);
    return isBodyCut({ accepted, delivery: { method: "POST", url: "/", headers, body: Buffer.alloc(length) } });
  };
  expect([isCut(4096, 4097), isCut(0, 2_000_000), isCut(4094)]).toEqual([true, true, true]);
  expect([isCut(4096, 4096), isCut(5000), isCut(100), isCut(4096, 9000, true)]).toEqual([false, false, false, false]);
});

describe.each(engines)("pruning a log on %s", (engine) => {
  it("removes expired deliveries with all their data", async () => {
    const log = await tempLog(engine, { keepMs: 1000, now: () => new Date(10_000) });
    for (const ms of [8000, 8999, 9000, 10_000]) await log.append(newEntry({ receivedAt: new Date(ms) }));
    await log.recordAttempt(1, { target: APP, at: new Date(), status: 200, latencyMs: 1, error: undefined });
    expect(await log.prune()).toMatchObject({ removed: 2 });
    expect((await collect(log.rows())).map(({ n }) => n)).toEqual([4, 3]);
    expect((await log.stats()).latencyMs).toBeUndefined();
    expect(await log.get(1)).toBeUndefined();
  });

  it("removes nothing up to the number that is given", async () => {
    const log = await tempLog(engine, { now: () => new Date(10_000) });
    // The clock was set back: a later number with an earlier time.
    for (const ms of [5000, 6000, 4000, 7000]) await log.append(newEntry({ receivedAt: new Date(ms) }));
    expect(await log.prune({ keepMs: 0, after: 2 })).toMatchObject({ removed: 2 });
    expect((await collect(log.rows())).map(({ n }) => n)).toEqual([2, 1]);
  });

  it("removes attempts that were recorded after their delivery was removed", async () => {
    const log = await tempLog(engine);
    for (const ms of [0, 0, Date.now()]) await log.append(newEntry({ receivedAt: new Date(ms) }));
    await log.prune({ keepMs: 60_000 });
    const attempt = { target: APP, at: new Date(), status: 200, latencyMs: 1, error: undefined };
    // More than two batches.
    await Promise.all(Array.from({ length: 1100 }, (_, i) => log.recordAttempt(1 + (i % 2), attempt)));
    await log.recordAttempt(3, attempt);
    await log.prune({ keepMs: 60_000 });
    expect((await log.stats()).latencyMs?.count).toBe(1);
    await log.prune({ keepMs: -60_000 });
    expect((await log.stats()).latencyMs).toBeUndefined();
    await log.recordAttempt(3, attempt);
    await log.prune();
    expect((await log.stats()).latencyMs).toBeUndefined();
  });

  it("reduces the log below a size, oldest first, and frees the space", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path, maxBytes: 2 * MEGABYTE });
    await Promise.all(Array.from({ length: 1500 }, () => log.append(newEntry({ body: "x".repeat(3000) }))));
    const { removed, bytes } = await log.prune();
    expect(bytes).toBeLessThanOrEqual(2 * MEGABYTE);
    expect(bytes).toBeGreaterThan(MEGABYTE);
    const left = (await collect(log.rows())).map(({ n }) => n);
    expect(left).toEqual(Array.from({ length: 1500 - removed }, (_, i) => 1500 - i));
    await log.close();
    // PostgreSQL keeps the space for what comes.
    if (engine !== "postgresql") expect(statSync(path).size).toBeLessThanOrEqual(2 * MEGABYTE);
  });

  it("removes no more than that, even when an old one still waits and sizes differ", async () => {
    const log = await tempLog(engine, { maxBytes: 2 * MEGABYTE });
    await log.append(newEntry({ forward: { targets: [APP] } }));
    await Promise.all(Array.from({ length: 900 }, () => log.append(newEntry({ body: "x" }))));
    expect((await log.prune({ keepMs: 1 })).removed).toBe(900);
    for (let i = 0; i < 6; i++) await log.append(newEntry({ body: "x".repeat(400_000) }));
    await Promise.all(Array.from({ length: 300 }, () => log.append(newEntry({ body: "x".repeat(1000) }))));
    const { removed, bytes } = await log.prune();
    expect(removed).toBeLessThanOrEqual(4);
    expect(bytes).toBeGreaterThan(1.3 * MEGABYTE);
    expect(bytes).toBeLessThanOrEqual(2 * MEGABYTE);
  });

  it("ends after the current batch when aborted, and continues another time", async () => {
    const log = await tempLog(engine);
    await Promise.all(Array.from({ length: 1200 }, () => log.append(newEntry({ receivedAt: new Date(0) }))));
    expect(await log.prune({ keepMs: 1 }, AbortSignal.abort())).toMatchObject({ removed: 500 });
    expect(await log.prune({ keepMs: 1 })).toMatchObject({ removed: 700 });
  });

  it.skipIf(engine === "postgresql")("ends when the file keeps its free pages", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    await Promise.all(
      Array.from({ length: 300 }, () => log.append(newEntry({ receivedAt: new Date(0), body: "x".repeat(3000) }))),
    );
    await log.close();
    await runSqlIn(engine, path, "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = 0; VACUUM");
    const again = await tempLog(engine, { path });
    expect(await again.prune({ keepMs: 1 })).toMatchObject({ removed: 300 });
  });

  it.skipIf(engine === "postgresql")("limits the journal of a small log", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path, maxBytes: 2 * MEGABYTE });
    for (let i = 0; i < 300; i++) await log.append(newEntry({ body: "x".repeat(3000) }));
    await log.prune();
    expect(statSync(`${path}-wal`).size).toBeLessThan(MEGABYTE);
  });

  it("never removes deliveries that wait for a target", async () => {
    const log = await tempLog(engine);
    const forward = { targets: [APP] };
    await log.append(newEntry({ receivedAt: new Date(0), forward }));
    await log.append(newEntry({ receivedAt: new Date(0) }));
    expect(await log.prune({ keepMs: 1, maxBytes: 1 })).toMatchObject({ removed: 1 });
    const { claims } = await log.queue.claim({ target: APP, limit: 1, now: new Date(), maxPauseMs: 1 });
    const [claim] = claims;
    expect(claim?.n).toBe(1);
    const attempt = { target: APP, at: new Date(), status: 200, latencyMs: 1, error: undefined };
    if (claim) await log.queue.complete(claim, attempt, { state: "delivered" });
    expect(await log.prune({ keepMs: 1 })).toMatchObject({ removed: 1 });
  });

  it("removes rejected deliveries first and failed ones last, but no waiting one", async () => {
    const log = await tempLog(engine);
    const body = "x".repeat(500_000);
    const add = (parts: EntryParts) => log.append(newEntry({ body, ...parts }));
    const forward = { targets: [APP] };
    for (let i = 0; i < 3; i++) await add({ forward });
    await log.queue.giveUp(APP);
    await add({ forward });
    await add({ status: 500 });
    for (let i = 0; i < 3; i++) await add({});
    for (let i = 0; i < 3; i++) await add({ accepted: false, body: "x".repeat(100_000) });
    const left = async (maxBytes: number) => {
      await log.prune({ maxBytes });
      return (await collect(log.rows({}, { order: "oldest" }))).map(({ n }) => n);
    };
    const [failed, waiting, mirrored] = [[1, 2, 3], [4], [5]];
    expect(await left(4_200_000)).toEqual([...failed, ...waiting, ...mirrored, 7, 8]);
    expect(await left(3_300_000)).toEqual([...failed, ...waiting, ...mirrored]);
    expect(await left(2_450_000)).toEqual([2, 3, ...waiting, ...mirrored]);
    expect(await left(1)).toEqual(waiting);
  });

  it("leaves a tenth of the limit to rejected deliveries, the newest ones", async () => {
    const log = await tempLog(engine);
    await log.append(newEntry());
    const url = `/${"x".repeat(9000)}`;
    for (let i = 0; i < 60; i++) await log.append(newEntry({ accepted: false, url }));
    const { removed, bytes } = await log.prune({ maxBytes: 2 * MEGABYTE });
    expect(bytes).toBeLessThan(MEGABYTE);
    expect(removed).toBeGreaterThan(35);
    expect(removed).toBeLessThan(45);
    const left = (await collect(log.rows({}, { order: "oldest" }))).map(({ n }) => n);
    expect(left).toEqual([1, ...Array.from({ length: 60 - removed }, (_, i) => 2 + removed + i)]);
    expect(await log.prune({ maxBytes: 2 * MEGABYTE })).toMatchObject({ removed: 0 });
  });

  it("accepts deliveries meanwhile, and removes nothing without a limit", async () => {
    const log = await tempLog(engine);
    await Promise.all(Array.from({ length: 2000 }, () => log.append(newEntry({ receivedAt: new Date(0) }))));
    expect(await log.prune()).toMatchObject({ removed: 0 });
    const [pruned, added] = await Promise.all([log.prune({ keepMs: 60_000 }), log.append(newEntry())]);
    expect(pruned.removed).toBe(2000);
    expect((await collect(log.rows())).map(({ n }) => n)).toEqual([added.n]);
  });
});
