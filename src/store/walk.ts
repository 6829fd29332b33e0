import { setImmediate as nextTurn } from "node:timers/promises";
import { Damage, damaged, orDamage } from "./damage.ts";
import type { NativeDatabase, SqlRow } from "./engine.ts";
import { contentConditions, type LogFilter } from "./filter.ts";
import type { ListOptions, LogEntry, LogRecord } from "./log.ts";
import { type entryReader, pageQuery, resolveFilter } from "./queries.ts";
import { readRecord } from "./record.ts";
import { maybeNumber, numberOf } from "./row.ts";
import { matchesWhere } from "./where.ts";

const PAGE_ROWS = 200;
/** How many deliveries one step looks at where bodies have to be read: some 10 MB, then others get their turn. */
const WINDOW = 5000;

/** Where deliveries are read from. */
export interface Source {
  readonly database: NativeDatabase;
  readonly reader: ReturnType<typeof entryReader>;
  /** Runs a read, again if another process has the file locked for a moment. */
  read<T>(work: () => T): Promise<T>;
}

/** What is said of the deliveries that a filter lets through. */
export function records(source: Source, filter: LogFilter, options: ListOptions): AsyncGenerator<LogRecord> {
  const { where = [] } = filter;
  return walk(source, filter, options, (row) => {
    const delivery = where.length === 0 ? undefined : source.reader.delivery(row);
    return delivery === undefined || matchesWhere(delivery, where) ? readRecord(row) : undefined;
  });
}

/** The same with all that belongs to them. One at a time is in memory, for a body may have megabytes. */
export function entries(source: Source, filter: LogFilter, options: ListOptions): AsyncGenerator<LogEntry> {
  const { where = [] } = filter;
  const { delivery: deliveryOf, complete } = source.reader;
  return walk(source, filter, options, (row) => {
    const delivery = deliveryOf(row);
    return delivery === undefined || !matchesWhere(delivery, where) ? undefined : complete(row, delivery);
  });
}

/** What `make` makes of the rows that a filter lets through, page by page, in one direction. */
async function* walk<T>(
  { database, read }: Source,
  filter: LogFilter,
  options: ListOptions,
  make: (row: SqlRow) => T | undefined,
): AsyncGenerator<T> {
  const { order = "newest", onDamaged = throwDamaged } = options;
  const onContents = contentConditions(filter);
  const contents = onContents.length > 0;
  const sifting = (filter.where ?? []).length > 0;
  const { conditions, ends } = await read(() => ({
    conditions: [...resolveFilter(database, filter), ...onContents],
    ends: endsOf(database),
  }));
  let low = Math.max(ends.low, (filter.after ?? 0) + 1);
  let { high } = ends;
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  const widest = contents || sifting ? WINDOW : Number.MAX_SAFE_INTEGER;
  let window = widest;
  while (low <= high && left > 0) {
    const from = order === "newest" ? Math.max(low, high - window + 1) : low;
    const to = order === "newest" ? high : Math.min(high, low + window - 1);
    // What nobody asked for is not read: it may be damaged, and where there was damage the next one may be it.
    const limit = Math.min(PAGE_ROWS, to - from + 1, sifting ? PAGE_ROWS : left);
    const page = { low: from, high: to, limit };
    const query = pageQuery({ conditions, contents, order, ...page });
    const found = await read(() => orDamage(() => database.prepare(query.sql).all(...query.values)));
    await nextTurn();
    if (found instanceof Damage && page.low < page.high) {
      // Somewhere in it: what stands on either side can be read.
      window = Math.ceil((page.high - page.low + 1) / 2);
      continue;
    }
    const rows = found instanceof Damage ? [] : found;
    if (found instanceof Damage) onDamaged(page.low, found.reason);
    else window = Math.min(widest, window * 2);
    for (const row of rows) {
      const made = await read(() => orDamage(() => make(row)));
      if (made instanceof Damage) onDamaged(numberOf(row, "n"), made.reason);
      else if (made !== undefined) {
        yield made;
        if (--left <= 0) return;
      }
    }
    const last = rows.length < page.limit ? undefined : rows.at(-1);
    if (order === "newest") high = last === undefined ? page.low - 1 : numberOf(last, "n") - 1;
    else low = last === undefined ? page.high + 1 : numberOf(last, "n") + 1;
  }
}

/** The lowest and the highest number that there may be, also where those of the rows cannot be read. */
function endsOf(database: NativeDatabase): { readonly low: number; readonly high: number } {
  const end = (sql: string) => orDamage(() => maybeNumber(database.prepare(sql).get() ?? { n: null }, "n") ?? 0);
  const low = end("SELECT min(n) AS n FROM deliveries");
  const high = end("SELECT max(n) AS n FROM deliveries");
  if (!(high instanceof Damage)) return { low: low instanceof Damage ? 1 : low, high };
  const given = end("SELECT seq AS n FROM sqlite_sequence WHERE name = 'deliveries'");
  // There is something, and nothing says how much.
  if (given instanceof Damage || given === 0) throw high.cause;
  return { low: low instanceof Damage ? 1 : low, high: given };
}

function throwDamaged(n: number, reason: string): never {
  throw damaged(n, reason);
}
