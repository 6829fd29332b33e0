import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Backlog } from "../../src/forward/backlog.ts";
import type { Claimed, Log } from "../../src/log/log.ts";
import { newEntry } from "../support/log-entry.ts";
import { tempLog } from "../support/temp-log.ts";

const TARGET = "http://localhost:3000/";
const LIMITS = { limit: 2, maxBytes: 1_000_000 };

interface Given {
  readonly log: Log;
  readonly backlog: Backlog;
  readonly woken: readonly Date[];
  add(): Promise<void>;
  /** Resolves to how many were claimed. */
  claim(): Promise<number>;
}

async function given(): Promise<Given> {
  const log = await tempLog("sqlite");
  const woken: Date[] = [];
  const now = (): Date => new Date();
  const backlog = new Backlog({
    target: TARGET,
    log,
    maxPauseMs: 60_000,
    now,
    onDue: () => void woken.push(now()),
  });
  onTestFinished(() => backlog.close());
  return {
    log,
    backlog,
    woken,
    async add() {
      await log.append(newEntry({ forward: { targets: [TARGET] } }));
    },
    async claim() {
      let claimed: Claimed | undefined;
      await backlog.claim(LIMITS, (each) => {
        claimed = each;
      });
      return claimed?.claims.length ?? 0;
    },
  };
}

describe("the backlog of a target", () => {
  it("goes first until a claim has found no more", async () => {
    const { backlog, add, claim } = await given();
    for (let i = 0; i < 3; i++) await add();
    expect(backlog.goesFirst).toBe(true);
    expect(await claim()).toBe(2);
    expect([backlog.goesFirst, backlog.canClaim]).toEqual([true, true]);
    expect(await claim()).toBe(1);
    expect([backlog.goesFirst, backlog.canClaim]).toEqual([false, false]);
  });

  it("goes first while it is claimed, if the last claim left some", async () => {
    const { backlog, add, claim } = await given();
    for (let i = 0; i < 3; i++) await add();
    await claim();
    const claiming = claim();
    expect([backlog.mayHaveDue, backlog.goesFirst, backlog.canClaim]).toEqual([false, true, false]);
    await claiming;
  });

  it("does not go first while it is claimed, if the last claim left none", async () => {
    const { backlog, claim } = await given();
    await claim();
    backlog.markDue();
    const claiming = claim();
    expect(backlog.goesFirst).toBe(false);
    await claiming;
  });

  it("may have some that are recorded while it is claimed", async () => {
    const { backlog, claim } = await given();
    const claiming = claim();
    backlog.markDue();
    await claiming;
    expect([backlog.mayHaveDue, backlog.canClaim]).toEqual([true, true]);
  });

  it("passes on what it has claimed before another claim can begin", async () => {
    const { backlog, add } = await given();
    await add();
    const steps: string[] = [];
    const claiming = backlog.claim(LIMITS, ({ claims }) => void steps.push(`${claims.length} claimed`));
    await claiming.then(() => steps.push(`may claim: ${backlog.canClaim}`));
    expect(steps).toEqual(["1 claimed", "may claim: false"]);
  });

  it("leaves a log alone that has failed until its timer fires", async () => {
    const { backlog, log, woken, claim } = await given();
    const { claim: claimFromLog } = log.queue;
    Object.assign(log.queue, { claim: () => Promise.reject(new Error("the disk failed")) });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    onTestFinished(() => void vi.useRealTimers());
    await expect(claim()).rejects.toThrow("the disk failed");
    expect([backlog.goesFirst, backlog.canClaim]).toEqual([true, false]);
    Object.assign(log.queue, { claim: claimFromLog });
    vi.advanceTimersByTime(4999);
    expect(woken).toHaveLength(0);
    vi.advanceTimersByTime(1);
    expect(woken).toHaveLength(1);
    expect(backlog.canClaim).toBe(true);
  });

  it("wakes at the earliest of several times", async () => {
    const { backlog, woken, claim } = await given();
    await claim();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const startMs = Date.now();
    for (const ms of [300, 100, 200]) backlog.wakeAt(new Date(startMs + ms));
    vi.advanceTimersByTime(1000);
    expect(woken).toEqual([new Date(startMs + 100)]);
    expect(backlog.mayHaveDue).toBe(true);
  });
});
