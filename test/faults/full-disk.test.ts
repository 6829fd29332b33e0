import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { expectNothingLost, loggedLeads, peakOf, post, smallDisk } from "../support/faults.ts";
import { app, lead } from "../support/forward-run.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { lacks } from "../support/needs.ts";
import { postLoad } from "../support/post-load.ts";
import { tempFolder } from "../support/run.ts";

it.skipIf(lacks("posix"))("listen answers 503 on a full disk, and 200 again once there is room", async (test) => {
  const cwd = smallDisk() ?? test.skip("needs the right to mount a tmpfs");
  const target = await app();
  const filler = join(cwd, "filler");
  writeFileSync(filler, Buffer.alloc(3_500_000));
  const listener = await startListenProcess(["--forward-to", target.url], { cwd });
  const load = postLoad({ url: listener.url, from: 0, count: 1e6, connections: 8, pauseMs: 5 });
  await expect.poll(() => load.refused.length).toBeGreaterThan(20);
  const warnings = (): string => listener.warnings.join("\n");
  await expect.poll(warnings).toMatch(/could not be recorded: (there is no room left|the disk failed)/);
  rmSync(filler);
  await load.until(load.answered.length + 50);
  await load.stop();
  const peakMegabytes = peakOf(listener);
  await target.came(load.answered.length);
  expect(await listener.stop()).toMatchObject({ exitCode: 0, summary: { forwards: { failed: 0, waiting: 0 } } });
  await expectNothingLost({ fault: "a full disk", cwd, loads: [load], peakMegabytes });
});

it.skipIf(lacks("posix"))(
  "listen answers 503 when its files may not grow, and has everything that it answered 200",
  async () => {
    const cwd = tempFolder();
    // Limits the files of the process to a megabyte, which looks like a full disk.
    const listener = await startListenProcess([], { cwd, limit: "ulimit -f 2048" });
    const padding = "x".repeat(40_000);
    const answered: number[] = [];
    let refusals = 0;
    for (let i = 1; refusals < 5; i++) {
      const { status, text } = await post(listener.url, lead(i).replace('"note"', `"padding":"${padding}","note"`));
      if (status === 200) answered.push(i);
      else {
        refusals++;
        expect({ status, text }).toEqual({ status: 503, text: expect.stringContaining("could not be stored") });
      }
      expect(i).toBeLessThan(500);
    }
    expect(answered.length).toBeGreaterThan(5);
    await expect
      .poll(() => listener.warnings[0])
      .toMatch(/could not be recorded: (there is no room left|the disk failed)/);
    expect((await fetch(`${listener.url}/healthz`)).status).toBe(200);
    expect((await listener.stop()).exitCode).toBe(0);
    const kept = await loggedLeads(cwd);
    expect(answered.filter((i) => !kept.includes(i))).toEqual([]);
  },
);

it.skipIf(lacks("posix"))("listen does not start in a read-only folder, and says what to do", async () => {
  const cwd = tempFolder();
  chmodSync(cwd, 0o555);
  // Root can write everywhere.
  const uid = process.getuid?.() === 0 ? { uid: 65534 } : {};
  await expect(startListenProcess([], { cwd, ...uid })).rejects.toThrow(
    /ended with 2: .*cannot be written.*--no-store/s,
  );
  const listener = await startListenProcess(["--no-store"], { cwd, ...uid });
  expect((await post(listener.url, lead(1))).status).toBe(200);
  expect((await listener.stop()).exitCode).toBe(0);
});
