import { setImmediate as nextTurn } from "node:timers/promises";
import { eventPattern } from "../contract/event-names.ts";
import { Damage, damaged } from "./damage.ts";
import {
  type Condition,
  contentConditions,
  type Dialect,
  type EventKind,
  onlyCondition,
  recordConditions,
} from "./filter.ts";
import type { DeliveryKind, LogFilter, LogListOptions } from "./log.ts";
import { maybeNumber, numberOf, type SqlRow, type SqlValue, textOf } from "./rows.ts";

const PAGE_ROWS = 200;
/** The most deliveries that one query looks at when bodies or failures are read: some 10 MB, then others get their turn. */
const MAX_WINDOW = 5000;

/** Runs the queries of a log on an SQL engine. */
export interface SqlSource {
  readonly dialect: Dialect;
  query(sql: string, values: readonly SqlValue[]): Promise<readonly SqlRow[]>;
}

export interface PageSource<T> extends SqlSource {
  /** Columns of the table `deliveries` that `convert` reads. */
  readonly columns: string;
  /** A query whose rows may be damaged. */
  page(sql: string, values: readonly SqlValue[]): Promise<readonly SqlRow[] | Damage>;
  /** The bounds of the numbers in the log, even when the rows at its ends cannot be read. */
  ends(): Promise<{ readonly low: number; readonly high: number }>;
  /**
   * Converts the rows of a page, those of them that match the filter's `where`. In batches, for bodies may have megabytes;
   * undefined stands for one that does not match, or has been pruned.
   */
  convert(rows: readonly SqlRow[], filter: LogFilter): AsyncIterable<readonly (T | undefined | Damage)[]>;
}

/** Yields the deliveries that match a filter. Only a page of rows is in memory, and no more bodies than `convert` reads. */
export async function* readAll<T>(
  source: PageSource<T>,
  filter: LogFilter,
  options: LogListOptions,
): AsyncGenerator<T> {
  const { where = [], only = [] } = filter;
  const { order = "newest", onDamaged = throwDamaged, onSearched } = options;
  const { columns } = source;
  const isNewest = order === "newest";
  const contentFilter = contentConditions(filter, source.dialect);
  const contents = contentFilter.length > 0;
  const conditions = [...(await resolveFilter(source, filter)), ...contentFilter];
  const ends = await source.ends();
  let low = Math.max(ends.low, (filter.after ?? 0) + 1);
  let high = Math.min(ends.high, (filter.before ?? Number.POSITIVE_INFINITY) - 1);
  const total = high - low + 1;
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  const maxWindow = contents || only.includes("failed") || where.length > 0 ? MAX_WINDOW : Number.MAX_SAFE_INTEGER;
  /** How many numbers a page covers. */
  let window = maxWindow;
  while (low <= high && left > 0 && options.signal?.aborted !== true) {
    const from = isNewest ? Math.max(low, high - window + 1) : low;
    const to = isNewest ? high : Math.min(high, low + window - 1);
    // No more rows than needed: one that nobody wants may be damaged.
    const limit = Math.min(PAGE_ROWS, to - from + 1, where.length > 0 ? PAGE_ROWS : left);
    const { sql, values } = pageQuery({ columns, conditions, only, contents, order, low: from, high: to, limit });
    const rows = await source.page(sql, values);
    await nextTurn();
    if (rows instanceof Damage && from < to) {
      // Go on row by row, and widen again while rows can be read.
      window = 1;
      continue;
    }
    if (rows instanceof Damage) onDamaged(from, rows.reason);
    else window = Math.min(maxWindow, window * 2);
    const readable = rows instanceof Damage ? [] : rows;
    let at = 0;
    for await (const batch of source.convert(readable, filter)) {
      for (const made of batch) {
        const row = readable[at++];
        if (made instanceof Damage) onDamaged(row === undefined ? from : numberOf(row, "n"), made.reason);
        else if (made !== undefined) {
          yield made;
          if (--left <= 0) return;
        }
      }
    }
    const last = readable.length < limit ? undefined : readable.at(-1);
    if (isNewest) high = last === undefined ? from - 1 : numberOf(last, "n") - 1;
    else low = last === undefined ? to + 1 : numberOf(last, "n") + 1;
    if (contents || where.length > 0) onSearched?.(total - (high - low + 1), total);
  }
}

function throwDamaged(n: number, reason: string): never {
  throw damaged(n, reason);
}

/** The conditions on `deliveries` alone, without that of `only`, with patterns resolved to the events in the log. */
export async function resolveFilter(source: SqlSource, filter: LogFilter): Promise<readonly Condition[]> {
  const patterns = filter.events?.map((text) => eventPattern(text)) ?? [];
  const kinds =
    patterns.length === 0
      ? undefined
      : (await eventKinds(source)).filter(({ product, event }) =>
          patterns.some(({ matches }) => matches(product, event)),
        );
  return [...recordConditions(filter, kinds, source.dialect), ...(await timeBounds(source, filter))];
}

/**
 * The first and last number in a span of time, by the time index; between them rows are read by number. Looked up once: as a
 * part of a page's query they would read the index again for every page.
 */
async function timeBounds({ query }: SqlSource, { since, until }: LogFilter): Promise<readonly Condition[]> {
  const lookUp = async (expression: string, condition: string, time: Date): Promise<number | undefined> => {
    const [row] = await query(`SELECT ${expression} AS n FROM deliveries WHERE received_at ${condition}`, [
      time.getTime(),
    ]);
    return row && maybeNumber(row, "n");
  };
  const bounds: Condition[] = [];
  if (since !== undefined)
    bounds.push({ sql: "n >= ?", values: [(await lookUp("min(+n)", ">= ?", since)) ?? Number.MAX_SAFE_INTEGER] });
  if (until !== undefined) bounds.push({ sql: "n <= ?", values: [(await lookUp("max(+n)", "< ?", until)) ?? 0] });
  return bounds;
}

/** All pairs of product and event in the log, each found by one or two index lookups. */
async function eventKinds({ query }: SqlSource): Promise<readonly EventKind[]> {
  const next = async (condition: string, ...values: readonly string[]) =>
    (
      await query(
        `SELECT product, event FROM deliveries WHERE event IS NOT NULL AND ${condition} ORDER BY product, event LIMIT 1`,
        values,
      )
    )[0];
  const kinds: EventKind[] = [];
  for (let last: EventKind = { product: "", event: "" }; ; ) {
    const row =
      (await next("product = ? AND event > ?", last.product, last.event)) ?? (await next("product > ?", last.product));
    if (row === undefined) return kinds;
    last = { product: textOf(row, "product"), event: textOf(row, "event") };
    kinds.push(last);
  }
}

interface Page {
  readonly columns: string;
  readonly conditions: readonly Condition[];
  readonly only: readonly DeliveryKind[];
  /** Whether there are conditions on bodies. */
  readonly contents: boolean;
  readonly order: "newest" | "oldest";
  /** Numbers from `low` to `high`, inclusive. */
  readonly low: number;
  readonly high: number;
  readonly limit: number;
}

/** A page begins by number, not by offset: its cost does not depend on the pages before it. */
export function pageQuery(page: Page): { sql: string; values: readonly SqlValue[] } {
  const { low, high } = page;
  const only = page.only.length > 0 ? [onlyCondition(page.only, low, high)] : [];
  const conditions = [...only, ...page.conditions, { sql: "n BETWEEN ? AND ?", values: [low, high] }];
  const sql = `SELECT ${page.columns}
    FROM deliveries${page.contents ? " JOIN contents USING (n)" : ""}
    WHERE ${conditions.map((each) => each.sql).join(" AND ")}
    ORDER BY n ${page.order === "newest" ? "DESC" : "ASC"} LIMIT ${page.limit}`;
  return { sql, values: conditions.flatMap((each) => each.values) };
}
