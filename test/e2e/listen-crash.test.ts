import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLog } from "../../src/store/sqlite-log.ts";
import { startChild } from "../support/child.ts";
import { app, leadNumber } from "../support/forward-run.ts";
import { IS_SOAK } from "../support/is-soak.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { postLoad } from "../support/post-load.ts";
import { tempFolder } from "../support/run.ts";
import { collect } from "../support/temp-log.ts";

/** `npm run test:soak` runs the full numbers, and prints figures. */
const ROUNDS = IS_SOAK ? 20 : 4;
const SOAK_EVENTS = IS_SOAK ? 50_000 : 5000;

describe("listen", () => {
  it("delivers every event that it acknowledged, however often it is killed under load", {
    timeout: 120_000,
  }, async () => {
    const cwd = tempFolder();
    const target = await app();
    const answered: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const listener = await startListenProcess(["--forward-to", target.url], { cwd });
      const load = postLoad({ url: listener.url, from: round * 100_000, count: 100_000, connections: 12 });
      await load.until(5 + Math.floor(Math.random() * 300));
      await listener.kill();
      await load.ended;
      answered.push(...load.answered);
    }
    expect(answered.length).toBeGreaterThan(ROUNDS * 5);
    const last = await startListenProcess(["--forward-to", target.url], { cwd });
    const missing = (): number => {
      const seen = new Set(target.seen.map(leadNumber));
      return answered.filter((i) => !seen.has(i)).length;
    };
    await expect.poll(missing, { timeout: 20_000 }).toBe(0);
    // Recorded but not answered when it was killed: these come last, and are delivered, too.
    const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date(), create: false });
    await expect.poll(() => log.waiting(), { timeout: 20_000 }).toEqual([]);
    expect((await last.stop()).summary).toMatchObject({ forwards: { failed: 0, waiting: 0 } });
    const kept = new Set((await collect(log.entries())).map(({ delivery }) => leadNumber(delivery)));
    await log.close();
    expect(answered.filter((i) => !kept.has(i))).toEqual([]);
  });

  it(`brings each of ${SOAK_EVENTS} events to an app that is killed and started again, in little memory`, {
    timeout: 900_000,
  }, async () => {
    const cwd = tempFolder();
    let recording = await startChild("recording-app.ts", []);
    await recording.line();
    const port = Number(recording.lines[0]?.replace("port ", ""));
    const seen = new Set<number>();
    const gather = (): void => {
      for (const line of recording.lines) if (/^\d+$/.test(line)) seen.add(Number(line));
    };
    const listener = await startListenProcess(["--forward-to", `http://127.0.0.1:${port}`, "--retry-base", "500ms"], {
      cwd,
      // As the README says for machines with little memory.
      env: { NODE_OPTIONS: "--max-semi-space-size=4" },
    });
    const load = postLoad({ url: listener.url, from: 0, count: SOAK_EVENTS, connections: 20 });
    const kills = 8;
    for (let kill = 1; kill <= kills; kill++) {
      // It dies at a random moment, and stays down while more events come in.
      const before = recording.lines.length;
      await recording.line(before + Math.floor(Math.random() * (SOAK_EVENTS / kills / 4)) + 1);
      await recording.kill();
      gather();
      await load.until(Math.min(SOAK_EVENTS, load.answered.length + Math.floor(Math.random() * (SOAK_EVENTS / kills))));
      recording = await startChild("recording-app.ts", [String(port)]);
      await recording.line();
    }
    await load.ended;
    expect(load.answered).toHaveLength(SOAK_EVENTS);
    const missing = (): number => {
      gather();
      return SOAK_EVENTS - seen.size;
    };
    await expect.poll(missing, { timeout: 600_000, interval: 200 }).toBe(0);
    const peak = listener.peakMegabytes();
    const { summary } = await listener.stop();
    expect(summary).toMatchObject({
      received: SOAK_EVENTS,
      duplicates: 0,
      forwards: { delivered: SOAK_EVENTS, failed: 0, waiting: 0 },
    });
    // 150 MB on Node 20 and 170 on 24; beside other tests the peak swings by a fifth.
    if (peak !== undefined) expect(peak).toBeLessThan(210);
    if (IS_SOAK) process.stdout.write(`${SOAK_EVENTS} events, ${kills} kills, ${peak?.toFixed(0)} MB at most\n`);
  });
});
