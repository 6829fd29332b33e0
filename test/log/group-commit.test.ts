import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadEngine } from "../../src/log/sqlite/engine.ts";
import { GroupCommit, openWalSync } from "../../src/log/sqlite/group-commit.ts";
import { tempFolder } from "../support/temp-log.ts";

/** A disk whose syncs end when the test says so. */
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

describe("commits", () => {
  async function given() {
    const path = join(tempFolder(), "a.db");
    const database = (await loadEngine()).open(path);
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (x)");
    const insert = database.prepare("INSERT INTO t VALUES (?)");
    const { syncs, leaveGap, wal } = slowDisk();
    let begun = 0;
    const guard = { check: (): void => void begun++, close: (): void => {} };
    const commits = new GroupCommit(database, { path, guard, wal });
    onTestFinished(async () => {
      for (const { done } of syncs) done();
      await commits.close();
    });
    const results: string[] = [];
    const write = (name: string, durable = true): void => {
      commits
        .write(() => insert.run(name), { durable, onUnsynced: () => void results.push(`${name} undone`) })
        .then(
          () => results.push(name),
          () => results.push(`${name} failed`),
        );
    };
    return { syncs, leaveGap, results, commits, transactions: () => begun, write };
  }

  it("resolve in order once they are on the disk, even when a later one gets there first", async () => {
    const { syncs, results, write } = await given();
    write("first");
    await expect.poll(() => syncs.length).toBe(1);
    write("second");
    await expect.poll(() => syncs.length).toBe(2);
    expect(results).toEqual([]);
    syncs[1]?.done();
    await new Promise(setImmediate);
    expect(results).toEqual([]);
    syncs[0]?.done();
    await expect.poll(() => results).toEqual(["first", "second"]);
  });

  it("wait while the disk is busy, and are then committed together", async () => {
    const { syncs, results, write } = await given();
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
    await expect.poll(() => results).toEqual(["first", "second", "3", "4", "5", "6", "7", "8", "9"]);
  });

  it("need no sync when they are not durable", async () => {
    const { syncs, results, write } = await given();
    write("not durable", false);
    await expect.poll(() => results).toEqual(["not durable"]);
    expect(syncs).toEqual([]);
  });

  it("that are not durable are committed with the next ones, and resolve before those are on the disk", async () => {
    const { syncs, results, transactions, write } = await given();
    write("not durable", false);
    write("first");
    await expect.poll(() => syncs.length).toBe(1);
    expect(results).toEqual(["not durable"]);
    syncs[0]?.done();
    await expect.poll(() => results).toEqual(["not durable", "first"]);
    expect(transactions()).toBe(1);
  });

  it("that are not durable are in the log when it is closed", async () => {
    const { results, commits, write } = await given();
    write("not durable", false);
    await commits.close();
    expect(results).toEqual(["not durable"]);
  });

  it("succeed without one whose own work fails", async () => {
    const { syncs, results, commits, write } = await given();
    write("first");
    const failing = commits.write(() => {
      throw new Error("its own error");
    });
    write("second");
    await expect(failing).rejects.toThrow("its own error");
    await expect.poll(() => syncs.length).toBe(1);
    syncs[0]?.done();
    await expect.poll(() => results).toEqual(["first", "second"]);
  });

  it("are on the disk when another process has just checkpointed them", async () => {
    const path = join(tempFolder(), "a.db");
    const { open } = await loadEngine();
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

  it("fail when the disk fails", async () => {
    const { syncs, results, write } = await given();
    write("first");
    await expect.poll(() => syncs.length).toBe(1);
    syncs[0]?.fail(Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" }));
    await expect.poll(() => results).toEqual(["first undone", "first failed"]);
  });

  it("fail after a failed one, whatever the disk says", async () => {
    const { syncs, results, commits, write } = await given();
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
    await expect
      .poll(() => results.filter((each) => each.endsWith("failed")))
      .toEqual(["first failed", "second failed"]);
    expect(await all).toBe("not synced");
  });

  it("fail while the gap of a failed sync remains", async () => {
    const { syncs, leaveGap, results, write } = await given();
    leaveGap(1);
    write("first");
    await expect.poll(() => results).toEqual(["first failed"]);
    expect(syncs).toEqual([]);
    write("second");
    await expect.poll(() => syncs.length).toBe(1);
    syncs[0]?.done();
    await expect.poll(() => results).toEqual(["first failed", "second"]);
  });
});
