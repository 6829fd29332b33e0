import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { engineIds, loadEngine } from "../../src/store/engine.ts";
import { GroupCommit, openWalSync } from "../../src/store/group-commit.ts";
import { tempFolder } from "../support/temp-log.ts";

/** A disk that takes as long as the test wants: each sync ends when its turn is called. */
function slowDisk() {
  const syncs: { readonly done: () => void; readonly fail: (error: Error) => void }[] = [];
  const sync = (): Promise<void> => new Promise((done, fail) => void syncs.push({ done, fail }));
  let gaps = 0;
  const recoverSync = (): void => {
    if (gaps-- > 0) throw new Error("there is a gap");
  };
  const leaveGap = (transactions: number): void => {
    gaps = transactions;
  };
  return { syncs, leaveGap, wal: { sync, recoverSync, close: async () => {} } };
}

// Which engine runs the statements makes no difference here: the first that there is.
describe("commits", () => {
  async function given() {
    const path = join(tempFolder(), "a.db");
    const database = (await loadEngine(engineIds)).open(path);
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (x)");
    const insert = database.prepare("INSERT INTO t VALUES (?)");
    const { syncs, leaveGap, wal } = slowDisk();
    let begun = 0;
    const guard = { check: (): void => void begun++, close: (): void => {} };
    const commits = new GroupCommit(database, { path, busyMs: 100, guard, wal });
    onTestFinished(async () => {
      for (const { done } of syncs) done();
      await commits.close();
    });
    const told: string[] = [];
    const write = (name: string, durable = true): void => {
      commits
        .write(() => insert.run(name), { durable, onUnsynced: () => void told.push(`${name} is taken back`) })
        .then(
          () => told.push(name),
          () => told.push(`${name} failed`),
        );
    };
    return { syncs, leaveGap, told, commits, transactions: () => begun, write };
  }

  it("are told of when they are on the disk, in order, also when a later one is there first", async () => {
    const { syncs, told, write } = await given();
    write("first");
    await expect.poll(() => syncs.length).toBe(1);
    write("second");
    await expect.poll(() => syncs.length).toBe(2);
    expect(told).toEqual([]);
    syncs[1]?.done();
    await new Promise(setImmediate);
    expect(told).toEqual([]);
    syncs[0]?.done();
    await expect.poll(() => told).toEqual(["first", "second"]);
  });

  it("wait for each other while the disk is busy with as many as may be, and then go together", async () => {
    const { syncs, told, write } = await given();
    write("first");
    await expect.poll(() => syncs.length).toBe(1);
    write("second");
    await expect.poll(() => syncs.length).toBe(2);
    for (let i = 3; i <= 9; i++) write(String(i));
    await new Promise(setImmediate);
    expect(syncs.length).toBe(2);
    syncs[0]?.done();
    await expect.poll(() => syncs.length).toBe(3);
    syncs[1]?.done();
    syncs[2]?.done();
    await expect.poll(() => told).toEqual(["first", "second", "3", "4", "5", "6", "7", "8", "9"]);
  });

  it("need no sync where nobody is told of them", async () => {
    const { syncs, told, write } = await given();
    write("of our own", false);
    await expect.poll(() => told).toEqual(["of our own"]);
    expect(syncs).toEqual([]);
  });

  it("of our own go along with the next ones, and are told of while those wait for the disk", async () => {
    const { syncs, told, transactions, write } = await given();
    write("of our own", false);
    write("first");
    await expect.poll(() => syncs.length).toBe(1);
    expect(told).toEqual(["of our own"]);
    syncs[0]?.done();
    await expect.poll(() => told).toEqual(["of our own", "first"]);
    expect(transactions()).toBe(1);
  });

  it("of our own are in the log when it is closed", async () => {
    const { told, commits, write } = await given();
    write("of our own", false);
    await commits.close();
    expect(told).toEqual(["of our own"]);
  });

  it("of others go on without the one whose own work is mistaken", async () => {
    const { syncs, told, commits, write } = await given();
    write("first");
    const mistaken = commits.write(() => {
      throw new Error("a mistake");
    });
    write("second");
    await expect(mistaken).rejects.toThrow("a mistake");
    await expect.poll(() => syncs.length).toBe(1);
    syncs[0]?.done();
    await expect.poll(() => told).toEqual(["first", "second"]);
  });

  it("are on the disk where another process has just brought all of them into the log", async () => {
    const path = join(tempFolder(), "a.db");
    const { open } = await loadEngine(engineIds);
    const [database, other] = [open(path), open(path)];
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (x)");
    const wal = openWalSync(database, path);
    await wal.sync();
    other.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    expect(statSync(`${path}-wal`).size).toBe(0);
    await wal.sync();
    await wal.close();
    for (const each of [database, other]) each.close();
  });

  it("have failed when the disk says so", async () => {
    const { syncs, told, write } = await given();
    write("first");
    await expect.poll(() => syncs.length).toBe(1);
    syncs[0]?.fail(Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" }));
    await expect.poll(() => told).toEqual(["first is taken back", "first failed"]);
  });

  it("have failed, too, behind one that has, whatever the disk says of them", async () => {
    const { syncs, told, commits, write } = await given();
    write("first");
    await expect.poll(() => syncs.length).toBe(1);
    write("second");
    await expect.poll(() => syncs.length).toBe(2);
    const all = commits.synced().then(
      () => "synced",
      () => "not synced",
    );
    syncs[0]?.fail(Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" }));
    syncs[1]?.done();
    await expect.poll(() => told.filter((each) => each.endsWith("failed"))).toEqual(["first failed", "second failed"]);
    expect(await all).toBe("not synced");
  });

  it("are none as long as the gap is there that a failed one has left", async () => {
    const { syncs, leaveGap, told, write } = await given();
    leaveGap(1);
    write("first");
    await expect.poll(() => told).toEqual(["first failed"]);
    expect(syncs).toEqual([]);
    write("second");
    await expect.poll(() => syncs.length).toBe(1);
    syncs[0]?.done();
    await expect.poll(() => told).toEqual(["first failed", "second"]);
  });
});
