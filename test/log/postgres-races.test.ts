import pg from "pg";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Log } from "../../src/log/log.ts";
import { type OpenPostgresOptions, openPostgresLog } from "../../src/log/postgres/log.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks } from "../support/needs.ts";
import { runSql, sharedAddress } from "../support/postgres.ts";

const APP = "http://localhost:3000/";
const DAY_MS = 86_400_000;
let count = 0;

const newAddress = (): Promise<string> => sharedAddress(`postgres-races.test.ts ${process.pid} ${count++}`);
const schemaOf = (address: string): string => /schema=(\w+)/.exec(address)?.[1] ?? "";
const waiting = () => newEntry({ forward: { targets: [APP] } });
const claim = (log: Log) => log.queue.claim({ target: APP, limit: 10, now: new Date(), maxPauseMs: 1 });

async function opened(address: string, options: Partial<OpenPostgresOptions> = {}): Promise<Log> {
  const log = await openPostgresLog({ now: () => new Date(), ...options, address });
  onTestFinished(() => log.close());
  return log;
}

/** Runs SQL in a transaction that is left open. */
async function holding(address: string, sql: string): Promise<pg.Client> {
  const client = new pg.Client(address);
  await client.connect();
  onTestFinished(() => client.end());
  await client.query(`SET search_path = ${schemaOf(address)}; BEGIN; ${sql}`);
  return client;
}

/** Resolves when so many statements wait for a lock in the schema. */
const blocked = (address: string, statements: number) =>
  expect
    .poll(() =>
      runSql(
        address,
        `SELECT DISTINCT pid FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE wait_event_type = 'Lock'
         AND (relation IN (to_regclass('forwards'), to_regclass('identities'))
           OR classid = hashtext(current_schema())::bigint & 4294967295)`,
      ),
    )
    .toHaveLength(statements);

describe.skipIf(lacks("postgresql"))("a log in PostgreSQL", () => {
  it("renews the leases of others while a delivery is being settled", async () => {
    const address = await newAddress();
    const log = await opened(address, { leaseMs: 300 });
    for (let i = 0; i < 2; i++) await log.append(waiting());
    await claim(log);
    await holding(address, "SELECT * FROM forwards WHERE id = 1 FOR UPDATE");
    const dueAt = async () => Number((await runSql(address, "SELECT due_at FROM forwards WHERE id = 2"))[0]?.due_at);
    const first = await dueAt();
    await expect.poll(dueAt).toBeGreaterThan(first + 300);
  });

  it("gives up nothing that has been delivered meanwhile", async () => {
    const address = await newAddress();
    const log = await opened(address);
    await log.append(waiting());
    const settling = await holding(address, "UPDATE forwards SET state = 2");
    const givenUp = log.queue.giveUp(APP);
    await blocked(address, 1);
    await settling.query("COMMIT");
    expect(await givenUp).toBe(0);
    expect((await log.get(1))?.state).toBe("delivered");
  });

  it("remembers an original that comes while an old one of the same identity is pruned", async () => {
    const address = await newAddress();
    const log = await opened(address);
    await log.append(newEntry({ identity: "a", receivedAt: new Date(Date.now() - 2 * DAY_MS) }));
    const receiving = await holding(address, `UPDATE identities SET received_at = ${Date.now()}`);
    const pruned = log.prune({});
    await blocked(address, 1);
    await receiving.query("COMMIT");
    await pruned;
    expect((await log.append(newEntry({ identity: "a" }))).duplicateOf).toBe(1);
  });

  it("keeps nothing of a duty that another process has", async () => {
    const address = await newAddress();
    const one = await openPostgresLog({ address, now: () => new Date() });
    await (await opened(address)).takeDuty("renew");
    const end = vi.spyOn(pg.Client.prototype, "end");
    onTestFinished(() => end.mockRestore());
    expect(await one.takeDuty("renew")).toBeUndefined();
    expect(end).toHaveBeenCalledOnce();
    const [refused] = end.mock.contexts;
    await one.close();
    expect(end.mock.contexts.filter((each) => each === refused)).toHaveLength(1);
  });

  it("records names that are longer than an index of PostgreSQL takes", async () => {
    const log = await opened(await newAddress());
    const long = Array.from({ length: 3000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join("");
    const entry = newEntry({ event: `Leads.${long}`, forward: { targets: [APP] } });
    await Promise.all([log.append(entry), log.append(entry)]);
    expect((await claim(log)).claims.map(({ n }) => n)).toEqual([1, 2]);
    expect((await log.get(2))?.event).toBe(`Leads.${long.slice(0, 494)}`);
  });

  it("wakes others without telling every user of the database the password of a queue", async () => {
    const address = await newAddress();
    const log = await opened(address);
    const anyone = await holding(address, `COMMIT; LISTEN ${schemaOf(address)}`);
    const heard: string[] = [];
    anyone.on("notification", ({ payload = "" }) => heard.push(payload));
    for (const target of ["bullmq://:s3cret@redis/queue", APP])
      await log.append(newEntry({ forward: { targets: [target] } }));
    await expect.poll(() => heard).toEqual(["", APP]);
  });

  it("is created in a schema that the owner of the database has made, whatever its name", async () => {
    const address = await newAddress();
    const user = `${schemaOf(address)}_owner`;
    await runSql(address, `CREATE ROLE ${user} LOGIN; CREATE SCHEMA ${schemaOf(address)} AUTHORIZATION ${user}`);
    expect((await (await opened(address.replace("postgres@", `${user}@`))).append(newEntry())).n).toBe(1);
    const log = await opened(address.replace(/schema=\w+/, "schema=order"));
    log.queue.onWork(() => {});
    expect((await log.append(waiting())).n).toBe(1);
  });
});
