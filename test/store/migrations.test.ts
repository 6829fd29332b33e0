import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/store/sqlite/engine.ts";
import { sqliteEngines, tempFolder, tempLog } from "../support/temp-log.ts";

describe.each(sqliteEngines)("a log of an earlier version on %s", (engine) => {
  const open = async (path: string) => (await loadEngine([engine])).open(path);

  async function contents(path: string): Promise<string> {
    await (await tempLog(engine, { path })).close();
    const database = await open(path);
    const made = database.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").all();
    const version = database.prepare("PRAGMA user_version").get()?.user_version;
    database.close();
    return JSON.stringify({ version, made });
  }

  it.each([6, 7])("gets the tables, indexes and view of a new one: format %i", async (version) => {
    const path = join(tempFolder(), "events.db");
    const fresh = await contents(path);
    const old = await open(path);
    old.exec(`DROP VIEW webhook_logs; CREATE VIEW webhook_logs AS SELECT body AS payload FROM contents;
      DROP INDEX deliveries_unanswered; PRAGMA user_version = ${version}`);
    old.close();
    expect(await contents(path)).toBe(fresh);
  });

  it("has its own number: a change of a table, an index or the view needs a migration in src/store/sqlite/database.ts", async () => {
    const fresh = await contents(join(tempFolder(), "events.db"));
    const { version } = JSON.parse(fresh);
    expect([version, createHash("sha1").update(fresh).digest("hex").slice(0, 8)]).toEqual([10, "0edc8180"]);
  });
});
