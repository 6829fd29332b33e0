import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/log/sqlite/engine.ts";
import { newEntry } from "../support/log-entry.ts";
import { collect, engines, tempFolder, tempLog } from "../support/temp-log.ts";

describe.each(engines)("a log on %s", (engine) => {
  it("is ready, and a check leaves nothing in it", async () => {
    const log = await tempLog(engine);
    await Promise.all([log.checkReady(), log.checkReady()]);
    expect((await log.append(newEntry())).n).toBe(1);
    await log.checkReady();
    expect((await log.append(newEntry())).n).toBe(2);
    expect((await collect(log.rows())).map(({ n }) => n)).toEqual([2, 1]);
  });
});

describe("a log in SQLite", () => {
  it("is not ready once its file was deleted", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    rmSync(path);
    await expect(log.checkReady()).rejects.toMatchObject({ code: "log-gone" });
  });

  it("is not ready while another program locks it, and says so after a second", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    const other = (await loadEngine()).open(path);
    other.exec("BEGIN IMMEDIATE");
    const askedAt = performance.now();
    await expect(log.checkReady()).rejects.toMatchObject({ code: "log-locked" });
    expect(performance.now() - askedAt).toBeLessThan(2000);
    other.exec("COMMIT");
    other.close();
    await expect.poll(() => log.checkReady()).toBeUndefined();
  });

  it("stays ready for a moment after an append, without a probe", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    await log.append(newEntry());
    rmSync(path);
    await log.checkReady();
    await expect(log.append(newEntry())).rejects.toMatchObject({ code: "log-gone" });
    await expect(log.checkReady()).rejects.toMatchObject({ code: "log-gone" });
  });
});
