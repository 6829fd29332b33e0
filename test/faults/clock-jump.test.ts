import { join } from "node:path";
import { expect, it } from "vitest";
import { expectNothingLost, peakOf } from "../support/faults.ts";
import { folderWith } from "../support/files.ts";
import { app } from "../support/forward-run.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { lacks } from "../support/needs.ts";
import { postLoad } from "../support/post-load.ts";
import { says, yes } from "../support/target-app.ts";

/** Each SIGUSR2 sets the clock of a process two days ahead, two days back from there, and so on. */
const JUMPING_CLOCK = `
  let offset = 0;
  const RealDate = Date;
  process.on("SIGUSR2", () => { offset = offset > 0 ? -172_800_000 : 172_800_000; });
  globalThis.Date = class extends RealDate {
    constructor(...args) { super(...(args.length === 0 ? [Date.now()] : args)); }
    static now() { return RealDate.now() + offset; }
  };`;

it.skipIf(lacks("posix"))("listen retries and delivers although the clock jumps ahead and back", async () => {
  const cwd = folderWith({ "clock.cjs": JUMPING_CLOCK });
  const env = {
    NODE_OPTIONS: `--require ${join(cwd, "clock.cjs")}`,
    ZOHO_HOOKS_RETRY_BASE: "200ms",
    ZOHO_HOOKS_KEEP: "7d",
  };
  // Every third attempt fails, so that retries wait while the clock jumps.
  const target = await app((response, seen, n) => (n % 3 === 0 ? says(500) : yes)(response, seen, n));
  const listener = await startListenProcess(["--forward-to", target.url, "--retries", "12"], { cwd, env });
  const load = postLoad({ url: listener.url, from: 0, count: 1e6, connections: 8, pauseMs: 5 });
  for (let jump = 0; jump < 6; jump++) {
    await load.until(load.answered.length + 100);
    process.kill(listener.pid, "SIGUSR2");
  }
  await load.until(load.answered.length + 100);
  await load.stop();
  expect(load.refused).toEqual([]);
  const failures = (): number => Math.floor(target.seen.length / 3);
  await expect.poll(() => target.seen.length - failures()).toBe(load.answered.length);
  const peakMegabytes = peakOf(listener);
  const { exitCode, summary } = await listener.stop();
  expect(exitCode).toBe(0);
  expect(summary).toMatchObject({ forwards: { delivered: load.answered.length, failed: 0, waiting: 0 } });
  await expectNothingLost({ fault: "6 jumps of the clock", cwd, loads: [load], peakMegabytes });
});
