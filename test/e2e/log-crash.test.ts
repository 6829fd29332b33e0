import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startChild } from "../support/child.ts";
import { IS_SOAK } from "../support/is-soak.ts";
import { collect, engines, tempFolder, tempLog } from "../support/temp-log.ts";

/** As many as it takes to hit the moments between two writes; `npm run test:soak` tries more. */
const ROUNDS = IS_SOAK ? 20 : 4;
const APP = "http://localhost:3000/";

describe.each(engines)("a log on %s", (engine) => {
  it("has every delivery that was acknowledged before a kill -9, ready to be forwarded", async () => {
    const path = join(tempFolder(), "events.db");
    let acknowledged: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const child = await startChild("append-forever.ts", [engine, path]);
      await child.line(50 + Math.floor(Math.random() * 400));
      await child.kill();
      acknowledged = [...acknowledged, ...child.lines.map(Number)];
    }
    const log = await tempLog(engine, { path });
    const kept = new Set((await collect(log.list())).map(({ n }) => n));
    expect(acknowledged.filter((n) => !kept.has(n))).toEqual([]);
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    const { claims } = await log.claimWaiting({ target: APP, limit: 1e6, now: new Date(), maxPauseMs: 1000 });
    expect(claims.length).toBe(kept.size);
  }, 60_000);
});
