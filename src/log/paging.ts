import { setImmediate as nextTurn } from "node:timers/promises";
import { eventPattern } from "../model/event-names.ts";
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

const PAGE_ROWS = 500;
/** The most deliveries that one query looks at when bodies or failures are read: some 10 MB, then others get their turn. */
const MAX_WINDOW = 5000;

/** Numbers of deliveries, inclusive. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

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
  ends(): Promise<Bounds>;
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
  const { onDamaged = throwDamaged, onSearched } = options;
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  const pages = await openPages(source, filter, options);
  const { span } = pages;
  const total = span.size;
  while (!span.isEmpty && left > 0 && options.signal?.aborted !== true) {
    const page = await pages.next(left);
    if (page.damage !== undefined) onDamaged(page.low, page.damage.reason);
    for await (const { n, made } of convertPage(source, page.rows, filter)) {
      if (made instanceof Damage) onDamaged(n, made.reason);
      else if (made !== undefined) {
        yield made;
        if (--left <= 0) return;
      }
    }
    span.pass(page.last);
    if (page.damage === undefined) span.widen();
    if (pages.readsBodies) onSearched?.(total - span.size, total);
  }
}

interface ReadPage {
  readonly rows: readonly SqlRow[];
  /** The first number of its window. */
  readonly low: number;
  /** The last number that it has looked at; undefined for the whole window. */
  readonly last: number | undefined;
  /** Why the only delivery of the window cannot be read. */
  readonly damage?: Damage;
}

async function openPages<T>(source: PageSource<T>, filter: LogFilter, { limit, order = "newest" }: LogListOptions) {
  const { where = [], only = [] } = filter;
  const contentFilter = contentConditions(filter, source.dialect);
  const contents = contentFilter.length > 0;
  const conditions = [...(await resolveFilter(source, filter)), ...contentFilter];
  const query = { columns: source.columns, conditions, only, contents, order };
  const readsBodies = contents || where.length > 0;
  const isWindowed = readsBodies || only.includes("failed");
  // Deliveries that come after the start of a long list are not in it.
  const bounds = isWindowed || (limit ?? Number.POSITIVE_INFINITY) > PAGE_ROWS ? await source.ends() : ANY_NUMBER;
  const span = new Span(withinFilter(bounds, filter), order, isWindowed ? MAX_WINDOW : Number.MAX_SAFE_INTEGER);
  return {
    span,
    readsBodies,
    /** Reads a page of at most `left` rows. Where a row is damaged it holds one number only. */
    async next(left: number): Promise<ReadPage> {
      for (;;) {
        const { low, high } = span.window();
        // No more rows than needed: one that nobody wants may be damaged.
        const most = Math.min(PAGE_ROWS, high - low + 1, where.length > 0 ? PAGE_ROWS : left);
        const { sql, values } = pageQuery({ ...query, low, high, limit: most });
        const rows = await source.page(sql, values);
        await nextTurn();
        if (!(rows instanceof Damage)) {
          const last = rows.length < most ? undefined : rows.at(-1);
          return { rows, low, last: last && numberOf(last, "n") };
        }
        if (low === high) return { rows: [], low, last: undefined, damage: rows };
        span.narrow(await source.ends());
        if (span.isEmpty) return { rows: [], low, last: undefined };
      }
    },
  };
}

const ANY_NUMBER: Bounds = { low: 1, high: Number.MAX_SAFE_INTEGER };

function withinFilter({ low, high }: Bounds, { after = 0, before = Number.POSITIVE_INFINITY }: LogFilter): Bounds {
  return { low: Math.max(low, after + 1), high: Math.min(high, before - 1) };
}

/** Yields what is made of each row, with its number. */
async function* convertPage<T>(source: PageSource<T>, rows: readonly SqlRow[], filter: LogFilter) {
  let at = 0;
  for await (const batch of source.convert(rows, filter))
    for (const made of batch) yield { n: numberOf(rows[at++] ?? {}, "n"), made };
}

/** The numbers that a list has still to look at. It looks at a window of them at a time, at the end where its order begins. */
export class Span {
  readonly #isNewest: boolean;
  readonly #maxWindow: number;
  #low: number;
  #high: number;
  /** How many numbers a window has at most. */
  #width: number;

  constructor({ low, high }: Bounds, order: "newest" | "oldest", maxWindow: number) {
    this.#low = low;
    this.#high = high;
    this.#isNewest = order === "newest";
    this.#maxWindow = maxWindow;
    this.#width = maxWindow;
  }

  get size(): number {
    return this.#high - this.#low + 1;
  }

  get isEmpty(): boolean {
    return this.#low > this.#high;
  }

  window(): Bounds {
    if (this.#isNewest) return { low: Math.max(this.#low, this.#high - this.#width + 1), high: this.#high };
    return { low: this.#low, high: Math.min(this.#high, this.#low + this.#width - 1) };
  }

  /** The window has been looked at, up to a number in it or the whole of it. */
  pass(last?: number): void {
    const { low, high } = this.window();
    if (this.#isNewest) this.#high = (last ?? low) - 1;
    else this.#low = (last ?? high) + 1;
  }

  /** Something in the window cannot be read: looks at one number at a time, and only at those that the log has. */
  narrow({ low, high }: Bounds): void {
    this.#low = Math.max(this.#low, low);
    this.#high = Math.min(this.#high, high);
    this.#width = 1;
  }

  /** The window could be read: the next one may be wider. */
  widen(): void {
    this.#width = Math.min(this.#maxWindow, this.#width * 2);
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
