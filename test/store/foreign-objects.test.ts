import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/store/sqlite/engine.ts";
import { openLog } from "../../src/store/sqlite/log.ts";
import { run } from "../support/run.ts";
import { sqliteEngines, tempFolder, tempLog } from "../support/temp-log.ts";

describe.each(sqliteEngines)("a log that came with a clone, on %s", (engine) => {
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

  it("is opened as one of an older version, whose claims stood in the log", async () => {
    const path = join(tempFolder(), "events.db");
    await (await tempLog(engine, { path })).close();
    const database = (await loadEngine([engine])).open(path);
    database.exec(`PRAGMA foreign_keys = OFF; DROP TABLE forwards;
      CREATE TABLE forwards ( id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER NOT NULL, target TEXT NOT NULL,
        state INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due_at INTEGER NOT NULL, lease_until INTEGER,
        order_key TEXT ) STRICT;
      CREATE INDEX forwards_leased ON forwards (lease_until) WHERE state = 1; PRAGMA user_version = 6`);
    database.close();
    const log = await openLog({ path, now: () => new Date() });
    await log.close();
  });

  it("cannot have its schema rewritten", async ({ skip }) => {
    const database = (await loadEngine([engine])).open(":memory:");
    // Node before 24.12 has no such mode.
    if (engine === "node:sqlite" && !("enableDefensive" in database)) skip();
    database.exec("CREATE TABLE t (a); PRAGMA writable_schema = ON");
    expect(() => database.exec("UPDATE sqlite_schema SET sql = sql")).toThrow("may not be modified");
    database.close();
  });
});
