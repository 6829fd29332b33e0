import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { engineIds, loadEngine } from "../../src/store/engine.ts";
import { openLog } from "../../src/store/sqlite-log.ts";
import { BIN, cleanEnv } from "../support/bin.ts";
import { CRM, lead, leadNumber } from "../support/forward-run.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { tempFolder } from "../support/run.ts";
import { collect } from "../support/temp-log.ts";

const DEFAULT_LOG = ".zoho-hooks/events.db";
const isWindows = process.platform === "win32";

async function post(url: string, body: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url + CRM, { method: "POST", body, headers: { "content-type": "application/json" } });
  return { status: response.status, text: await response.text() };
}

async function keptIn(cwd: string): Promise<readonly number[]> {
  const log = await openLog({ path: join(cwd, DEFAULT_LOG), now: () => new Date(), create: false });
  const kept = (await collect(log.entries({}, { order: "oldest" }))).map(({ delivery }) => leadNumber(delivery));
  await log.close();
  return kept;
}

describe("listen", () => {
  it.skipIf(isWindows)("answers 503 when the disk is full, and has everything that it answered 200", async () => {
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
    const kept = await keptIn(cwd);
    expect(answered.filter((i) => !kept.includes(i))).toEqual([]);
  });

  it("answers 503 while another program locks the log, and 200 again afterwards", { timeout: 30_000 }, async () => {
    const cwd = tempFolder();
    const listener = await startListenProcess([], { cwd });
    const other = (await loadEngine(engineIds)).open(join(cwd, DEFAULT_LOG));
    other.exec("BEGIN IMMEDIATE");
    expect((await post(listener.url, lead(1))).status).toBe(503);
    await expect.poll(() => listener.warnings[0]).toContain("locked");
    other.exec("ROLLBACK");
    other.close();
    expect((await post(listener.url, lead(2))).status).toBe(200);
    await listener.stop();
    expect(await keptIn(cwd)).toEqual([2]);
  });

  it.skipIf(isWindows)("answers 503 once its log was deleted, with a warning", async () => {
    const cwd = tempFolder();
    const listener = await startListenProcess([], { cwd });
    expect((await post(listener.url, lead(1))).status).toBe(200);
    rmSync(join(cwd, DEFAULT_LOG));
    expect((await post(listener.url, lead(2))).status).toBe(503);
    await expect.poll(() => listener.warnings[0]).toContain("was deleted");
  });

  it("answers 503 once its log was overwritten, with a warning", async () => {
    const cwd = tempFolder();
    const listener = await startListenProcess([], { cwd });
    expect((await post(listener.url, lead(1))).status).toBe(200);
    writeFileSync(join(cwd, DEFAULT_LOG), "oops\n");
    expect((await post(listener.url, lead(2))).status).toBe(503);
    await expect.poll(() => listener.warnings[0]).toMatch(/damaged.*overwritten/);
  });

  it("does not start on a damaged log, and says what to do", async () => {
    const cwd = tempFolder();
    mkdirSync(join(cwd, ".zoho-hooks"));
    writeFileSync(join(cwd, DEFAULT_LOG), "these are no events, ".repeat(1000));
    await expect(startListenProcess([], { cwd })).rejects.toThrow(/ended with 2: .*damaged.*move .*away/s);
  });

  it.skipIf(isWindows)("reports that the log cannot be opened if there are no more file handles", async () => {
    const cwd = tempFolder();
    await (await openLog({ path: join(cwd, DEFAULT_LOG), now: () => new Date() })).close();
    const said: string[] = [];
    // How many handles it takes to reach the log differs by Node version.
    for (let most = 16, status: number | null = 1; status !== 0; most++) {
      const argv = ["-c", `ulimit -n ${most}; exec "$0" "$1" events prune --keep 1d`, process.execPath, BIN];
      const { stderr, ...ended } = spawnSync("sh", argv, { cwd, env: cleanEnv(), encoding: "utf8" });
      said.push(stderr);
      status = ended.status;
    }
    expect(said.filter((text) => /bug: .*EMFILE.*events\.db/.test(text))).toEqual([]);
    expect(said).toContainEqual(expect.stringMatching(/cannot be opened \(EMFILE.*\n.*ulimit -n/));
  });

  it.skipIf(isWindows)("does not start in a read-only folder, and says what to do", async () => {
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
});
