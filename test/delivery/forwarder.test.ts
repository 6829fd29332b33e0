import { describe, expect, it, onTestFinished } from "vitest";
import type { ForwardReport, TargetReport } from "../../src/core/forward-report.ts";
import { createForwarder, type Forwarder, type ForwarderOptions } from "../../src/delivery/forwarder.ts";
import { openPoster } from "../../src/delivery/post.ts";
import { loadEngine, type NativeDatabase } from "../../src/store/engine.ts";
import type { Log } from "../../src/store/log.ts";
import { app } from "../support/forward-run.ts";
import { newEntry } from "../support/log-entry.ts";
import { hang, yes } from "../support/target-app.ts";
import { engines, tempLog } from "../support/temp-log.ts";

interface Given {
  readonly log: Log;
  readonly forwarder: Forwarder;
  readonly reports: readonly (ForwardReport | TargetReport)[];
  readonly troubles: readonly string[];
  add(target: string): Promise<number>;
}

async function given(options: Partial<ForwarderOptions> = {}): Promise<Given> {
  const [engine = "better-sqlite3"] = engines;
  const log = await tempLog(engine, { busyMs: 50 });
  const poster = await openPoster({ connections: 4, insecure: false, env: {}, timeoutMs: 5000 });
  const reports: (ForwardReport | TargetReport)[] = [];
  const troubles: string[] = [];
  const forwarder = createForwarder({
    log: { ...log, ...options.log },
    poster,
    retry: { retries: 3, baseMs: 5 },
    concurrency: 4,
    leaseMs: 60_000,
    now: () => new Date(),
    onReport: (report) => void reports.push(report),
    onTarget: (report) => void reports.push(report),
    onTrouble: (message) => void troubles.push(message),
    ...options,
  });
  onTestFinished(async () => {
    await forwarder.close(0);
    await poster.close();
  });
  return {
    log,
    forwarder,
    reports,
    troubles,
    add: async (target) => (await log.append(newEntry({ forward: { targets: [target], duplicates: true } }))).n,
  };
}

describe("a forwarder", () => {
  it("says in time that an answer takes longer than Zoho would wait", async () => {
    const target = await app(hang);
    const { forwarder, troubles, add } = await given({ slowMs: 40 });
    await add(target.url);
    forwarder.wake([target.url]);
    await expect
      .poll(() => troubles)
      .toEqual([expect.stringMatching(/^#1: .* has not answered for 40 ms: Zoho would/)]);
  });

  it("says nothing of an answer that comes in time", async () => {
    const target = await app();
    const { forwarder, troubles, reports, add } = await given({ slowMs: 40 });
    await add(target.url);
    forwarder.wake([target.url]);
    await expect.poll(() => reports).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(troubles).toEqual([]);
  });

  it("lets each of an app's targets have its turn", async () => {
    const target = await app();
    const { forwarder, reports, add } = await given({ concurrency: 1 });
    const [one, two] = [`${target.url}/one`, `${target.url}/two`];
    for (let i = 0; i < 20; i++) await add(one);
    for (let i = 0; i < 3; i++) await add(two);
    forwarder.wake([one, two]);
    await expect.poll(() => reports.length).toBe(23);
    expect(target.seen.findIndex((seen) => seen.path === "/two")).toBeLessThan(4);
    expect(target.seen.slice(0, 10).filter((seen) => seen.path === "/two")).toHaveLength(3);
  });

  it("gives no place to what has just come while an earlier one waits", async () => {
    const target = await app();
    const { forwarder, reports, add } = await given();
    await add(target.url);
    expect(forwarder.reserve([target.url])).toBe(false);
    forwarder.wake([target.url]);
    await expect.poll(() => reports.length).toBe(1);
    expect(forwarder.reserve([target.url])).toBe(true);
    forwarder.giveBack([target.url]);
  });

  it("takes no place at all when one of several targets has none", async () => {
    const target = await app(hang);
    const { forwarder, reports, add } = await given({ concurrency: 2 });
    await add(target.url);
    forwarder.wake([target.url]);
    await target.came(1);
    // One place of two is left, for two targets of the same app: neither gets it.
    expect(forwarder.reserve([target.url, `${target.url}/other`])).toBe(false);
    target.answer(yes);
    await add(target.url);
    forwarder.wake([target.url]);
    await expect.poll(() => reports.length).toBe(1);
  });

  it("delivers what it had in hand while the log was locked, once, and goes on when the lock is gone", async () => {
    const target = await app();
    const { forwarder, log, reports, troubles, add } = await given({ afterTroubleMs: 20 });
    for (let i = 0; i < 6; i++) await add(target.url);
    let lock: NativeDatabase | undefined;
    target.answer(async (response) => {
      if (lock === undefined) {
        lock = (await loadEngine(engines)).open(log.path);
        lock.exec("BEGIN IMMEDIATE");
      }
      response.end("OK");
    });
    forwarder.wake([target.url]);
    await expect.poll(() => troubles.length).toBeGreaterThan(0);
    expect(troubles[0]).toContain("is locked");
    lock?.close();
    await expect.poll(() => reports.length, { timeout: 5000 }).toBe(6);
    expect(await log.waiting()).toEqual([]);
    expect(target.seen).toHaveLength(6);
  });

  it("keeps nothing in hand: what waits is in the log", async () => {
    const target = await app(hang);
    const { forwarder, log, add } = await given({ concurrency: 2 });
    for (let i = 0; i < 10; i++) await add(target.url);
    forwarder.wake([target.url]);
    await target.came(2);
    expect(await log.waiting()).toMatchObject([{ waiting: 8, inFlight: 2 }]);
  });
});
