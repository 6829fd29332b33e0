import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { LogFilter } from "../../src/log/log.ts";
import { pageQuery, resolveFilter } from "../../src/log/paging.ts";
import { REJECTED } from "../../src/log/retention.ts";
import { RECORD_COLUMNS, type SqlValue } from "../../src/log/rows.ts";
import { loadEngine, type NativeDatabase } from "../../src/log/sqlite/engine.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { sqlSource } from "../../src/log/sqlite/read.ts";
import { newEntry } from "../support/log-entry.ts";

describe("a page of the log in SQLite", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "query-plan-")), "events.db");
  const log = await openLog({ path, now: () => new Date() });
  for (const event of ["Leads.create", "Leads.update"]) await log.append(newEntry({ event, identity: event }));
  await log.close();
  const database = (await loadEngine()).open(path);
  const source = sqlSource(database, async (query) => query());
  afterAll(() => database.close());

  const cases: [string, LogFilter, RegExp][] = [
    ["everything", {}, /SEARCH deliveries USING INTEGER PRIMARY KEY \(rowid>/],
    ["one event", { events: ["crm:Leads.create"] }, /USING INDEX deliveries_by_event \(product=\? AND event=\? AND n>/],
    ["several events", { events: ["Leads.*"] }, /SEARCH deliveries USING INTEGER PRIMARY KEY/],
    ["a product", { product: "crm" }, /SEARCH deliveries USING INTEGER PRIMARY KEY/],
    // Each page would read the time index to its end.
    ["a time", { since: new Date(5) }, /^(?![\s\S]*deliveries_by_time)SEARCH deliveries USING INTEGER PRIMARY KEY/],
    ["what is invalid", { only: ["invalid"] }, /USING INDEX deliveries_invalid/],
    ["refusals", { only: [{ minStatus: 400, maxStatus: 499 }] }, /USING INDEX deliveries_refused/],
    ["failures", { only: ["failed"] }, /USING COVERING INDEX forwards_failed/],
    ["failures and repeats", { only: ["failed", "duplicate"] }, /INTEGER PRIMARY KEY|MULTI-INDEX OR/],
    ["text", { search: "x" }, /SEARCH contents USING INTEGER PRIMARY KEY/],
  ];
  it.each(cases)("of %s uses an index and sorts nothing", async (_, filter, index) => {
    const { only = [] } = filter;
    const page = {
      columns: RECORD_COLUMNS,
      only,
      contents: filter.search !== undefined,
      order: "newest",
      low: 1,
      high: 1e6,
      limit: 200,
    } as const;
    const conditions = await resolveFilter(source, filter);
    const { sql, values } = pageQuery({ ...page, conditions });
    const plan = explain(database, sql, values);
    expect(plan).toMatch(index);
    expect(plan).not.toMatch(/SCAN (deliveries|contents|attempts)|TEMP B-TREE FOR ORDER BY/);
  });

  it("looks up times, duplicates, due and rejected deliveries by their own indexes", () => {
    const plan = (sql: string): string => explain(database, sql, []);
    expect(plan("SELECT min(+n) AS n FROM deliveries WHERE received_at >= 5")).toMatch(
      /deliveries_by_time \(received_at>/,
    );
    expect(
      plan(
        "SELECT n FROM deliveries WHERE identity = 'x' AND accepted = 1 AND duplicate_of IS NULL ORDER BY n LIMIT 1",
      ),
    ).toMatch(/deliveries_by_identity \(identity=\?\)$/m);
    expect(
      plan("SELECT id FROM forwards WHERE target = 'x' AND state = 0 AND due_at <= 1 ORDER BY due_at, id"),
    ).toMatch(/forwards_due \(target=\? AND due_at</);
    expect(plan(`SELECT n FROM deliveries WHERE n > 5 AND ${REJECTED} ORDER BY n LIMIT 500`)).toMatch(
      /deliveries_refused \(n>/,
    );
  });
});

function explain(database: NativeDatabase, sql: string, values: readonly SqlValue[]): string {
  const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
  return rows.map((row) => String(row.detail)).join("\n");
}
