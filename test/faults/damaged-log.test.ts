import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { damagePages } from "../support/damage-pages.ts";
import { DEFAULT_LOG, post } from "../support/faults.ts";
import { app, lead, leadNumber } from "../support/forward-run.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";

it.skipIf(lacks("posix"))("listen answers 503 once its log was deleted, with a warning", async () => {
  const cwd = tempFolder();
  const listener = await startListenProcess([], { cwd });
  expect((await post(listener.url, lead(1))).status).toBe(200);
  rmSync(join(cwd, DEFAULT_LOG));
  expect((await post(listener.url, lead(2))).status).toBe(503);
  await expect.poll(() => listener.warnings[0]).toContain("was deleted");
});

it("listen answers 503 once its log was overwritten, with a warning", async () => {
  const cwd = tempFolder();
  const listener = await startListenProcess([], { cwd });
  expect((await post(listener.url, lead(1))).status).toBe(200);
  writeFileSync(join(cwd, DEFAULT_LOG), "oops\n");
  expect((await post(listener.url, lead(2))).status).toBe(503);
  await expect.poll(() => listener.warnings[0]).toMatch(/damaged.*overwritten/);
});

it("listen does not start on a damaged log, and says what to do", async () => {
  const cwd = tempFolder();
  mkdirSync(join(cwd, ".zoho-hooks"));
  writeFileSync(join(cwd, DEFAULT_LOG), "these are no events, ".repeat(1000));
  await expect(startListenProcess([], { cwd })).rejects.toThrow(/ended with 2: .*damaged.*move .*away/s);
});

it("listen delivers what is whole of a damaged log, and names the rest", async () => {
  const cwd = tempFolder();
  const target = await app();
  await target.stop();
  const first = await startListenProcess(["--forward-to", target.url], { cwd });
  for (let i = 1; i <= 9; i++) {
    const padding = (i === 5 ? "hurt" : "well").repeat(5000);
    expect((await post(first.url, lead(i).replace('"note"', `"padding":"${padding}","note"`))).status).toBe(200);
  }
  await first.stop();
  damagePages(join(cwd, DEFAULT_LOG), "hurt".repeat(1000));
  await target.start();
  const second = await startListenProcess(["--forward-to", target.url], { cwd });
  await target.came(8);
  await expect.poll(() => second.warnings.join("\n")).toMatch(/#5 failed: it is damaged in the event log/);
  expect(await second.stop()).toMatchObject({
    exitCode: 0,
    summary: { forwards: { delivered: 8, failed: 1, waiting: 0 } },
  });
  expect(new Set(target.seen.map(leadNumber))).toEqual(new Set([1, 2, 3, 4, 6, 7, 8, 9]));
});
