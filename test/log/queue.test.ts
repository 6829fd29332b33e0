import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Claim, ForwardRequest, Log, NewAttempt } from "../../src/log/log.ts";
import { damagePages } from "../support/damage-pages.ts";
import { newEntry } from "../support/log-entry.ts";
import { collect, engines, runSqlIn, tempFolder, tempLog } from "../support/temp-log.ts";

const APP = "http://localhost:3000/";
const OTHER = "http://localhost:4000/leads";
const LONGEST_PAUSE = 60_000;
/** Coarse, since the times in PostgreSQL are off by how long a query is under way. */
const later = (seconds: number): Date => new Date((1_000_000 + seconds) * 1000);
const toSecond = (at: Date | undefined) => at && new Date(Math.round(at.getTime() / 1000) * 1000);
const answered = (status: number): NewAttempt => ({
  target: APP,
  at: later(1),
  status,
  latencyMs: 3,
  error: undefined,
});

const request = (parts: { target?: string; limit?: number; now?: Date } = {}) => ({
  target: APP,
  limit: 10,
  now: later(100),
  maxPauseMs: LONGEST_PAUSE * 1000,
  ...parts,
});

const claimed = async (log: Log, parts: Parameters<typeof request>[0] = {}): Promise<readonly Claim[]> =>
  (await log.queue.claim(request(parts))).claims;

const waiting = async (log: Log) =>
  (await log.queue.waiting()).map(({ nextAt, ...each }) => ({ ...each, nextAt: toSecond(nextAt) }));

function waitingFor(parts: Partial<ForwardRequest> = {}, at = 0) {
  return newEntry({ receivedAt: later(at), forward: { targets: [APP], ...parts } });
}

describe.each(engines)("the waiting deliveries of a log on %s", (engine) => {
  it("are claimed once, in order of arrival, with their exact bytes", async () => {
    const log = await tempLog(engine);
    for (let i = 0; i < 5; i++)
      await log.append({ ...waitingFor({}, i), delivery: newEntry({ body: `{"i":${i}}` }).delivery });
    const first = await claimed(log, { limit: 3 });
    const second = await claimed(log);
    expect([...first, ...second].map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
    expect(first[2]?.delivery.body.toString()).toBe('{"i":2}');
    expect(first[0]).toMatchObject({ product: "crm", event: "Leads.create", attempts: 0, receivedAt: later(0) });
    expect(await claimed(log)).toEqual([]);
  });

  it("wait for each target separately", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor({ targets: [APP, OTHER] }));
    const [claim] = await claimed(log);
    expect(claim).toBeDefined();
    if (claim) await log.queue.complete(claim, answered(200), { state: "delivered" });
    expect(await waiting(log)).toMatchObject([{ target: OTHER, waiting: 1, nextAt: later(0) }]);
    expect((await log.get(1))?.state).toBe("waiting");
    expect(await claimed(log, { target: OTHER })).toHaveLength(1);
  });

  it("are due again after a failed attempt, not before their time, until they fail", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor());
    const [first] = await claimed(log);
    if (first) await log.queue.complete(first, answered(503), { state: "retry", at: later(2000) });
    expect(await claimed(log, { now: later(1999) })).toEqual([]);
    expect(await waiting(log)).toMatchObject([{ target: APP, waiting: 1, nextAt: later(2000) }]);
    const [second] = await claimed(log, { now: later(2001) });
    expect(second).toMatchObject({ n: 1, attempts: 1 });
    if (second) await log.queue.complete(second, answered(500), { state: "failed" });
    expect(await log.queue.waiting()).toEqual([]);
    const kept = await log.get(1);
    expect(kept).toMatchObject({ state: "failed", forwards: [{ target: APP, state: "failed", attempts: 2 }] });
    expect(kept?.attempts.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 503],
      [2, 500],
    ]);
    expect((await collect(log.rows({ only: ["failed"] }))).map(({ n }) => n)).toEqual([1]);
  });

  it("are delivered once every target has them", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor());
    const [claim] = await claimed(log);
    if (claim) await log.queue.complete(claim, answered(204), { state: "delivered" });
    expect((await log.get(1))?.state).toBe("delivered");
  });

  it("are delivered when an app has answered the sender itself", async () => {
    const log = await tempLog(engine);
    await log.append(newEntry());
    await log.append(newEntry());
    expect((await log.get(1))?.state).toBe("received");
    await log.recordAttempt(1, answered(200));
    await log.recordAttempt(2, answered(500));
    expect((await log.get(1))?.state).toBe("delivered");
    expect((await log.get(2))?.state).toBe("failed");
    expect((await log.stats()).total).toMatchObject({ received: 2, delivered: 1, failed: 1 });
  });

  it("become delivered after a successful attempt outside of the queue, whether waiting or failed", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor());
    const [claim] = await claimed(log);
    if (claim) await log.queue.complete(claim, answered(400), { state: "failed" });
    await log.append(waitingFor());
    for (const n of [1, 2]) {
      await log.recordAttempt(n, { ...answered(200), settles: "delivered" });
      expect((await log.get(n))?.state).toBe("delivered");
    }
    expect(await log.queue.waiting()).toEqual([]);
  });

  it("are in the state of the last outcome, counting replays of the same bytes to their targets", async () => {
    const log = await tempLog(engine);
    const failures = async () => (await collect(log.rows({ only: ["failed"] }))).map(({ n }) => n);
    const replay = (n: number, status: number, target = APP, replayed: "same" | "edited" = "same") =>
      log.recordAttempt(n, {
        ...answered(status),
        target,
        replay: replayed,
        settles: replayed === "edited" ? undefined : status === 200 ? "delivered" : "failed",
      });
    const states = async () => [(await log.get(1))?.state, (await log.get(2))?.state, (await log.get(3))?.state];
    await log.append(waitingFor());
    const [claim] = await claimed(log);
    if (claim) await log.queue.complete(claim, answered(200), { state: "delivered" });
    // Never queued, as by a listen without a target.
    await log.append(newEntry());
    await log.append(waitingFor());
    for (const n of [1, 2]) await replay(n, 500, OTHER, "edited");
    await replay(1, 500, OTHER);
    expect([await states(), await failures()]).toEqual([["delivered", "received", "waiting"], []]);
    for (const n of [1, 2, 3]) await replay(n, 500);
    expect([await states(), await failures()]).toEqual([
      ["failed", "failed", "waiting"],
      [2, 1],
    ]);
    expect((await log.get(1))?.forwards).toMatchObject([{ target: APP, state: "failed" }]);
    expect((await collect(log.rows())).map(({ lastAttempt }) => lastAttempt?.status)).toEqual([500, 500, 500]);
    expect((await log.stats()).total).toMatchObject({ failed: 2, waiting: 1 });
    for (const n of [1, 2]) await replay(n, 200, APP, "edited");
    expect(await failures()).toEqual([2, 1]);
    for (const n of [1, 2]) await replay(n, 200);
    expect([await states(), await failures()]).toEqual([["delivered", "delivered", "waiting"], []]);
  });

  it("wait again without an attempt when they are released", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor());
    const claims = await claimed(log);
    await log.queue.release(claims);
    expect(await claimed(log)).toMatchObject([{ n: 1, attempts: 0 }]);
    expect((await log.get(1))?.attempts).toEqual([]);
  });

  it("wait behind the others until a time that they are released with, also after a restart", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    for (let i = 0; i < 3; i++) await log.append(waitingFor({}, i));
    await log.queue.release(await claimed(log, { limit: 1 }), later(110));
    const { claims, hasMore, nextAt } = await log.queue.claim(request());
    expect(claims.map(({ n }) => n)).toEqual([2, 3]);
    expect([hasMore, toSecond(nextAt)]).toEqual([false, later(110)]);
    await log.close();
    const again = await tempLog(engine, { path });
    expect(await claimed(again, { now: later(111) })).toMatchObject([{ n: 2 }, { n: 3 }, { n: 1, attempts: 0 }]);
  });

  it("stay in the log while their bodies exceed maxBytes, except the first, and set hasMore", async () => {
    const log = await tempLog(engine);
    for (let i = 0; i < 3; i++)
      await log.append({ ...waitingFor({}, i), ...newEntry({ body: Buffer.alloc(100) }), forward: { targets: [APP] } });
    const sized = async (maxBytes: number) => {
      const { claims, hasMore } = await log.queue.claim({ ...request({ now: new Date() }), maxBytes });
      return [claims.map(({ n }) => n), hasMore];
    };
    expect(await sized(50)).toEqual([[1], true]);
    expect(await sized(199)).toEqual([[2], true]);
    expect(await sized(200)).toEqual([[3], false]);
  });

  it("survive a restart, also those that were claimed", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    for (let i = 0; i < 3; i++) await log.append(waitingFor({ claim: i === 2 ? [APP] : [] }, i));
    await claimed(log, { limit: 1 });
    await log.close();
    const again = await tempLog(engine, { path });
    expect(await waiting(again)).toMatchObject([{ target: APP, waiting: 3, nextAt: later(0) }]);
    expect((await claimed(again)).map(({ n }) => n)).toEqual([1, 2, 3]);
  });

  it("that are damaged or incomplete are reported, and block no others", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    for (let i = 0; i < 4; i++) await log.append(waitingFor({}, i));
    await runSqlIn(engine, path, "UPDATE contents SET headers = '[[' WHERE n = 2; DELETE FROM contents WHERE n = 3");
    const { claims, unreadable } = await log.queue.claim(request());
    expect(claims.map(({ n }) => n)).toEqual([1, 4]);
    expect(unreadable).toMatchObject([{ n: 2, reason: expect.stringMatching(/JSON/) }, { n: 3 }]);
    expect(await claimed(log)).toEqual([]);
  });

  it("stay delivered when a replay has delivered them while they were claimed", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor());
    const [claim] = await claimed(log);
    await log.recordAttempt(1, { ...answered(200), settles: "delivered" });
    expect(claim && (await log.queue.complete(claim, answered(500), { state: "retry", at: later(0) }))).toBe("done");
    const kept = await log.get(1);
    expect(kept?.state).toBe("delivered");
    expect(kept?.attempts).toHaveLength(2);
  });

  it("are claimed when they are recorded for a caller with room", async () => {
    const log = await tempLog(engine);
    const added = [await log.append(waitingFor({ claim: [APP] })), await log.append(waitingFor({ claim: [OTHER] }))];
    expect(added.map(({ forwards }) => forwards)).toMatchObject([
      [{ target: APP, claim: { n: 1 } }],
      [{ target: APP, claim: undefined }],
    ]);
    const mine = added[0]?.forwards[0]?.claim;
    expect(mine?.isValid()).toBe(true);
    expect((await claimed(log)).map(({ n }) => n)).toEqual([2]);
    expect(mine && (await log.queue.complete(mine, answered(200), { state: "delivered" }))).toBe("done");
    expect((await log.get(1))?.state).toBe("delivered");
  });
});

describe("the waiting deliveries of a log on SQLite", () => {
  // PostgreSQL has the clock of the database.
  it("are due at once when they seem to wait for longer than any pause, because the clock was set back", async () => {
    const log = await tempLog("sqlite");
    await log.append(waitingFor({}, 3_600_000));
    await log.append(waitingFor());
    await log.append(waitingFor());
    const [first, second] = await claimed(log, { limit: 2 });
    if (first) await log.queue.complete(first, answered(503), { state: "retry", at: later(7_200_000) });
    if (second) await log.queue.complete(second, answered(503), { state: "retry", at: later(LONGEST_PAUSE) });
    const { claims, hasMore, nextAt } = await log.queue.claim(request());
    expect(claims.map(({ n }) => n)).toEqual([1, 2]);
    expect([hasMore, nextAt]).toEqual([false, later(LONGEST_PAUSE)]);
  });

  it("on a damaged page are reported, and block no others", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    for (const body of ["{}", "hurt".repeat(5000), "{}"])
      await log.append({ ...waitingFor(), delivery: newEntry({ body }).delivery });
    await log.close();
    damagePages(path, "hurt".repeat(1000));
    const { claims, unreadable } = await (await tempLog("sqlite", { path })).queue.claim(request());
    expect(claims.map(({ n }) => n)).toEqual([1, 3]);
    expect(unreadable).toMatchObject([{ n: 2, reason: expect.stringMatching(/malformed/) }]);
  });
});
