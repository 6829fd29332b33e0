import { setImmediate as nextTurn } from "node:timers/promises";
import { errorText, UserError } from "../core/errors.ts";
import { eventPattern } from "../core/event-pattern.ts";
import type { NativeDatabase, SqlRow, SqlValue } from "./engine.ts";
import { faultKind } from "./fault.ts";
import { type Condition, contentConditions, type EventKind, type LogFilter, recordConditions } from "./filter.ts";
import type { FollowedAttempt } from "./forward.ts";
import type { ListOptions, LogEntry, LogRecord } from "./log.ts";
import { RECORD_COLUMNS, readAttempt, readDelivery, readForward, readRecord } from "./record.ts";
import { maybeNumber, numberOf, textOf } from "./row.ts";
import { matchesWhere } from "./where.ts";

const PAGE_ROWS = 200;
/** Pages with bodies are shorter: a body may have megabytes. */
const CONTENT_PAGE_ROWS = 40;
/** How many deliveries one step looks at where bodies have to be read: some 10 MB, then others get their turn. */
const WINDOW = 5000;

/** Runs a read, again if another process has the file locked for a moment. */
export type Read = <T>(work: () => T) => Promise<T>;

/** The product and event of every kind of delivery in the log, found by one or two steps into the index for each. */
function eventKinds(database: NativeDatabase): readonly EventKind[] {
  const next = (condition: string) =>
    database.prepare(
      `SELECT product, event FROM deliveries WHERE event IS NOT NULL AND ${condition} ORDER BY product, event LIMIT 1`,
    );
  const ofProduct = next("product = ? AND event > ?");
  const ofOthers = next("product > ?");
  const kinds: EventKind[] = [];
  for (let last: EventKind = { product: "", event: "" }; ; ) {
    const row = ofProduct.get(last.product, last.event) ?? ofOthers.get(last.product);
    if (row === undefined) return kinds;
    last = { product: textOf(row, "product"), event: textOf(row, "event") };
    kinds.push(last);
  }
}

/** The filter's conditions on `deliveries` alone, its patterns resolved to the events that the log has. */
export function resolveFilter(database: NativeDatabase, filter: LogFilter): readonly Condition[] {
  const patterns = filter.events?.map((text) => eventPattern(text)) ?? [];
  const kinds =
    patterns.length === 0
      ? undefined
      : eventKinds(database).filter(({ product, event }) => patterns.some(({ matches }) => matches(product, event)));
  return recordConditions(filter, kinds);
}

export interface Page {
  readonly conditions: readonly Condition[];
  /** Whether bodies are read, to filter by them or to give them back. */
  readonly contents: boolean;
  readonly order: "newest" | "oldest";
  /** Numbers from `low` to `high`, both included. */
  readonly low: number;
  readonly high: number;
  readonly limit: number;
}

/** One page as SQL. It begins where the last one ended, so that no page costs more for those before it. */
export function pageQuery(page: Page): { sql: string; values: readonly SqlValue[] } {
  const sql = `SELECT ${RECORD_COLUMNS}${page.contents ? ", headers, body" : ""}
    FROM deliveries${page.contents ? " JOIN contents USING (n)" : ""}
    WHERE ${[...page.conditions.map((each) => each.sql), "n BETWEEN ? AND ?"].join(" AND ")}
    ORDER BY n ${page.order === "newest" ? "DESC" : "ASC"} LIMIT ${page.limit}`;
  return { sql, values: [...page.conditions.flatMap((each) => each.values), page.low, page.high] };
}

/** The rows that a filter lets through, page by page, in one direction. */
export async function* walk(
  database: NativeDatabase,
  read: Read,
  filter: LogFilter,
  options: ListOptions & { readonly contents: boolean },
): AsyncGenerator<SqlRow> {
  const onContents = contentConditions(filter);
  const where = filter.where ?? [];
  const reading = onContents.length > 0 || where.length > 0;
  const contents = reading || options.contents;
  const { conditions, ends } = await read(() => ({
    conditions: [...resolveFilter(database, filter), ...onContents],
    ends: database
      .prepare("SELECT (SELECT min(n) FROM deliveries) AS low, (SELECT max(n) FROM deliveries) AS high")
      .get(),
  }));
  let low = Math.max((ends && maybeNumber(ends, "low")) ?? 1, (filter.after ?? 0) + 1);
  let high = (ends && maybeNumber(ends, "high")) ?? 0;
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  const order = options.order ?? "newest";
  const pageRows = contents ? CONTENT_PAGE_ROWS : PAGE_ROWS;
  while (low <= high && left > 0) {
    const window = reading ? WINDOW : high - low + 1;
    const page = {
      low: order === "newest" ? Math.max(low, high - window + 1) : low,
      high: order === "newest" ? high : Math.min(high, low + window - 1),
      // What nobody asked for is not read: a page of bodies may be all that the log holds.
      limit: where.length > 0 ? pageRows : Math.min(pageRows, left),
    };
    const query = pageQuery({ conditions, contents, order, ...page });
    const rows = await read(() => database.prepare(query.sql).all(...query.values));
    for (const row of rows) {
      if (where.length > 0 && !matchesWhere(orDamaged(row, readDelivery), where)) continue;
      yield row;
      if (--left <= 0) return;
    }
    const last = rows.length < page.limit ? undefined : rows.at(-1);
    if (order === "newest") high = last === undefined ? page.low - 1 : numberOf(last, "n") - 1;
    else low = last === undefined ? page.high + 1 : numberOf(last, "n") + 1;
    await nextTurn();
  }
}

/** Reads single deliveries whole. */
export function entryReader(database: NativeDatabase) {
  const one = database.prepare(
    `SELECT ${RECORD_COLUMNS}, headers, body FROM deliveries JOIN contents USING (n) WHERE n = ?`,
  );
  const last = database.prepare("SELECT max(n) AS n FROM deliveries");
  const attempts = database.prepare("SELECT * FROM attempts WHERE n = ? ORDER BY id");
  const forwards = database.prepare("SELECT * FROM forwards WHERE n = ? ORDER BY id");

  function complete(row: SqlRow): LogEntry {
    const n = numberOf(row, "n");
    return {
      ...readRecord(row),
      delivery: readDelivery(row),
      attempts: attempts.all(n).map(readAttempt),
      forwards: forwards.all(n).map(readForward),
    };
  }
  return {
    complete: (row: SqlRow): LogEntry => orDamaged(row, complete),
    get(n: number | "last"): LogEntry | undefined {
      const wanted = n === "last" ? last.get()?.n : n;
      const row = typeof wanted === "number" ? one.get(wanted) : undefined;
      return row === undefined ? undefined : orDamaged(row, complete);
    },
  };
}

/** What a disk or another program has changed within a value SQLite gives as it is: it is no fault of ours. */
function orDamaged<T>(row: SqlRow, read: (row: SqlRow) => T): T {
  try {
    return read(row);
  } catch (error) {
    if (faultKind(error) !== undefined) throw error;
    throw new UserError(
      "usage",
      `#${row.n} is damaged in the event log: ${errorText(error)}`,
      "the others can be read by their numbers, such as zoho-hooks events show 42",
      "log-damaged",
    );
  }
}

const ATTEMPTS_AT_ONCE = 500;

/** Reads attempts as they are recorded. */
export function attemptReader(database: NativeDatabase) {
  const end = database.prepare("SELECT max(id) AS id FROM attempts");
  const after = database.prepare(`SELECT * FROM attempts WHERE id > ? ORDER BY id LIMIT ${ATTEMPTS_AT_ONCE}`);
  const last = (): number => {
    const row = end.get();
    return (row && maybeNumber(row, "id")) ?? 0;
  };
  return {
    last,
    after(id: number): readonly FollowedAttempt[] {
      // Once all are pruned the ids begin anew, and what there is then is new.
      const from = last() < id ? 0 : id;
      return after.all(from).map((row) => ({ ...readAttempt(row), id: numberOf(row, "id"), n: numberOf(row, "n") }));
    },
  };
}

export async function* records(rows: AsyncIterable<SqlRow>): AsyncGenerator<LogRecord> {
  for await (const row of rows) yield orDamaged(row, readRecord);
}

export async function* entries(
  rows: AsyncIterable<SqlRow>,
  read: Read,
  complete: (row: SqlRow) => LogEntry,
): AsyncGenerator<LogEntry> {
  for await (const row of rows) yield await read(() => complete(row));
}
