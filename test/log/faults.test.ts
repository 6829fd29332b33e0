import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseWhere } from "../../src/log/filter.ts";
import { loadEngine, type NativeDatabase } from "../../src/log/sqlite/engine.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { damagePages } from "../support/damage-pages.ts";
import { speedUpClock } from "../support/fast-clock.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks } from "../support/needs.ts";
import { collect, tempFolder, tempLog } from "../support/temp-log.ts";

const fault = (code: string) => ({ name: "UserError", code, hint: expect.stringMatching(/./) });
const now = (): Date => new Date();

describe("a log in SQLite", () => {
  async function lockFile(path: string, sql: string): Promise<NativeDatabase> {
    const database = (await loadEngine()).open(path);
    database.exec(sql);
    return database;
  }

  it("waits for another program's lock without blocking, and commits when it is gone", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    const other = await lockFile(path, "BEGIN IMMEDIATE");
    const added = log.append(newEntry());
    let settled = false;
    added.finally(() => {
      settled = true;
    });
    // Timers fire while the append waits: the event loop is not blocked.
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(settled).toBe(false);
    expect(await log.ends()).toMatchObject({ newest: 0 });
    other.exec("COMMIT");
    other.close();
    expect((await added).n).toBe(1);
  });

  it("rejects what another program's lock holds up for too long, and works again when it is gone", async () => {
    const [written, opened] = [join(tempFolder(), "events.db"), join(tempFolder(), "events.db")];
    const log = await tempLog("sqlite", { path: written });
    const writer = await lockFile(written, "BEGIN IMMEDIATE");
    await (await tempLog("sqlite", { path: opened })).close();
    const exclusive = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM holder; COMMIT";
    const owner = await lockFile(opened, exclusive);
    speedUpClock();
    const startedAt = performance.now();
    await Promise.all([
      expect(log.append(newEntry())).rejects.toMatchObject(fault("log-locked")),
      expect(openLog({ path: opened, now })).rejects.toMatchObject(fault("log-locked")),
    ]);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(5000);
    writer.close();
    owner.close();
    for (const each of [log, await tempLog("sqlite", { path: opened })])
      expect((await each.append(newEntry())).n).toBe(1);
  });

  it("reports a file that is no database as damaged, and leaves it unchanged", async () => {
    const path = join(tempFolder(), "events.db");
    writeFileSync(path, "these are my notes, ".repeat(1000));
    await expect(openLog({ path, now })).rejects.toMatchObject(fault("log-damaged"));
    expect(statSync(path).size).toBe(20_000);
  });

  it("reports damage in the middle of the file instead of wrong data, on reading and on writing", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    await Promise.all(Array.from({ length: 200 }, () => log.append(newEntry({ body: "x".repeat(3000) }))));
    await log.close();
    const whole = readFileSync(path);
    for (let at = 2 * 8192; at < whole.length; at += 8192) {
      const page = whole.subarray(at, at + 8192);
      // Without the table definitions it could not be opened.
      if (!/CREATE|lower\(|instr\(/.test(page.toString("latin1"))) page.fill(0xa5);
    }
    writeFileSync(path, whole);
    const again = await tempLog("sqlite", { path });
    await expect(collect(again.entries())).rejects.toMatchObject(fault("log-damaged"));
    await expect(again.append(newEntry({ identity: "x" }))).rejects.toMatchObject(fault("log-damaged"));
  });

  it("reads no more damaged or large rows than requested", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    for (const body of ["old".repeat(20_000), "new"]) await log.append(newEntry({ body }));
    await log.close();
    damagePages(path, "old".repeat(2000));
    const again = await tempLog("sqlite", { path });
    await expect(collect(again.entries())).rejects.toMatchObject(fault("log-damaged"));
    expect((await collect(again.entries({}, { limit: 1 }))).map(({ n }) => n)).toEqual([2]);
  });

  it("returns the rows around a damaged page in either order, and names all rows on it", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    await Promise.all(
      Array.from({ length: 300 }, (_, i) => log.append(newEntry({ url: `/${i + 1}/${"x".repeat(99)}` }))),
    );
    await log.close();
    const whole = readFileSync(path);
    const pages = [1, 100, 300].map((n) => Math.floor(whole.lastIndexOf(`/${n}/xxx`) / 8192) * 8192);
    for (const at of pages) whole.fill(0xa5, at, at + 8192);
    writeFileSync(path, whole);
    const again = await tempLog("sqlite", { path });
    const read = async (order: "newest" | "oldest") => {
      const lost: number[] = [];
      const left = await collect(again.entries({}, { order, onDamaged: (n) => lost.push(n) }));
      const sorted = (numbers: number[]) => numbers.sort((a, b) => a - b);
      return { lost: sorted(lost), left: sorted(left.map(({ n }) => n)) };
    };
    const { lost, left } = await read("oldest");
    expect(lost).toEqual(expect.arrayContaining([1, 100, 300]));
    expect(lost.length).toBeLessThan(150);
    expect([...lost, ...left].sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    expect(await read("newest")).toEqual({ lost, left });
  });

  it("names a delivery whose damage SQLite does not notice, and returns the others", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    for (let i = 0; i < 3; i++) await log.append(newEntry());
    const harm = "UPDATE contents SET headers = '[[' WHERE n = 2; UPDATE deliveries SET verdicts = '{}' WHERE n = 1";
    (await lockFile(path, harm)).close();
    const damaged = (n: number) => ({ ...fault("log-damaged"), message: expect.stringMatching(`^#${n} is damaged`) });
    await expect(log.get(2)).rejects.toMatchObject(damaged(2));
    const where = [parseWhere("a=1")];
    await expect(collect(log.entries({ where }))).rejects.toMatchObject(damaged(2));
    await expect(collect(log.entries({ before: 2 }))).rejects.toMatchObject(damaged(1));
    expect((await log.get(3))?.n).toBe(3);
  });

  it("reports a truncated file", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    await Promise.all(Array.from({ length: 200 }, () => log.append(newEntry({ body: "x".repeat(3000) }))));
    await log.close();
    truncateSync(path, 3 * 8192);
    const outcome = await openLog({ path, now })
      .then(
        async (opened) => {
          onTestFinished(() => opened.close());
          return await collect(opened.entries());
        },
        (error: unknown) => Promise.reject(error),
      )
      .catch((error: unknown) => error);
    expect(outcome).toMatchObject(fault("log-damaged"));
  });

  it.skipIf(lacks("posix"))("refuses to go on when its file was deleted under it", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    await log.append(newEntry());
    rmSync(path);
    await expect(log.append(newEntry())).rejects.toMatchObject(fault("log-gone"));
    writeFileSync(path, "");
    await expect(log.append(newEntry())).rejects.toMatchObject(fault("log-gone"));
  });

  it.skipIf(lacks("posix"))("refuses to go on when its newest part was deleted under it", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    await log.append(newEntry());
    rmSync(`${path}-wal`);
    await expect(log.append(newEntry())).rejects.toMatchObject(fault("log-gone"));
  });

  it("rejects writes when its WAL is truncated while in use", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    await log.append(newEntry());
    truncateSync(`${path}-wal`);
    // SQLite restarts its journal meanwhile, and even then nothing is accepted.
    for (let i = 0; i < 100; i++)
      await expect(log.append(newEntry({ body: "x".repeat(50_000) }))).rejects.toMatchObject(fault("log-damaged"));
  });

  it.skipIf(lacks("posix"))("is the same log behind a link to it", async () => {
    const folder = tempFolder();
    const [path, link] = [join(folder, "data", "events.db"), join(folder, "link.db")];
    await (await tempLog("sqlite", { path })).close();
    symlinkSync(path, link);
    symlinkSync("later.db", join(folder, "dangling.db"));
    await (await tempLog("sqlite", { path: join(folder, "dangling.db") })).close();
    expect(existsSync(join(folder, "later.db"))).toBe(true);
    const log = await tempLog("sqlite", { path: link });
    expect((await log.append(newEntry())).n).toBe(1);
    const other = await tempLog("sqlite", { path });
    const holder = { pid: 1, url: undefined, since: now() };
    expect((await log.lock(holder)).held).toBe(true);
    expect((await other.lock(holder)).held).toBe(false);
  });

  it("leaves a foreign file unchanged: its bytes, mode and journal", async () => {
    const folder = tempFolder();
    const file = (name: string) => join(folder, name);
    writeFileSync(file("empty.txt"), "");
    writeFileSync(file("notes.txt"), "these are my notes, ".repeat(1000));
    const database = (await loadEngine()).open(file("other.db"));
    database.exec("PRAGMA journal_mode = DELETE; CREATE TABLE mine (x)");
    database.close();
    // As after a crash: with an unfinished journal.
    const running = (await loadEngine()).open(file("running.db"));
    running.exec("PRAGMA journal_mode = WAL; CREATE TABLE mine (x); INSERT INTO mine VALUES (1)");
    for (const suffix of ["", "-wal"]) copyFileSync(file(`running.db${suffix}`), file(`killed.db${suffix}`));
    running.close();
    rmSync(file("running.db"));
    const wal = readFileSync(file("killed.db-wal"));
    const before = ["empty.txt", "notes.txt", "other.db", "killed.db"].map((name) => {
      chmodSync(file(name), 0o664);
      return [name, readFileSync(file(name)), statSync(file(name)).mode] as const;
    });
    for (const [name, bytes, mode] of before) {
      await expect(openLog({ path: file(name), now, create: false })).rejects.toMatchObject({
        code: expect.stringMatching(/^log-(damaged|foreign|missing)$/),
      });
      expect([readFileSync(file(name)), statSync(file(name)).mode]).toEqual([bytes, mode]);
    }
    expect(readFileSync(file("killed.db-wal"))).toEqual(wal);
    expect(
      readdirSync(folder)
        .filter((name) => !name.startsWith("killed.db-"))
        .sort(),
    ).toEqual(["empty.txt", "killed.db", "notes.txt", "other.db"]);
    await expect(openLog({ path: folder, now })).rejects.toMatchObject(fault("log-unreachable"));
  });

  it.each([
    ["emptied", ""],
    ["overwritten", "these are my notes, ".repeat(1000)],
  ])("rejects writes when its file was %s while in use", async (_, text) => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog("sqlite", { path });
    await log.append(newEntry());
    writeFileSync(path, text);
    await expect(log.append(newEntry())).rejects.toMatchObject(fault("log-damaged"));
    await expect(log.get(1)).rejects.toMatchObject(fault("log-damaged"));
  });

  it.skipIf(lacks("posix"))("reports missing write permission for a folder and a file", async () => {
    const folder = join(tempFolder(), "shut");
    mkdirSync(folder, { mode: 0o555 });
    const path = join(tempFolder(), "events.db");
    await (await tempLog("sqlite", { path })).close();
    chmodSync(path, 0o400);
    await loadEngine();
    const asNobody = process.getuid?.() === 0;
    if (asNobody) process.seteuid?.(65534);
    try {
      const inFolder = openLog({ path: join(folder, "events.db"), now });
      await expect(inFolder).rejects.toMatchObject(fault("log-read-only"));
      await expect(openLog({ path, now })).rejects.toMatchObject({
        code: expect.stringMatching(/^log-(read-only|unreachable)$/),
      });
    } finally {
      if (asNobody) process.seteuid?.(0);
    }
    expect(existsSync(join(folder, "events.db"))).toBe(false);
  });

  it("rejects a path that is a folder, or below a file", async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "file"), "");
    await expect(openLog({ path: folder, now })).rejects.toMatchObject(fault("log-unreachable"));
    const below = openLog({ path: join(folder, "file", "events.db"), now });
    await expect(below).rejects.toMatchObject(fault("log-unreachable"));
  });

  it.skipIf(lacks("linux"))("ends where the file system makes no folder", async () => {
    const nowhere = openLog({ path: "/proc/zoho-hooks/logs/events.db", now });
    await expect(nowhere).rejects.toMatchObject(fault("log-unreachable"));
  });

  it("creates no log for a command that only reads", async () => {
    const path = join(tempFolder(), "sub", "events.db");
    await expect(openLog({ path, now, create: false })).rejects.toMatchObject(fault("log-missing"));
    expect(existsSync(join(path, ".."))).toBe(false);
  });

  it("rejects the database of another program", async () => {
    const folder = tempFolder();
    const foreign = await lockFile(join(folder, "app.db"), "CREATE TABLE users (id)");
    foreign.close();
    await expect(openLog({ path: join(folder, "app.db"), now })).rejects.toMatchObject(fault("log-foreign"));
  });

  it("cannot have its schema rewritten", async ({ skip }) => {
    const { id, open } = await loadEngine();
    const database = open(":memory:");
    // Node before 24.12 has no such mode.
    if (id === "node:sqlite" && !("enableDefensive" in database)) skip();
    database.exec("CREATE TABLE t (a); PRAGMA writable_schema = ON");
    expect(() => database.exec("UPDATE sqlite_schema SET sql = sql")).toThrow("may not be modified");
    database.close();
  });

  it("can be created by several processes at the same time", async () => {
    const path = join(tempFolder(), "events.db");
    const logs = await Promise.all(Array.from({ length: 5 }, () => tempLog("sqlite", { path })));
    const added = await Promise.all(logs.map((log) => log.append(newEntry())));
    expect(added.map(({ n }) => n).sort()).toEqual([1, 2, 3, 4, 5]);
  });
});
