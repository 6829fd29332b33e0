import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { startChild } from "../support/child.ts";
import { DEFAULT_LOG, expectNothingLost, IS_LONG, peakOf } from "../support/faults.ts";
import { app, leadNumber } from "../support/forward-run.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { type PostLoad, postLoad } from "../support/post-load.ts";
import { tempFolder } from "../support/run.ts";
import { collect, tempLog } from "../support/temp-log.ts";

/** As many as it takes to hit the moments between two writes. */
const ROUNDS = IS_LONG ? 200 : 4;
const APP = "http://localhost:3000/";

it("listen delivers every event that it acknowledged, however often it is killed under load", async () => {
  const cwd = tempFolder();
  const target = await app();
  const loads: PostLoad[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const listener = await startListenProcess(["--forward-to", target.url], { cwd });
    const load = postLoad({ url: listener.url, from: round * 100_000, count: 100_000, connections: 12 });
    await load.until(5 + Math.floor(Math.random() * 300));
    await listener.kill();
    await load.ended;
    loads.push(load);
  }
  const answered = loads.flatMap((load) => load.answered);
  expect(answered.length).toBeGreaterThan(ROUNDS * 5);
  const last = await startListenProcess(["--forward-to", target.url], { cwd });
  const missing = (): number => {
    const seen = new Set(target.seen.map(leadNumber));
    return answered.filter((i) => !seen.has(i)).length;
  };
  await expect.poll(missing).toBe(0);
  // Recorded but not answered when it was killed: these come last, and are delivered, too.
  const log = await openLog({ path: join(cwd, DEFAULT_LOG), now: () => new Date(), create: false });
  await expect.poll(() => log.queue.waiting()).toEqual([]);
  await log.close();
  const peakMegabytes = peakOf(last);
  expect((await last.stop()).summary).toMatchObject({ forwards: { failed: 0, waiting: 0 } });
  await expectNothingLost({ fault: `${ROUNDS} times kill -9`, cwd, loads, peakMegabytes });
});

describe("a log in SQLite", () => {
  it("has every delivery that was acknowledged before a kill -9, ready to be forwarded", async () => {
    const path = join(tempFolder(), "events.db");
    let acknowledged: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const child = await startChild("append-forever.ts", [path]);
      await child.line(50 + Math.floor(Math.random() * 400));
      await child.kill();
      acknowledged = [...acknowledged, ...child.lines.map(Number)];
    }
    const log = await tempLog("sqlite", { path });
    const kept = new Set((await collect(log.rows())).map(({ n }) => n));
    expect(acknowledged.filter((n) => !kept.has(n))).toEqual([]);
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    const { claims } = await log.queue.claim({ target: APP, limit: 1e6, now: new Date(), maxPauseMs: 1000 });
    expect(claims.length).toBe(kept.size);
  });
});
