import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { BIN, cleanEnv } from "../support/bin.ts";
import { DEFAULT_LOG, expectNothingLost, peakOf } from "../support/faults.ts";
import { app } from "../support/forward-run.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { lacks } from "../support/needs.ts";
import { postLoad } from "../support/post-load.ts";
import { tempFolder } from "../support/run.ts";

const handlesOf = (pid: number): number => {
  const folder = `/proc/${pid}/fd`;
  return existsSync(folder) ? readdirSync(folder).length : 0;
};

describe.skipIf(lacks("posix"))("without file handles", () => {
  it("listen reports it, answers on the connections that it has, and accepts others once it can", async () => {
    const cwd = tempFolder();
    const target = await app();
    const listener = await startListenProcess(["--forward-to", target.url], { cwd, limit: "ulimit -n 64" });
    const load = postLoad({ url: listener.url, from: 0, count: 1e6, connections: 4, pauseMs: 5 });
    await load.until(20);
    const sockets = Array.from({ length: 100 }, () => connect(Number(new URL(listener.url).port), "127.0.0.1"));
    for (const socket of sockets) socket.on("error", () => {});
    onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
    // The system lets it take these connections only to close them.
    await Promise.any(sockets.map((socket) => once(socket, "close")));
    await expect.poll(() => listener.warnings[0]).toMatch(/no file handles are left.*ulimit -n/);
    await load.until(load.answered.length + 200);
    for (const socket of sockets) socket.destroy();
    // It learns of their end one after the other.
    await expect.poll(() => handlesOf(listener.pid)).toBeLessThan(55);
    const later = postLoad({ url: listener.url, from: 2e6, count: 200, connections: 4 });
    await Promise.all([later.ended, load.stop()]);
    expect(later.answered).toHaveLength(200);
    const answered = load.answered.length + later.answered.length;
    await target.came(answered);
    const peakMegabytes = peakOf(listener);
    expect(await listener.stop()).toMatchObject({ exitCode: 0, summary: { forwards: { failed: 0, waiting: 0 } } });
    await expectNothingLost({ fault: "no file handles", cwd, loads: [load, later], peakMegabytes });
  });

  it("a command reports that the log cannot be opened", async () => {
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
});
