import { readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type FormatStep, formatSteps, logFormat } from "../../src/log/format.ts";
import { startChild } from "../support/child.ts";
import { startListener } from "../support/listener.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks } from "../support/needs.ts";
import { runSql, sharedAddress } from "../support/postgres.ts";
import { run } from "../support/run.ts";
import { freePort, startTarget } from "../support/target.ts";
import { engines, type LogEngine, openTestLog, runSqlIn, tempFolder, tempLog } from "../support/temp-log.ts";

/** Fails if it is taken twice. */
const COUNTING = `
  ALTER TABLE deliveries ADD COLUMN taken integer NOT NULL DEFAULT 0;
  UPDATE deliveries SET taken = taken + 1;`;
const STEP: FormatStep = { sqlite: COUNTING, postgresql: COUNTING };
const NUMBERS = `WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers)`;
/** SQLite first writes more than it keeps in memory: part of the step is in its journal. */
const ENDLESS_STEP: FormatStep = {
  sqlite: `CREATE TABLE large (bytes BLOB); ${NUMBERS} INSERT INTO large SELECT zeroblob(4000) FROM numbers LIMIT 5000;
    ${NUMBERS} SELECT count(*) FROM numbers`,
  // The server ends it at the first notice that it cannot send.
  postgresql: "DO $$ BEGIN LOOP RAISE NOTICE 'half-way'; PERFORM pg_sleep(0.02); END LOOP; END $$",
};

const IDS = ["4876876000000000001", "4876876000000000002", "4876876000000000003"];

/** Makes this program one of a later format, until the end of the test. */
function addSteps(...steps: readonly FormatStep[]): void {
  formatSteps.push(...steps);
  onTestFinished(() => void formatSteps.splice(-steps.length));
}

/** The setting `store` of the log at a path. */
const storeOf = (engine: LogEngine, path: string) => (engine === "sqlite" ? path : sharedAddress(path));

const newPath = (): string => join(tempFolder(), "events.db");

async function isHalfWay(engine: LogEngine, path: string): Promise<boolean> {
  if (engine === "sqlite") return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 10_000_000;
  const sleeping = `SELECT 1 FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE query LIKE '%half-way%'
    AND wait_event = 'PgSleep' AND relation = 'deliveries'::regclass AND mode = 'AccessExclusiveLock'`;
  return (await runSqlIn(engine, path, sleeping)).length === 1;
}

async function stepsTaken(engine: LogEngine, path: string): Promise<readonly unknown[]> {
  return (await runSqlIn(engine, path, "SELECT taken FROM deliveries ORDER BY n")).map(({ taken }) => Number(taken));
}

describe.each(engines)("a log of an earlier format in %s", (engine) => {
  it("is delivered by the next listen, its step taken once, after a kill half-way", async () => {
    const path = newPath();
    const port = await freePort();
    const argv = ["--store", await storeOf(engine, path), "--forward-to", String(port)];
    const earlier = await startListener(argv);
    for (const id of IDS)
      await earlier.post("/webhooks/zoho/crm", `{"module":"Leads","operation":"create","ids":["${id}"]}`);
    await earlier.event(3);
    await earlier.stop();

    const steps = [STEP, ENDLESS_STEP].map((step) => JSON.stringify(step));
    const child = await startChild("hold-log.ts", [await storeOf(engine, path), ...steps]);
    await expect.poll(() => isHalfWay(engine, path)).toBe(true);
    addSteps(STEP);
    const reading = await run(["events", "list"], { env: { ZOHO_HOOKS_STORE: argv[1] ?? "" } });
    expect(reading.exitCode).toBe(2);
    expect(reading.err).toContain(`(format ${logFormat() - 1}, this version has format ${logFormat()})`);
    expect(reading.err).toContain("`zoho-hooks listen` upgrades it and keeps all that is in it");
    // In PostgreSQL it waits until the server has undone the step.
    const waiting = engine === "postgresql" ? startListener(argv) : undefined;
    await child.kill();

    const app = await startTarget(undefined, { port });
    onTestFinished(() => app.close());
    const later = await (waiting ?? startListener(argv));
    for (const n of [1, 2, 3]) await later.line("forward", { n, state: "delivered" });
    await later.stop();
    expect(app.seen.map(({ body }) => JSON.parse(body.toString()).ids).sort()).toEqual(IDS.map((id) => [id]));
    expect(await stepsTaken(engine, path)).toEqual([1, 1, 1]);
    await (await startListener(argv)).stop();
    expect(await stepsTaken(engine, path)).toEqual([1, 1, 1]);
  });

  it("stays as it is while a receiver of the earlier version uses it", async () => {
    const path = newPath();
    const store = await storeOf(engine, path);
    const child = await startChild("hold-log.ts", [store]);
    await child.line();
    addSteps(STEP);
    const { exitCode, err } = await run(["listen", "--port", "0", "--store", store]);
    expect(exitCode).toBe(2);
    const place = engine === "sqlite" ? "" : ` on ${hostname()}`;
    expect(err).toContain(`has format ${logFormat() - 1} and is in use: process ${child.pid}${place}\n`);
    expect(err).toContain("stop every listen that uses it, then start this one");
    await child.kill();
    // One that was killed counts as active for 30 s.
    if (engine === "postgresql") await runSqlIn(engine, path, "UPDATE receivers SET seen_at = seen_at - 30000");
    await (await startListener(["--store", store])).stop();
    expect(await stepsTaken(engine, path)).toEqual([]);
  });

  it("is not received into by a process of the earlier version that opened it before the step", async () => {
    const path = newPath();
    const log = await tempLog(engine, { path });
    const setFormat = (format: number) =>
      engine === "sqlite"
        ? `PRAGMA user_version = ${format}`
        : `UPDATE meta SET value = '${format}' WHERE name = 'format'`;
    await runSqlIn(engine, path, setFormat(logFormat() + 1));
    const owner = { pid: 4711, host: hostname(), url: undefined, since: new Date() };
    await expect(log.lock(owner)).rejects.toMatchObject({ code: "log-format" });
    expect((await log.shared?.receivers()) ?? []).toEqual([]);
    await runSqlIn(engine, path, setFormat(logFormat()));
    expect((await log.lock(owner)).held).toBe(true);
  });

  it("takes all its steps in order and once when several processes open it at the same time", async () => {
    const path = newPath();
    const earlier = await openTestLog(engine, { path });
    await earlier.append(newEntry());
    await earlier.close();
    const renaming = "ALTER TABLE deliveries RENAME COLUMN taken TO renamed";
    const back = "ALTER TABLE deliveries RENAME COLUMN renamed TO taken";
    addSteps(STEP, { sqlite: renaming, postgresql: renaming }, { sqlite: back, postgresql: back });
    const opened = await Promise.allSettled(Array.from({ length: 5 }, () => tempLog(engine, { path })));
    expect(await stepsTaken(engine, path)).toEqual([1]);
    // In SQLite only one at a time can receive: another may find it in use.
    const expected = engine === "sqlite" ? expect.objectContaining({ code: "log-format" }) : "none is refused";
    const refusals = opened.filter((each) => each.status === "rejected").map(({ reason }) => reason);
    expect(refusals).toEqual(refusals.map(() => expected));
    expect(refusals.length).toBeLessThan(opened.length);
  });

  it("is as before when a step fails", async () => {
    const path = newPath();
    await (await openTestLog(engine, { path })).close();
    const failing = `${COUNTING} SELECT no_such_column FROM deliveries;`;
    addSteps({ sqlite: failing, postgresql: failing });
    await expect(openTestLog(engine, { path })).rejects.toThrow("no_such_column");
    formatSteps.splice(-1, 1, STEP);
    await (await openTestLog(engine, { path })).close();
    expect(await stepsTaken(engine, path)).toEqual([]);
  });

  it("delivers what waited for an earlier delivery of its record", async () => {
    const path = newPath();
    const app = await startTarget();
    onTestFinished(() => app.close());
    const sql = readFileSync(join(import.meta.dirname, "format-2", `${engine}.sql`), "utf8");
    const rows = [1, 2].map(
      (n) => `
      INSERT INTO deliveries (n, received_at, method, url, product, event, known, accepted, invalid, status)
        VALUES (${n}, 1700000000000, 'POST', '/webhooks/zoho/crm', 'crm', 'Leads.create', 1, 1, 0, 200);
      INSERT INTO contents (n, headers, body) VALUES (${n}, '[]', ${engine === "sqlite" ? "x'7b7d'" : "'{}'"});
      INSERT INTO forwards (id, n, target, state, due_at, order_key)
        VALUES (${n}, ${n}, '${app.url}', ${n - 1}, 1700000000000, 'crm:1');`,
    );
    await createFormat2(engine, path, sql + rows.join(""));
    const listener = await startListener(["--store", await storeOf(engine, path), "--forward-to", app.url]);
    for (const n of [1, 2]) await listener.line("forward", { n, state: "delivered" });
    await listener.stop();
  });

  it("gets the tables of a new log from its steps", async () => {
    const path = newPath();
    const sql = readFileSync(join(import.meta.dirname, "format-2", `${engine}.sql`), "utf8");
    await createFormat2(engine, path, sql);
    await (await openTestLog(engine, { path })).close();
    const fresh = newPath();
    await (await openTestLog(engine, { path: fresh })).close();
    // Where these differ, a table, index or function was changed without a step in src/log/format.ts.
    expect(await tablesOf(engine, path)).toEqual(await tablesOf(engine, fresh));
  });
});

it.skipIf(lacks("postgresql"))(
  "upgrades a log in PostgreSQL with store init where the user of listen may not",
  async () => {
    const path = newPath();
    await (await openTestLog("postgresql", { path })).close();
    const store = await sharedAddress(path);
    const schema = /schema=(\w+)/.exec(store)?.[1];
    await runSql(
      store,
      `CREATE ROLE ${schema} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${schema};
     GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${schema};
     GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${schema} TO ${schema}`,
    );
    addSteps(STEP);
    const argv = ["--store", store.replace("postgres@", `${schema}@`)];
    const refused = await run(["listen", "--port", "0", ...argv]);
    expect(refused.exitCode).toBe(2);
    expect(refused.err).toContain("have the owner of the database run `zoho-hooks store init`");
    const { out } = await run(["store", "init", "--store", store]);
    expect(out).toContain("was upgraded to the format of this version");
    await (await startListener(argv)).stop();
  },
);

async function createFormat2(engine: LogEngine, path: string, sql: string): Promise<void> {
  if (engine === "sqlite") {
    await runSqlIn(engine, path, `${sql}; PRAGMA application_id = ${0x5a486b73}; PRAGMA user_version = 2`);
    return;
  }
  const schema = /schema=(\w+)/.exec(await sharedAddress(path))?.[1];
  await runSqlIn(
    engine,
    path,
    `CREATE SCHEMA ${schema}; ${sql}; INSERT INTO meta (name, value) VALUES ('format', '2')`,
  );
}

/** Columns, indexes and functions; not `webhook_logs` and its function, which this program does not read. */
async function tablesOf(engine: LogEngine, path: string): Promise<readonly string[]> {
  const queries = engine === "sqlite" ? SQLITE_CATALOG : POSTGRES_CATALOG;
  const rows = await Promise.all(queries.map((sql) => runSqlIn(engine, path, sql)));
  return rows.flat().map((row) => JSON.stringify(row).replace(/(?:\s|\\n)+|t_[0-9a-f]{24}\./g, " "));
}

const SQLITE_CATALOG = [
  `SELECT tables.name AS table_name, columns.* FROM sqlite_schema AS tables, pragma_table_xinfo(tables.name) AS columns
   WHERE tables.type = 'table' ORDER BY table_name, cid`,
  "SELECT name, sql FROM sqlite_schema WHERE type = 'index' ORDER BY name",
];
const POSTGRES_CATALOG = [
  `SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name FROM information_schema.columns
   WHERE table_schema = current_schema() AND table_name <> 'webhook_logs' ORDER BY table_name, ordinal_position`,
  "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() ORDER BY indexdef",
  `SELECT proname, pg_get_function_arguments(oid), pg_get_function_result(oid), prosrc FROM pg_proc
   WHERE pronamespace = current_schema()::regnamespace AND proname <> 'masked_body' ORDER BY 1, 2`,
];
