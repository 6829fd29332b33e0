import { join } from "node:path";
import { expect, it } from "vitest";
import { loadEngine } from "../../src/log/sqlite/engine.ts";
import { DEFAULT_LOG, expectNothingLost, peakOf } from "../support/faults.ts";
import { app, leadNumber } from "../support/forward-run.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { postLoad } from "../support/post-load.ts";
import { tempFolder } from "../support/run.ts";

it("listen answers 503 while another program locks the log, and 200 again afterwards", async () => {
  const cwd = tempFolder();
  const target = await app();
  const listener = await startListenProcess(["--forward-to", target.url], { cwd });
  const load = postLoad({ url: listener.url, from: 0, count: 1e6, connections: 8, pauseMs: 5 });
  await load.until(200);
  const other = (await loadEngine()).open(join(cwd, DEFAULT_LOG));
  other.exec("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE");
  await expect.poll(() => load.refused.length).toBeGreaterThan(0);
  await expect.poll(() => listener.warnings[0]).toContain("locked");
  other.exec("ROLLBACK");
  other.close();
  await load.until(load.answered.length + 200);
  await load.stop();
  await target.came(load.answered.length);
  const sent = target.seen.map(leadNumber);
  expect(sent).toHaveLength(new Set(sent).size);
  const peakMegabytes = peakOf(listener);
  expect(await listener.stop()).toMatchObject({ exitCode: 0, summary: { forwards: { failed: 0, waiting: 0 } } });
  await expectNothingLost({ fault: "a locked log", cwd, loads: [load], peakMegabytes });
});

it("a second listen on the same log ends with 2 and names the first one, which goes on", async () => {
  const cwd = tempFolder();
  const listener = await startListenProcess([], { cwd });
  await expect(startListenProcess([], { cwd })).rejects.toThrow(
    new RegExp(`ended with 2: .*process ${listener.pid} on ${listener.url}`, "s"),
  );
  const load = postLoad({ url: listener.url, from: 0, count: 20, connections: 2 });
  await load.ended;
  expect(load.answered).toHaveLength(20);
  expect((await listener.stop()).exitCode).toBe(0);
});
