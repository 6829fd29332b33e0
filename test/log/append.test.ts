import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { HeaderPair } from "../../src/delivery/delivery.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks } from "../support/needs.ts";
import { collect, engines, tempFolder, tempLog } from "../support/temp-log.ts";

const HOUR_MS = 60 * 60 * 1000;

describe.each(engines)("a log on %s", (engine) => {
  it("counts deliveries that an earlier run left unanswered as failed, and their repeats not as duplicates", async () => {
    const path = join(tempFolder(), "events.db");
    const entry = { ...newEntry({ identity: "x" }), status: undefined };
    const log = await tempLog(engine, { path });
    await log.append(entry);
    // Before that a repeat is a duplicate.
    expect((await log.append(entry)).duplicateOf).toBe(1);
    await log.setAnswer(2, { status: 200, refusal: undefined });
    await log.close();
    const again = await tempLog(engine, { path });
    const lock = await again.lock({ pid: process.pid, url: undefined, since: new Date() });
    expect(lock.held && (await lock.endUnanswered())).toBe(1);
    expect(await again.get(1)).toMatchObject({
      status: 502,
      state: "failed",
      refusal: expect.stringMatching(/ended before/),
    });
    expect((await collect(again.rows({ only: ["failed"] }))).map(({ n }) => n)).toEqual([1]);
    expect((await again.append(entry)).duplicateOf).toBeUndefined();
  });

  it("returns the exact bytes, headers and receipt, also after it is reopened", async () => {
    const path = join(tempFolder(), "events.db");
    const body = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const headers: HeaderPair[] = [
      ["X-Twice", "first"],
      ["content-type", "application/octet-stream"],
      ["X-Twice", "second; é"],
    ];
    const issue = { path: ["data", 0, "id"], at: "data[0].id", expected: "string", received: "number 1" };
    const log = await tempLog(engine, { path });
    const entry = newEntry({
      body,
      headers,
      url: "/webhooks/zoho/crm?a=1&a=2",
      identity: "crm:Leads.create:1",
      records: ["5725767000000123456", "9007199254740993001"],
      receipt: { known: false, schema: { ok: false, issues: [issue] } },
    });
    await log.append(entry);
    await log.close();

    const again = await tempLog(engine, { path });
    const kept = await again.get(1);
    expect(kept?.delivery).toEqual({ method: "POST", url: "/webhooks/zoho/crm?a=1&a=2", headers, body });
    expect(kept).toMatchObject({
      n: 1,
      receivedAt: entry.receivedAt,
      remote: "127.0.0.1",
      product: "crm",
      format: "guide",
      event: "Leads.create",
      known: false,
      records: ["5725767000000123456", "9007199254740993001"],
      verdicts: entry.receipt.verdicts,
      issues: [issue],
      identity: "crm:Leads.create:1",
      duplicateOf: undefined,
      status: 200,
      refusal: undefined,
      state: "received",
    });
  });

  it("stores an empty body and an unrecognised delivery", async () => {
    const log = await tempLog(engine);
    const entry = newEntry({ body: "", product: undefined, event: undefined, receipt: { verdicts: [] } });
    // To verify a signature creates the ArrayBuffer, too; node:sqlite of Node 22 then takes an empty one for null.
    expect(entry.delivery.body.buffer.byteLength).toBe(0);
    await log.append(entry);
    const kept = await log.get(1);
    expect(kept?.delivery.body.length).toBe(0);
    expect(kept).toMatchObject({ product: undefined, event: undefined, verdicts: [], issues: [] });
  });

  it("stores a body of several megabytes", async () => {
    const log = await tempLog(engine);
    const body = Buffer.alloc(5 * 1024 * 1024, "x");
    await log.append(newEntry({ body }));
    const digest = (bytes: Buffer | undefined): string =>
      createHash("sha256")
        .update(bytes ?? "")
        .digest("hex");
    expect(digest((await log.get(1))?.delivery.body)).toBe(digest(body));
  });

  it("numbers concurrent deliveries from 1 without a gap", async () => {
    const log = await tempLog(engine);
    const added = await Promise.all(Array.from({ length: 1000 }, () => log.append(newEntry())));
    expect(added.map(({ n }) => n)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  });

  it("assigns different numbers to two receivers on one file", async () => {
    const path = join(tempFolder(), "events.db");
    const [one, two] = await Promise.all([tempLog(engine, { path }), tempLog(engine, { path })]);
    const added = await Promise.all(Array.from({ length: 400 }, (_, i) => (i % 2 ? one : two).append(newEntry())));
    expect(new Set(added.map(({ n }) => n)).size).toBe(400);
    expect(await collect(one.rows())).toHaveLength(400);
  });

  it("never reuses a number, even after everything was pruned", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    await log.append(newEntry({ receivedAt: new Date(0) }));
    await log.prune({ keepMs: 1 });
    await log.close();
    const again = await tempLog(engine, { path });
    expect((await again.append(newEntry())).n).toBe(2);
  });

  it("names the original of a duplicate, also within one transaction", async () => {
    const log = await tempLog(engine);
    const entry = newEntry({ identity: "crm:Leads.create:1:abc" });
    const added = await Promise.all([
      log.append(entry),
      log.append(entry),
      log.append(newEntry({ identity: "other" })),
    ]);
    expect(added.map(({ duplicateOf }) => duplicateOf)).toEqual([undefined, 1, undefined]);
    expect((await log.append(entry)).duplicateOf).toBe(1);
    expect((await log.get(2))?.state).toBe("duplicate");
    // A duplicate that still waits is shown as waiting.
    const forward = { targets: ["http://localhost:1/"] };
    const { n } = await log.append({ ...entry, forward });
    expect((await log.get(n))?.state).toBe("waiting");
  });

  it("never treats a rejected delivery as an original", async () => {
    const log = await tempLog(engine);
    await log.append(newEntry({ identity: "same", accepted: false, refusal: "the signature is wrong" }));
    expect((await log.append(newEntry({ identity: "same" }))).duplicateOf).toBeUndefined();
    expect(await log.get(1)).toMatchObject({ accepted: false, state: "rejected", refusal: "the signature is wrong" });
  });

  it("forgets an identity after 24 hours", async () => {
    const log = await tempLog(engine);
    const at = (hours: number) => newEntry({ identity: "same", receivedAt: new Date(hours * HOUR_MS) });
    await log.append(at(100));
    expect((await log.append(at(124))).duplicateOf).toBe(1);
    expect((await log.append(at(124.001))).duplicateOf).toBeUndefined();
  });

  it("never treats deliveries without an identity as duplicates", async () => {
    const log = await tempLog(engine);
    await log.append(newEntry());
    expect((await log.append(newEntry())).duplicateOf).toBeUndefined();
  });

  it("records later answers and attempts", async () => {
    const log = await tempLog(engine);
    await log.append(newEntry());
    await log.setAnswer(1, { status: 502, refusal: "the app is not running" });
    const attempt = { target: "http://localhost:3000/", at: new Date(5), latencyMs: 1.25 };
    const refused = { ...attempt, status: undefined, error: "ECONNREFUSED", reply: undefined };
    const answered = { ...attempt, status: 200, error: undefined, reply: "OK" };
    expect(await log.recordAttempt(1, refused)).toBe(1);
    expect(await log.recordAttempt(1, answered)).toBe(2);
    expect(await log.recordAttempt(1, { ...answered, target: "http://localhost:4000/", replay: "same" })).toBe(1);
    const kept = await log.get(1);
    expect(kept).toMatchObject({ status: 502, refusal: "the app is not running" });
    expect(kept?.attempts.slice(0, 2)).toEqual([
      { ...refused, attempt: 1 },
      { ...answered, attempt: 2 },
    ]);
  });

  it("returns nothing for an unknown number", async () => {
    const log = await tempLog(engine);
    expect(await log.ends()).toEqual({ oldest: 0, newest: 0, lastAttempt: 0 });
    expect(await log.get(7)).toBeUndefined();
  });

  it("commits pending writes when it closes, and rejects later ones", async () => {
    const path = join(tempFolder(), "events.db");
    const log = await tempLog(engine, { path });
    const added = Array.from({ length: 600 }, () => log.append(newEntry()));
    await log.close();
    await Promise.all(added);
    await expect(log.append(newEntry())).rejects.toThrow("closed");
    expect(await collect((await tempLog(engine, { path })).rows())).toHaveLength(600);
  });
});

describe("a log on SQLite", () => {
  it.skipIf(lacks("posix"))("is private from its first moment, and so are its companions", async () => {
    const path = join(tempFolder(), "deep", ".zoho-hooks", "events.db");
    const log = await tempLog("sqlite", { path });
    await log.append(newEntry());
    for (const suffix of ["", "-wal", "-shm"]) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  });

  it("adds a .gitignore to a folder that it creates, and not to the user's folders", async () => {
    const folder = tempFolder();
    await tempLog("sqlite", { path: join(folder, ".zoho-hooks", "events.db") });
    expect(readFileSync(join(folder, ".zoho-hooks", ".gitignore"), "utf8")).toBe("/*\n!/fixtures/\n");
    // As in a clone of a project with fixtures.
    const clone = join(folder, "clone", ".zoho-hooks");
    mkdirSync(join(clone, "fixtures"), { recursive: true });
    await tempLog("sqlite", { path: join(clone, "events.db") });
    expect(existsSync(join(clone, ".gitignore"))).toBe(true);
    // As a full disk has left it.
    truncateSync(join(clone, ".gitignore"));
    await tempLog("sqlite", { path: join(clone, "other.db") });
    expect(readFileSync(join(clone, ".gitignore"), "utf8")).toBe("/*\n!/fixtures/\n");
    writeFileSync(join(clone, ".gitignore"), "*\n");
    await tempLog("sqlite", { path: join(clone, "events.db") });
    expect(readFileSync(join(clone, ".gitignore"), "utf8")).toBe("*\n");
    await tempLog("sqlite", { path: join(folder, "own.db") });
    expect(existsSync(join(folder, ".gitignore"))).toBe(false);
  });
});
