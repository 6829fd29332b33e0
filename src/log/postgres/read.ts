import type { Delivery } from "../../delivery/delivery.ts";
import { Damage, damaged } from "../damage.ts";
import { matchesWhere } from "../filter.ts";
import type { FollowedAttempt, LogEntry, LogFilter, LogRow } from "../log.ts";
import type { PageSource, SqlSource } from "../paging.ts";
import {
  COUNT_RECONSTRUCTED,
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
import type { Database } from "./connect.ts";
import { CLOCK_SHIFT } from "./schema.ts";

/** Limit of the bodies in memory at once, beside the first. */
const MAX_BATCH_BYTES = 8_388_608;
const MAX_ATTEMPTS_READ = 500;

type Convert<T> = (row: SqlRow, delivery: Delivery | undefined) => T | undefined;
type OpenBatch<T> = (rows: readonly SqlRow[]) => Promise<Convert<T>>;

export function createReader({ read }: Database, now: () => Date) {
  const source: SqlSource = {
    dialect: { unindexed: "", bytesOf: (column) => `convert_to(${column}, 'UTF8')` },
    query: read,
  };

  async function ends(): Promise<{ low: number; high: number }> {
    const [row] = await read("SELECT coalesce(min(n), 0) AS low, coalesce(max(n), 0) AS high FROM deliveries");
    return row === undefined ? { low: 0, high: 0 } : { low: numberOf(row, "low"), high: numberOf(row, "high") };
  }

  function pageSource<T>(columns: string, open: OpenBatch<T>, readsBodies: boolean): PageSource<T> {
    return {
      ...source,
      columns,
      page: read,
      ends,
      async *convert(rows, filter) {
        const needsBodies = readsBodies || (filter.where ?? []).length > 0;
        for (const batch of needsBodies ? await batchesOf(rows) : [rows]) yield await convertBatch(batch, filter);
      },
    };

    async function convertBatch(rows: readonly SqlRow[], { where = [] }: LogFilter) {
      const contents = readsBodies || where.length > 0 ? await contentsOf(rows) : undefined;
      const convert = await open(rows);
      return rows.map((row) =>
        orDamage(() => {
          const content = contents?.get(numberOf(row, "n"));
          const delivery = content && readDelivery({ ...row, ...content });
          // Pruned meanwhile.
          if (contents !== undefined && delivery === undefined) return undefined;
          if (delivery !== undefined && where.length > 0 && !matchesWhere(delivery, where)) return undefined;
          return convert(row, delivery);
        }),
      );
    }
  }

  /** Few enough that their bodies fit in memory. */
  async function batchesOf(rows: readonly SqlRow[]): Promise<readonly (readonly SqlRow[])[]> {
    const found = await read("SELECT n, length(body) AS bytes FROM contents WHERE n = ANY (?::bigint[])", [
      numbersOf(rows),
    ]);
    const sizes = new Map(found.map((row) => [row.n, numberOf(row, "bytes")]));
    const batches: SqlRow[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const row of rows) {
      bytes += sizes.get(numberOf(row, "n")) ?? 0;
      if (bytes > MAX_BATCH_BYTES) {
        batches.push([]);
        bytes = sizes.get(numberOf(row, "n")) ?? 0;
      }
      batches.at(-1)?.push(row);
    }
    return batches;
  }

  async function contentsOf(rows: readonly SqlRow[]): Promise<ReadonlyMap<number, SqlRow>> {
    const found = await read("SELECT n, headers, body FROM contents WHERE n = ANY (?::bigint[])", [numbersOf(rows)]);
    return new Map(found.map((row) => [numberOf(row, "n"), row]));
  }

  /** Reads what belongs to all of them, and returns what converts each. */
  async function openEntries(rows: readonly SqlRow[]): Promise<Convert<LogEntry>> {
    const [attempts, forwards] = await Promise.all([
      read("SELECT * FROM attempts WHERE n = ANY (?::bigint[]) ORDER BY id", [numbersOf(rows)]),
      read(
        `SELECT n, target, state, attempts, due_at - ${CLOCK_SHIFT} AS due_at FROM forwards
         WHERE n = ANY (?::bigint[]) ORDER BY id`,
        [now().getTime(), numbersOf(rows)],
      ),
    ]);
    const attemptsOf = groupByDelivery(attempts);
    const forwardsOf = groupByDelivery(forwards);
    return (row, delivery) => {
      if (delivery === undefined) return undefined;
      const n = numberOf(row, "n");
      const made = (attemptsOf.get(n) ?? []).map(readAttempt);
      const queued = (forwardsOf.get(n) ?? []).map(readForward);
      return { ...readRecord(row), delivery, attempts: made, forwards: queued };
    };
  }

  const records = pageSource(RECORD_COLUMNS, async () => readRecord, false);
  const lines = pageSource(ROW_COLUMNS, async () => readRow, false);
  const entries = pageSource(RECORD_COLUMNS, openEntries, true);

  return {
    records,
    lines,
    entries,
    async get(wanted: number | "last"): Promise<LogEntry | undefined> {
      const n = wanted === "last" ? (await ends()).high : wanted;
      const rows = await read(`SELECT ${RECORD_COLUMNS} FROM deliveries WHERE n = ?`, [n]);
      for await (const [entry] of entries.convert(rows, {})) {
        if (entry instanceof Damage) throw damaged(n, entry.reason);
        return entry;
      }
      return undefined;
    },
    async rowsAfter(n: number, limit: number): Promise<readonly LogRow[] | undefined> {
      const found = await read(`SELECT ${ROW_COLUMNS} FROM deliveries WHERE n > ? ORDER BY n LIMIT ?`, [n, limit]);
      const rows = orDamage(() => found.map(readRow));
      return rows instanceof Damage ? undefined : rows;
    },
    async row(n: number): Promise<LogRow | undefined> {
      const [row] = await read(`SELECT ${ROW_COLUMNS} FROM deliveries WHERE n = ?`, [n]);
      return row && readRow(row);
    },
    async countReconstructed(): Promise<number> {
      const [row] = await read(COUNT_RECONSTRUCTED);
      return row === undefined ? 0 : numberOf(row, "count");
    },
    async attemptsAfter(id: number): Promise<readonly FollowedAttempt[]> {
      const rows = await read("SELECT * FROM attempts WHERE id > ? ORDER BY id LIMIT ?", [id, MAX_ATTEMPTS_READ]);
      return rows.map(readFollowed);
    },
    async lastAttempt(): Promise<number> {
      const [row] = await read("SELECT max(id) AS id FROM attempts");
      return (row && maybeNumber(row, "id")) ?? 0;
    },
  };
}

/** Unlike the queries, the rows are damaged only where what they hold is. */
function orDamage<T>(convert: () => T): T | Damage {
  try {
    return convert();
  } catch (error) {
    return new Damage(error);
  }
}

function numbersOf(rows: readonly SqlRow[]): readonly number[] {
  return rows.map((row) => numberOf(row, "n"));
}
