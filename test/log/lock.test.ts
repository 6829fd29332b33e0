import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadEngine } from "../../src/log/sqlite/engine.ts";
import { peekLockOwner } from "../../src/log/sqlite/lock.ts";
import { startChild } from "../support/child.ts";
import { hotJournal } from "../support/hot-journal.ts";
import { newEntry } from "../support/log-entry.ts";
import { tempFolder, tempLog } from "../support/temp-log.ts";

const since = new Date(1_700_000_000_000);

describe("the lock of a log in SQLite", () => {
  it("tells a second receiver its owner, URL and start, until it is released", async () => {
    const path = join(tempFolder(), "events.db");
    const [one, two] = [await tempLog("sqlite", { path }), await tempLog("sqlite", { path })];
    const lock = await one.lock({ pid: 4711, url: undefined, since });
    if (!lock.held) throw new Error("nobody else can lock a new log");
    expect(await two.lock({ pid: 4712, url: undefined, since })).toEqual({
      held: false,
      by: { pid: 4711, url: undefined, since },
    });
    await lock.setUrl("http://localhost:4000");
    expect(await peekLockOwner(path)).toEqual({ pid: 4711, url: "http://localhost:4000", since });
    expect(await two.lock({ pid: 4712, url: undefined, since })).toMatchObject({
      by: { url: "http://localhost:4000" },
    });
    expect((await two.append(newEntry())).n).toBe(1);
    await lock.release();
    expect(await peekLockOwner(path)).toBeUndefined();
    const next = await two.lock({ pid: 4712, url: undefined, since });
    expect(next.held).toBe(true);
    if (next.held) await next.release();
  });

  it("has no owner but its own, where a log came with another one", async () => {
    const path = join(tempFolder(), "events.db");
    await (await tempLog("sqlite", { path })).close();
    const database = (await loadEngine()).open(path);
    database.exec(`PRAGMA ignore_check_constraints = ON;
      INSERT INTO holder (only, pid, url, since) VALUES (0, 1, 'https://stranger.test', 1)`);
    database.close();
    const log = await tempLog("sqlite", { path });
    const lock = await log.lock({ pid: 4711, url: undefined, since });
    expect(await peekLockOwner(path)).toEqual({ pid: 4711, url: undefined, since });
    if (lock.held) await lock.release();
  });

  it("is damage, and no bug, where the owner in the log cannot be read", async () => {
    const path = join(tempFolder(), "events.db");
    const [one, two] = [await tempLog("sqlite", { path }), await tempLog("sqlite", { path })];
    const lock = await one.lock({ pid: 4711, url: undefined, since });
    const database = (await loadEngine()).open(path);
    database.exec("UPDATE holder SET since = 9e18");
    database.close();
    await expect(two.lock({ pid: 4712, url: undefined, since })).rejects.toMatchObject({ code: "log-damaged" });
    if (lock.held) await lock.release();
  });

  it("opens no file as the lock that is not empty, whose journal would delete another file", async () => {
    const sqlite = await loadEngine();
    const folder = tempFolder();
    /** A database, and a file that its journal names. */
    const brought = (name: string): { lock: string; named: string } => {
      const [lock, named] = [join(folder, name), join(folder, `named-by-${name}`)];
      const database = sqlite.open(lock);
      // Of one page, as the journal says.
      database.exec("PRAGMA user_version = 1");
      database.close();
      writeFileSync(`${lock}-journal`, hotJournal(named));
      writeFileSync(named, "the user's");
      return { lock, named };
    };
    const path = join(folder, "events.db");
    const { lock, named } = brought("events.db-lock");
    const log = await tempLog("sqlite", { path });
    const foreign = { code: "log-foreign", message: `${lock} is not the lock of an event log: it is not empty` };
    await expect(log.lock({ pid: 4711, url: undefined, since })).rejects.toMatchObject(foreign);
    await expect(peekLockOwner(path)).rejects.toMatchObject(foreign);
    expect([existsSync(named), existsSync(`${lock}-journal`)]).toEqual([true, true]);
    // An empty one has no journal to finish.
    writeFileSync(lock, "");
    const held = await log.lock({ pid: 4711, url: undefined, since });
    expect([held.held, existsSync(named)]).toEqual([true, true]);
    if (held.held) await held.release();

    // SQLite does delete it; the one of Node leaves it alone.
    if (sqlite.id !== "better-sqlite3") return;
    const opened = brought("opened.db");
    const database = sqlite.open(opened.lock);
    database.exec("BEGIN IMMEDIATE");
    database.close();
    expect(existsSync(opened.named)).toBe(false);
  });

  it("ends with a killed process, although its owner is still recorded", async () => {
    const path = join(tempFolder(), "events.db");
    const child = await startChild("hold-log.ts", [path]);
    await child.line();
    const log = await tempLog("sqlite", { path });
    expect(await log.lock({ pid: 1, url: undefined, since })).toMatchObject({ held: false, by: { pid: child.pid } });
    expect(await peekLockOwner(path)).toMatchObject({ pid: child.pid });
    await child.kill();
    expect(await peekLockOwner(path)).toBeUndefined();
    const lock = await log.lock({ pid: 1, url: undefined, since });
    expect(lock.held).toBe(true);
    if (lock.held) await lock.release();
  });
});
