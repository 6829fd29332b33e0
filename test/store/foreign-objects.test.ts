import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/store/engine.ts";
import { openLog } from "../../src/store/sqlite-log.ts";
import { run } from "../support/run.ts";
import { engines, tempFolder, tempLog } from "../support/temp-log.ts";

describe.each(engines)("a log that came with a clone, on %s", (engine) => {
  it.each([
    ["trigger", "CREATE TRIGGER evil AFTER INSERT ON deliveries BEGIN DELETE FROM deliveries; END"],
    ["table", "CREATE TABLE more (a)"],
    ["view", "CREATE VIEW more AS SELECT 1"],
    ["index", "CREATE UNIQUE INDEX more ON deliveries (method)"],
    ["table", "ALTER TABLE contents ADD COLUMN more TEXT"],
  ])("is refused with a %s of its own: %s", async (type, sql) => {
    const cwd = tempFolder();
    const path = join(cwd, ".zoho-hooks/events.db");
    await (await tempLog(engine, { path })).close();
    const database = (await loadEngine([engine])).open(path);
    database.exec(sql);
    database.close();
    const { exitCode, err } = await run(["listen", "--port", "0", "--tunnel", "none", "--timeout", "20ms"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`has a ${type} that zoho-hooks did not make`)]);
    await expect(openLog({ path, now: () => new Date(), create: false })).rejects.toThrow("did not make");
  });
});
