import { randomUUID } from "node:crypto";
import { once } from "node:events";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Claim, Log, NewAttempt } from "../../src/log/log.ts";
import { connectTo, openDatabase } from "../../src/log/postgres/connect.ts";
import { Leases } from "../../src/log/postgres/leases.ts";
import { type OpenPostgresOptions, openPostgresLog, readPostgresOwner } from "../../src/log/postgres/log.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks } from "../support/needs.ts";
import { runSql, sharedAddress } from "../support/postgres.ts";
import { collect } from "../support/temp-log.ts";

const APP = "http://localhost:3000/";
const HOUR_MS = 3_600_000;
let count = 0;

const newAddress = (): Promise<string> => sharedAddress(`postgres.test.ts ${process.pid} ${count++}`);

async function opened(address: string, options: Partial<OpenPostgresOptions> = {}): Promise<Log> {
  const log = await openPostgresLog({ now: () => new Date(), ...options, address });
  onTestFinished(() => log.close());
  return log;
}

const answered = (status: number): NewAttempt => ({
  target: APP,
  at: new Date(),
  status,
  latencyMs: 3,
  error: undefined,
});
const waiting = (parts: Parameters<typeof newEntry>[0] = {}) => newEntry({ forward: { targets: [APP] }, ...parts });

const numbersAfter = async (log: Log, after: number) =>
  (await collect(log.rows({ after }, { order: "oldest", limit: 10 }))).map(({ n }) => n);

async function claim(log: Log, limit = 10): Promise<readonly Claim[]> {
  const { claims } = await log.queue.claim({ target: APP, limit, now: new Date(), maxPauseMs: 1 });
  return claims;
}

describe.skipIf(lacks("postgresql"))("a log in PostgreSQL", () => {
  it("has each delivery once as the original, whichever receiver gets which", async () => {
    const address = await newAddress();
    const logs = [await opened(address), await opened(address)];
    const ids = Array.from({ length: 10_000 }, (_, i) => `crm:Leads.create:${i}`);
    const append = async (log: Log, identity: string) => ({
      identity,
      ...(await log.append(newEntry({ identity, body: "{}" }))),
    });
    // About as many at once as a receiver has in flight.
    const added = await Promise.all(
      logs.map(async (log, which) => {
        const own = which === 0 ? ids : ids.toReversed();
        const made: Awaited<ReturnType<typeof append>>[] = [];
        for (let i = 0; i < own.length; i += 1000)
          made.push(...(await Promise.all(own.slice(i, i + 1000).map((identity) => append(log, identity)))));
        return made;
      }),
    ).then((each) => each.flat());
    const originals = new Map(
      added.filter((each) => each.duplicateOf === undefined).map((each) => [each.identity, each]),
    );
    expect(originals.size).toBe(10_000);
    const marked = added.filter((each) => each.duplicateOf !== undefined);
    expect(marked).toHaveLength(10_000);
    expect(marked.filter((each) => originals.get(each.identity)?.n !== each.duplicateOf)).toEqual([]);
    expect(marked.filter((each) => each.n < (each.duplicateOf ?? 0))).toEqual([]);
  });

  it("marks repeats within one flush as it does over several", async () => {
    const log = await opened(await newAddress());
    const rejected = newEntry({ identity: "a", accepted: false });
    const added = await Promise.all(
      [rejected, newEntry({ identity: "a" }), newEntry({ identity: "b" }), newEntry({ identity: "a" }), rejected].map(
        (entry) => log.append(entry),
      ),
    );
    expect(added.map(({ duplicateOf }) => duplicateOf)).toEqual([undefined, undefined, undefined, 2, 2]);
  });

  it("forgets an original that was answered with an error", async () => {
    const log = await opened(await newAddress());
    const entry = { ...newEntry({ identity: "a" }), status: undefined };
    await log.append(entry);
    await log.setAnswer(1, { status: 502, refusal: undefined });
    expect((await log.append(entry)).duplicateOf).toBeUndefined();
    expect((await log.append(entry)).duplicateOf).toBe(2);
  });

  it("records text with characters that PostgreSQL does not have", async () => {
    const log = await opened(await newAddress());
    await log.append(newEntry({ event: "a\0b\ud800c", records: ["\0", "é"], body: "\0" }));
    expect(await log.get(1)).toMatchObject({ event: "a\u2400b\ufffdc", records: ["\0", "é"] });
    await log.recordAttempt(1, { ...answered(200), reply: "\0" });
    expect((await log.get(1))?.attempts).toMatchObject([{ reply: "\u2400" }]);
  });

  it("gives a delivery to another worker when a lease is over, and settles nothing for the first", async () => {
    const address = await newAddress();
    const [slow, other] = [await opened(address), await opened(address)];
    await slow.append(waiting());
    const [first] = await claim(slow);
    expect(await claim(other)).toEqual([]);
    // As if the first had been held up for so long.
    await runSql(address, "UPDATE forwards SET due_at = 0");
    const [second] = await claim(other);
    expect(second?.n).toBe(1);
    expect(first && (await slow.queue.complete(first, answered(500), { state: "failed" }))).toBe("lost");
    expect((await other.get(1))?.state).toBe("waiting");
    await slow.queue.release(first ? [first] : []);
    expect(await claim(slow)).toEqual([]);
    expect(second && (await other.queue.complete(second, answered(200), { state: "delivered" }))).toBe("done");
    expect(await other.get(1)).toMatchObject({ state: "delivered", forwards: [{ attempts: 1 }] });
    expect((await other.get(1))?.attempts).toHaveLength(2);
  });

  it("renews what is in hand, and lets go what a process that died had", async () => {
    const address = await newAddress();
    const log = await opened(address, { leaseMs: 300 });
    await log.append(waiting());
    const [held] = await claim(log);
    expect(held?.isValid()).toBe(true);
    const dueAt = async () => Number((await runSql(address, "SELECT due_at FROM forwards"))[0]?.due_at);
    const first = await dueAt();
    await expect.poll(dueAt).toBeGreaterThan(first + 300);
    expect(held?.isValid()).toBe(true);
    expect(held && (await log.queue.complete(held, answered(500), { state: "retry", at: new Date() }))).toBe("done");
    expect(held?.isValid()).toBe(false);
    // Of a process that is gone.
    await runSql(address, "UPDATE forwards SET lease = gen_random_uuid(), due_at = clock_ms() + 200");
    expect(await claim(log)).toEqual([]);
    await expect.poll(() => claim(log)).toHaveLength(1);
  });

  it("lets a claim end that nobody renews", async () => {
    const address = await newAddress();
    const database = openDatabase(await connectTo({ address }));
    await (await opened(address)).append(waiting());
    const leases = new Leases(database, { now: () => new Date(), ms: 1000 });
    onTestFinished(async () => {
      await leases.close();
      await database.close();
    });
    const lease = randomUUID();
    const [lapsed, live] = [-1500, 0].map((ago, id) =>
      leases.hold({ id, n: 1, lease }, { sentAtMs: performance.now() + ago, dueAtMs: 0 }),
    );
    expect([lapsed?.isValid(), live?.isValid()]).toEqual([false, true]);
    // Neither row is leased to this process, so that renewing extends none.
    await leases.renew();
    await expect.poll(() => live?.isValid(), { timeout: 2000 }).toBe(false);
  });

  it("never gives one delivery to two workers", async () => {
    const address = await newAddress();
    const logs = await Promise.all([1, 2, 3, 4].map(() => opened(address)));
    await Promise.all(Array.from({ length: 2000 }, () => logs[0]?.append(waiting())));
    const taken = await Promise.all(
      logs.map(async (log) => {
        const all: number[] = [];
        for (;;) {
          const claims = await claim(log, 16);
          if (claims.length === 0) return all;
          await Promise.all(claims.map((each) => log.queue.complete(each, answered(200), { state: "delivered" })));
          all.push(...claims.map(({ n }) => n));
        }
      }),
    );
    expect(taken.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1));
  });

  it("goes by the clock of the database, whatever that of a machine says", async () => {
    const address = await newAddress();
    const fast = () => new Date(Date.now() + HOUR_MS);
    const [ahead, right] = [await opened(address, { now: fast }), await opened(address)];
    await ahead.append(waiting({ receivedAt: fast() }));
    const [first] = await claim(right);
    expect(first?.n).toBe(1);
    if (first) await right.queue.complete(first, answered(500), { state: "retry", at: new Date(Date.now() + 60_000) });
    const [due] = await ahead.queue.waiting();
    expect((due?.nextAt?.getTime() ?? 0) - fast().getTime()).toBeGreaterThan(50_000);
    expect((due?.nextAt?.getTime() ?? 0) - fast().getTime()).toBeLessThanOrEqual(60_000);
    const next = await ahead.queue.claim({ target: APP, limit: 1, now: fast(), maxPauseMs: 1 });
    expect(next.claims).toEqual([]);
  });

  it("has no gap for a reader while a flush is held up", async () => {
    const address = await newAddress();
    const [one, two] = [await opened(address), await opened(address)];
    await one.append(newEntry());
    // The first flush waits here after it has its numbers, as on a slow disk.
    const client = new pg.Client(address);
    await client.connect();
    onTestFinished(() => client.end());
    const schema = /schema=(\w+)/.exec(address)?.[1];
    await client.query(`BEGIN; LOCK TABLE ${schema}.contents IN SHARE MODE`);
    const held = one.append(newEntry());
    await expect
      .poll(() => runSql(address, "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'contents'::regclass"))
      .toHaveLength(1);
    let isBehind = true;
    const behind = two.append(newEntry()).then((added) => {
      isBehind = false;
      return added;
    });
    expect(await numbersAfter(two, 0)).toEqual([1]);
    expect(isBehind).toBe(true);
    await client.query("ROLLBACK");
    expect([(await held).n, (await behind).n]).toEqual([2, 3]);
    expect(await numbersAfter(two, 1)).toEqual([2, 3]);
  });

  it("tells another process that something waits, and by itself once the notice was lost", async () => {
    const address = await newAddress();
    const [receiver, worker] = [await opened(address), await opened(address)];
    const told: string[] = [];
    worker.queue.onWork((target) => told.push(target));
    await receiver.append(waiting());
    await expect.poll(() => told).toContain(APP);
    await claim(worker);
    await runSql(
      address,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN ' || current_schema()",
    );
    told.length = 0;
    await runSql(address, "UPDATE forwards SET due_at = 0");
    await expect.poll(() => told).toContain(APP);
  });

  it("has any number of receivers, of which the active ones are known, and ends what the dead have not answered", async () => {
    const address = await newAddress();
    const [one, two] = [await opened(address), await opened(address)];
    const owner = { pid: 1, host: "a", url: "http://127.0.0.1:1", since: new Date() };
    const first = await one.lock(owner);
    const second = await two.lock({ ...owner, pid: 2, host: "b", url: undefined });
    const endUnanswered = async () => second.held && (await second.endUnanswered());
    expect(await readPostgresOwner({ address }, "b")).toMatchObject({ pid: 1 });
    await one.append({ ...newEntry(), status: undefined });
    expect(await endUnanswered()).toBe(0);
    await runSql(address, "UPDATE receivers SET seen_at = 0 WHERE pid = 1");
    expect(await readPostgresOwner({ address }, "a")).toBeUndefined();
    expect(await endUnanswered()).toBe(1);
    if (first.held) await first.setUrl("http://127.0.0.1:3");
    expect(await readPostgresOwner({ address }, "a")).toMatchObject({ url: "http://127.0.0.1:3" });
    if (first.held) await first.release();
    expect(await readPostgresOwner({ address }, "a")).toBeUndefined();
  });

  it("gives a duty to one process, and to another when that one ends or loses its connection", async () => {
    const address = await newAddress();
    const [one, two] = [await opened(address), await opened(address)];
    const held = await one.takeDuty("prune");
    expect(await two.takeDuty("prune")).toBeUndefined();
    await (await two.takeDuty("renew"))?.release();
    const lost = held && once(held.signal, "abort");
    await runSql(
      address,
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint & 4294967295
       = hashtext(current_schema() || ' duties')::bigint & 4294967295`,
    );
    await lost;
    const moved = await two.takeDuty("prune");
    expect(moved).toBeDefined();
    await moved?.release();
    expect(moved?.signal.aborted).toBe(false);
    await (await one.takeDuty("prune"))?.release();
  });

  it("shares secrets with who has the key, and shows them to nobody else", async () => {
    const address = await newAddress();
    const [one, two] = [await opened(address, { storeKey: "k" }), await opened(address, { storeKey: "k" })];
    await one.shared?.secrets.set("mail:hook", "s3cret");
    await one.shared?.secrets.set("mail:hook", "s3cret-2");
    expect(await two.shared?.secrets.all()).toEqual(new Map([["mail:hook", "s3cret-2"]]));
    expect(JSON.stringify(await runSql(address, "SELECT * FROM secrets, meta"))).not.toMatch(/s3cret|"k"/);
    await runSql(address, "UPDATE secrets SET name = 'channel:1'");
    await expect(two.shared?.secrets.all()).rejects.toThrow(/channel:1.*cannot be decrypted/);
    const [wrong, none] = [await opened(address, { storeKey: "l" }), await opened(address)];
    await expect(wrong.shared?.secrets.all()).rejects.toMatchObject({ code: "log-key" });
    await expect(none.shared?.secrets.all()).rejects.toThrow("ZOHO_HOOKS_STORE_KEY is not set");
    await expect(none.shared?.secrets.set("a", "b")).rejects.toMatchObject({ code: "log-key" });
  });

  it("is created once by processes that start together, and by none that only reads", async () => {
    const address = await newAddress();
    await Promise.all(Array.from({ length: 5 }, () => opened(address)));
    await (await opened(address)).append(newEntry());
    await expect(opened(await newAddress(), { create: false })).rejects.toMatchObject({ code: "log-missing" });
  });

  it("can be used, but not created, by a user without the right to create", async () => {
    const address = await newAddress();
    await opened(address);
    const schema = /schema=(\w+)/.exec(address)?.[1];
    await runSql(
      address,
      `CREATE ROLE ${schema} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${schema};
       GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${schema};
       GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${schema}`,
    );
    const user = await opened(address.replace("postgres@", `${schema}@`));
    expect((await user.append(waiting())).n).toBe(1);
    expect(await claim(user)).toHaveLength(1);
    await expect(opened((await newAddress()).replace("postgres@", `${schema}@`))).rejects.toMatchObject({
      code: "log-forbidden",
    });
  });

  it("prunes what identities and tables have, and reads a page in batches of bytes", async () => {
    const address = await newAddress();
    const log = await opened(address);
    await log.append(newEntry({ identity: "old", receivedAt: new Date(Date.now() - 25 * HOUR_MS) }));
    await log.append(newEntry({ identity: "pruned", receivedAt: new Date(Date.now() - 2 * HOUR_MS) }));
    for (let i = 0; i < 4; i++) await log.append(newEntry({ identity: `${i}`, body: Buffer.alloc(4_000_000, "x") }));
    expect((await collect(log.entries())).map(({ delivery }) => delivery.body.length)).toEqual([
      ...Array.from({ length: 4 }, () => 4_000_000),
      ...Array.from({ length: 2 }, () => newEntry().delivery.body.length),
    ]);
    await log.prune({});
    const kept = await runSql(address, "SELECT n FROM identities ORDER BY n");
    expect(kept.map(({ n }) => Number(n))).toEqual([2, 3, 4, 5, 6]);
    await log.prune({ keepMs: HOUR_MS });
    expect((await log.append(newEntry({ identity: "pruned" }))).duplicateOf).toBeUndefined();
  });

  it("never shows the password of its address", async () => {
    const address = (await newAddress()).replace("postgres@", "postgres:p3arl@");
    expect((await opened(address)).path).not.toContain("p3arl");
    const wrong = "postgres://me:p3arl@127.0.0.1:1/db?schema=s";
    const error: unknown = await openPostgresLog({ address: wrong, now: () => new Date() }).catch((cause) => cause);
    expect(error).toMatchObject({ code: "log-unreachable", message: expect.not.stringContaining("p3arl") });
    for (const unreadable of ["postgres://me:p3a/rl@host/db", "postgres://me@host/db?sslkey=/none"])
      await expect(openPostgresLog({ address: unreadable, now: () => new Date() })).rejects.toMatchObject({
        exitCode: 2,
        message: expect.stringMatching(/^(?!.*p3a).*cannot be used/),
      });
    const badSchema = "postgres://host/db?schema=%ZZ";
    await expect(openPostgresLog({ address: badSchema, now: () => new Date() })).rejects.toThrow(
      "another kind of name",
    );
  });
});

it.each([
  ["sslmode=require", "sslmode=verify-full"],
  ["sslmode=verify-ca&x=1", "sslmode=verify-full&x=1"],
  ["sslmode=no-verify", "sslmode=no-verify"],
  ["uselibpqcompat=true&sslmode=require", "uselibpqcompat=true&sslmode=require"],
])("asks pg for what it does with %s, without a warning", async (given, asked) => {
  const { config } = await connectTo({ address: `postgres://host/database?${given}` });
  expect(config.connectionString).toBe(`postgres://host/database?${asked}`);
});
