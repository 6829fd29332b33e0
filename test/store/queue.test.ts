import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ForwardRequest, NewAttempt } from "../../src/store/forward.ts";
import { newEntry } from "../support/log-entry.ts";
import { collect, engines, tempFolder, tempLog } from "../support/temp-log.ts";

const APP = "http://localhost:3000/";
const OTHER = "http://localhost:4000/leads";
const LEASE_MS = 60_000;
const later = (ms: number): Date => new Date(1_000_000 + ms);
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
  leaseMs: LEASE_MS,
  ...parts,
});

function waitingFor(parts: Partial<ForwardRequest> = {}, atMs = 0) {
  return newEntry({ receivedAt: later(atMs), forward: { targets: [APP], duplicates: true, ...parts } });
}

describe.each(engines)("the waiting deliveries of a log on %s", (engine) => {
  it("come out in order of arrival with their exact bytes, once", async () => {
    const log = await tempLog(engine);
    for (let i = 0; i < 5; i++)
      await log.append({ ...waitingFor({}, i), delivery: newEntry({ body: `{"i":${i}}` }).delivery });
    const first = await log.claimWaiting(request({ limit: 3 }));
    const second = await log.claimWaiting(request());
    expect([...first, ...second].map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
    expect(first[2]?.delivery.body.toString()).toBe('{"i":2}');
    expect(first[0]).toMatchObject({ product: "crm", event: "Leads.create", attempts: 0, receivedAt: later(0) });
    expect(await log.claimWaiting(request())).toEqual([]);
  });

  it("are claimed by one of two receivers only", async () => {
    const path = join(tempFolder(), "events.db");
    const [one, two] = [await tempLog(engine, { path }), await tempLog(engine, { path })];
    await Promise.all(Array.from({ length: 50 }, () => one.append(waitingFor())));
    const claims = (
      await Promise.all([1, 2, 3, 4].map((i) => (i % 2 ? one : two).claimWaiting(request({ limit: 20 }))))
    ).flat();
    expect(claims.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });

  it("wait for each target by itself", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor({ targets: [APP, OTHER] }));
    const [claim] = await log.claimWaiting(request());
    expect(claim).toBeDefined();
    if (claim) await log.settle(claim, answered(200), { state: "delivered" });
    expect(await log.waiting()).toEqual([{ target: OTHER, waiting: 1, inFlight: 0, nextAt: later(0) }]);
    expect((await log.get(1))?.state).toBe("waiting");
    expect(await log.claimWaiting(request({ target: OTHER }))).toHaveLength(1);
  });

  it("come back when an attempt failed, not before their time, and are given up on when told so", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor());
    const [first] = await log.claimWaiting(request());
    if (first) await log.settle(first, answered(503), { state: "retry", at: later(2000) });
    expect(await log.claimWaiting(request({ now: later(1999) }))).toEqual([]);
    expect(await log.waiting()).toEqual([{ target: APP, waiting: 1, inFlight: 0, nextAt: later(2000) }]);
    const [second] = await log.claimWaiting(request({ now: later(2000) }));
    expect(second).toMatchObject({ n: 1, attempts: 1 });
    if (second) await log.settle(second, answered(500), { state: "failed" });
    expect(await log.waiting()).toEqual([]);
    const kept = await log.get(1);
    expect(kept).toMatchObject({ state: "failed", forwards: [{ target: APP, state: "failed", attempts: 2 }] });
    expect(kept?.attempts.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 503],
      [2, 500],
    ]);
    expect((await collect(log.list({ failed: true }))).map(({ n }) => n)).toEqual([1]);
  });

  it("are processed once every target has them", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor());
    const [claim] = await log.claimWaiting(request());
    if (claim) await log.settle(claim, answered(204), { state: "delivered" });
    expect((await log.get(1))?.state).toBe("processed");
  });

  it("are processed, too, where an app has answered its sender itself", async () => {
    const log = await tempLog(engine);
    await log.append(newEntry());
    await log.append(newEntry());
    expect((await log.get(1))?.state).toBe("received");
    await log.recordAttempt(1, answered(200));
    await log.recordAttempt(2, answered(500));
    expect((await log.get(1))?.state).toBe("processed");
    expect((await log.get(2))?.state).toBe("received");
    expect((await log.stats()).total).toMatchObject({ received: 2, processed: 1 });
  });

  it("go back without an attempt when they are released", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor());
    const claims = await log.claimWaiting(request());
    await log.release(claims);
    expect(await log.claimWaiting(request())).toMatchObject([{ n: 1, attempts: 0 }]);
    expect((await log.get(1))?.attempts).toEqual([]);
  });

  it("survive a restart, also those that were under way", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    await log.append(waitingFor());
    await log.append(waitingFor());
    await log.claimWaiting(request({ limit: 1 }));
    await log.close();
    const again = await tempLog(engine, { path });
    expect(await again.waiting()).toEqual([{ target: APP, waiting: 1, inFlight: 1, nextAt: later(0) }]);
    expect(await again.recoverClaims()).toBe(1);
    expect((await again.claimWaiting(request())).map(({ n }) => n)).toEqual([1, 2]);
  });

  it("are claimed again when a lease has run out", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor());
    await log.claimWaiting(request());
    expect(await log.claimWaiting(request({ now: later(100 + LEASE_MS - 1) }))).toEqual([]);
    expect(await log.claimWaiting(request({ now: later(100 + LEASE_MS) }))).toHaveLength(1);
  });

  it("stay delivered when a receiver that lost its claim reports a failure", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor());
    const [lost] = await log.claimWaiting(request());
    const [taken] = await log.claimWaiting(request({ now: later(100 + LEASE_MS) }));
    if (taken) await log.settle(taken, answered(200), { state: "delivered" });
    if (lost) await log.settle(lost, answered(500), { state: "retry", at: later(0) });
    const kept = await log.get(1);
    expect(kept?.state).toBe("processed");
    expect(kept?.attempts).toHaveLength(2);
  });

  it("reach a target one after the other where they have one key, whatever comes of the first", async () => {
    const log = await tempLog(engine);
    await log.append(waitingFor({ orderKey: "a" }, 0));
    await log.append(waitingFor({ orderKey: "a" }, 1));
    await log.append(waitingFor({ orderKey: "b" }, 2));
    const claims = await log.claimWaiting(request());
    expect(claims.map(({ n }) => n)).toEqual([1, 3]);
    const [first] = claims;
    if (first) await log.settle(first, answered(500), { state: "retry", at: later(5000) });
    expect(await log.claimWaiting(request({ now: later(1000) }))).toEqual([]);
    const [again] = await log.claimWaiting(request({ now: later(5000) }));
    expect(again?.n).toBe(1);
    if (again) await log.settle(again, answered(500), { state: "failed" });
    expect((await log.claimWaiting(request({ now: later(5000) }))).map(({ n }) => n)).toEqual([2]);
  });

  it("about several records go after what is on its way of any of them, and before what comes later", async () => {
    const log = await tempLog(engine);
    const keys = ["crm:1", "crm:*", "crm:2", "desk:2", undefined];
    for (const [i, orderKey] of keys.entries()) await log.append(waitingFor({ orderKey }, i));
    const [first, ...others] = await log.claimWaiting(request());
    expect([first?.n, ...others.map(({ n }) => n)]).toEqual([1, 4, 5]);
    // While it is on its way nothing of its product is claimed as it arrives.
    const arriving = await log.append(waitingFor({ orderKey: "crm:3", leaseMs: LEASE_MS }, 5));
    expect(arriving.forwards).toMatchObject([{ claimed: false }]);
    if (first) await log.settle(first, answered(200), { state: "delivered" });
    const [second, ...none] = await log.claimWaiting(request());
    expect([second?.n, none]).toEqual([2, []]);
    if (second) await log.settle(second, answered(200), { state: "delivered" });
    expect((await log.claimWaiting(request())).map(({ n }) => n)).toEqual([3, 6]);
  });

  it("are claimed as they arrive for a caller with a free place, but not past an earlier one of their key", async () => {
    const log = await tempLog(engine);
    const now = waitingFor({ orderKey: "a", leaseMs: LEASE_MS });
    const added = await Promise.all([log.append(now), log.append(now)]);
    expect(added.map(({ forwards }) => forwards.map(({ target, claimed }) => [target, claimed]))).toEqual([
      [[APP, true]],
      [[APP, false]],
    ]);
    expect(await log.claimWaiting(request())).toEqual([]);
    const [mine] = added[0]?.forwards ?? [];
    if (mine) await log.settle(mine, answered(200), { state: "delivered" });
    expect((await log.claimWaiting(request())).map(({ n }) => n)).toEqual([2]);
  });

  it("are claimed from the commit on, however long the upload took", async () => {
    const committed = later(10 * LEASE_MS);
    const log = await tempLog(engine, { now: () => committed });
    await log.append(waitingFor({ leaseMs: LEASE_MS }, 0));
    const at = (ms: number) => request({ now: new Date(committed.getTime() + ms) });
    expect(await log.claimWaiting(at(LEASE_MS - 1))).toEqual([]);
    expect(await log.claimWaiting(at(LEASE_MS))).toHaveLength(1);
  });

  it("hold duplicates only where those are wanted", async () => {
    const log = await tempLog(engine);
    const entry = (duplicates: boolean) => ({
      ...waitingFor({ duplicates }),
      ...{ receipt: newEntry({ identity: "x" }).receipt },
    });
    await log.append(entry(false));
    expect((await log.append(entry(false))).forwards).toEqual([]);
    expect((await log.append(entry(true))).forwards).toHaveLength(1);
  });
});
