import type { Delivery } from "../../delivery/delivery.ts";
import { Damage, damaged } from "../damage.ts";
import { matchesWhere } from "../filter.ts";
import type { FollowedAttempt, LogEntry, LogRow } from "../log.ts";
import type { PageSource, SqlSource } from "../paging.ts";
import {
  groupByDelivery,
  maybeNumber,
  numberOf,
  RECORD_COLUMNS,
  ROW_COLUMNS,
  readAttempt,
  readDelivery,
  readFollowed,
  readForward,
  readRecord,
  readRow,
  type SqlRow,
} from "../rows.ts";
import type { NativeDatabase } from "./engine.ts";
import { orDamage } from "./fault.ts";

interface Source {
  readonly database: NativeDatabase;
  readonly reader: ReturnType<typeof createEntryReader>;
  /** Runs a query, again while another process has locked the file. */
  query<T>(run: () => T): Promise<T>;
  /** Runs a read after a check that the file is still the log. */
  read<T>(run: () => T): Promise<T>;
}

/** Reads what belongs to the rows of a page, and returns what converts each; undefined stands for one that has been pruned. */
type OpenPage<T> = (rows: readonly SqlRow[]) => (row: SqlRow) => T | undefined;

/** Source of the pages of a list. */
export function pageSource<T>(
  { database, reader, query, read }: Source,
  columns: string,
  openPage: OpenPage<T>,
): PageSource<T> {
  return {
    columns,
    ...sqlSource(database, read),
    page: (sql, values) => read(() => orDamage(() => database.prepare(sql).all(...values))),
    ends: () => read(() => endsOf(database)),
    async *convert(rows, { where = [] }) {
      const matches = (row: SqlRow): boolean => {
        if (where.length === 0) return true;
        const delivery = reader.delivery(row);
        return delivery !== undefined && matchesWhere(delivery, where);
      };
      const make = await query(() => orDamage(() => openPage(rows)));
      const makeOf = make instanceof Damage ? (row: SqlRow) => openPage([row])(row) : make;
      const convert = (row: SqlRow) => orDamage(() => (matches(row) ? makeOf(row) : undefined));
      const readsBodies = where.length > 0 || openPage === reader.openPage;
      // No more than one body is in memory.
      if (readsBodies) for (const row of rows) yield [await query(() => convert(row))];
      else yield await query(() => rows.map(convert));
    },
  };
}

export function sqlSource(database: NativeDatabase, read: Source["read"]): SqlSource {
  return {
    dialect: { unindexed: "+", bytesOf: (column) => `CAST(${column} AS BLOB)` },
    query: (sql, values) => read(() => database.prepare(sql).all(...values)),
  };
}

/** The bounds of the numbers in the log, even when the rows at its ends cannot be read. */
function endsOf(database: NativeDatabase): { readonly low: number; readonly high: number } {
  const query = (sql: string) => orDamage(() => maybeNumber(database.prepare(sql).get() ?? { n: null }, "n") ?? 0);
  const min = query("SELECT min(n) AS n FROM deliveries");
  const low = min instanceof Damage ? 1 : min;
  const high = query("SELECT max(n) AS n FROM deliveries");
  if (!(high instanceof Damage)) return { low, high };
  const assigned = query("SELECT seq AS n FROM sqlite_sequence WHERE name = 'deliveries'");
  if (assigned instanceof Damage || assigned === 0) throw high.cause;
  return { low, high: assigned };
}

/** Reads lines of a list, without bodies. */
export function createRowReader(database: NativeDatabase) {
  const after = database.prepare(`SELECT ${ROW_COLUMNS} FROM deliveries WHERE n > ? ORDER BY n LIMIT ?`);
  const one = database.prepare(`SELECT ${ROW_COLUMNS} FROM deliveries WHERE n = ?`);
  return {
    /** Undefined where one of them cannot be read: `readAll` then finds out which. */
    after(n: number, limit: number): readonly LogRow[] | undefined {
      const rows = orDamage(() => after.all(n, limit).map(readRow));
      return rows instanceof Damage ? undefined : rows;
    },
    row(n: number): LogRow | undefined {
      const found = one.get(n);
      return found && readRow(found);
    },
  };
}

const OF_ROWS = "n IN (SELECT value FROM json_each(?)) ORDER BY id";

/** Reads deliveries with bodies and attempts. */
export function createEntryReader(database: NativeDatabase) {
  const one = database.prepare(`SELECT ${RECORD_COLUMNS} FROM deliveries WHERE n = ?`);
  const content = database.prepare("SELECT headers, body FROM contents WHERE n = ?");
  const last = database.prepare("SELECT max(n) AS n FROM deliveries");
  const attempts = database.prepare(`SELECT * FROM attempts WHERE ${OF_ROWS}`);
  const forwards = database.prepare(`SELECT * FROM forwards WHERE ${OF_ROWS}`);

  /** The exact request of a row of `deliveries`; undefined when it has been pruned since the row was read. */
  function delivery(row: SqlRow): Delivery | undefined {
    const found = content.get(numberOf(row, "n"));
    return found === undefined ? undefined : readDelivery({ ...row, ...found });
  }

  const openPage: OpenPage<LogEntry> = (rows) => {
    const numbers = JSON.stringify(rows.map(({ n }) => n));
    const attemptsOf = groupByDelivery(attempts.all(numbers));
    const forwardsOf = groupByDelivery(forwards.all(numbers));
    return (row) => {
      const n = numberOf(row, "n");
      const request = delivery(row);
      if (request === undefined) return undefined;
      const made = (attemptsOf.get(n) ?? []).map(readAttempt);
      const queued = (forwardsOf.get(n) ?? []).map(readForward);
      return { ...readRecord(row), delivery: request, attempts: made, forwards: queued };
    };
  };

  return {
    delivery,
    openPage,
    get(wanted: number | "last"): LogEntry | undefined {
      const n = wanted === "last" ? maybeNumber(last.get() ?? { n: null }, "n") : wanted;
      if (n === undefined) return undefined;
      const entry = orDamage(() => {
        const row = one.get(n);
        return row && openPage([row])(row);
      });
      if (entry instanceof Damage) throw damaged(n, entry.reason);
      return entry;
    },
  };
}

const MAX_ATTEMPTS_READ = 500;

/** Reads attempts as they are recorded. */
export function createAttemptReader(database: NativeDatabase) {
  const end = database.prepare("SELECT max(id) AS id FROM attempts");
  const after = database.prepare(`SELECT * FROM attempts WHERE id > ? ORDER BY id LIMIT ${MAX_ATTEMPTS_READ}`);
  const last = (): number => {
    const row = end.get();
    return (row && maybeNumber(row, "id")) ?? 0;
  };
  return {
    last,
    after(id: number): readonly FollowedAttempt[] {
      // After all are pruned the ids start again at 1, and all attempts are new.
      const from = last() < id ? 0 : id;
      return after.all(from).map(readFollowed);
    },
  };
}
