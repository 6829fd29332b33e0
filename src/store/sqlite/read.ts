import { setImmediate as nextTurn } from "node:timers/promises";
import type { Delivery, HeaderPair } from "../../body/delivery.ts";
import { eventPattern } from "../../core/event-names.ts";
import type { Verdict, VerdictWord } from "../../core/product.ts";
import type { SchemaIssue } from "../../core/schema.ts";
import type {
  Attempt,
  DeliveryState,
  FollowedAttempt,
  Forward,
  ForwardState,
  ListOptions,
  LogEntry,
  LogFilter,
  LogRecord,
} from "../log.ts";
import type { NativeDatabase, SqlRow, SqlValue } from "./engine.ts";
import { Damage, DamagedValue, damaged, orDamage } from "./fault.ts";
import {
  type Condition,
  contentConditions,
  type EventKind,
  failedCondition,
  matchesWhere,
  recordConditions,
} from "./filter.ts";
import { STATE } from "./schema.ts";

const PAGE_ROWS = 200;
/** The most deliveries that one query looks at when bodies or failures are read: some 10 MB, then others get their turn. */
const MAX_WINDOW = 5000;

interface Source {
  readonly database: NativeDatabase;
  readonly reader: ReturnType<typeof createEntryReader>;
  /** Runs a query, again while another process has locked the file. */
  query<T>(run: () => T): Promise<T>;
  /** The same after a check that the file is still the log. */
  read<T>(run: () => T): Promise<T>;
}

/** Reads what belongs to the rows of a page, and returns what converts each; undefined stands for one that has been pruned. */
type OpenPage<T> = (rows: readonly SqlRow[]) => (row: SqlRow) => T | undefined;

/**
 * Yields the deliveries that match a filter. Only a page of rows is in memory, and no more than one body, which may have
 * megabytes.
 */
export async function* readAll<T>(
  { database, reader, query, read }: Source,
  filter: LogFilter,
  options: ListOptions,
  openPage: OpenPage<T>,
  columns = RECORD_COLUMNS,
): AsyncGenerator<T> {
  const { where = [], failed = false } = filter;
  const { order = "newest", onDamaged = throwDamaged, onSearched } = options;
  const isNewest = order === "newest";
  const contentFilter = contentConditions(filter);
  const contents = contentFilter.length > 0;
  const matches = (row: SqlRow): boolean => {
    if (where.length === 0) return true;
    const delivery = reader.delivery(row);
    return delivery !== undefined && matchesWhere(delivery, where);
  };
  const { conditions, ends } = await read(() => ({
    conditions: [...resolveFilter(database, filter), ...contentFilter],
    ends: endsOf(database),
  }));
  let low = Math.max(ends.low, (filter.after ?? 0) + 1);
  let high = Math.min(ends.high, (filter.before ?? Number.POSITIVE_INFINITY) - 1);
  const total = high - low + 1;
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  const maxWindow = contents || failed || where.length > 0 ? MAX_WINDOW : Number.MAX_SAFE_INTEGER;
  /** How many numbers a page covers. */
  let window = maxWindow;
  while (low <= high && left > 0 && options.signal?.aborted !== true) {
    const from = isNewest ? Math.max(low, high - window + 1) : low;
    const to = isNewest ? high : Math.min(high, low + window - 1);
    // No more rows than needed: one that nobody wants may be damaged.
    const limit = Math.min(PAGE_ROWS, to - from + 1, where.length > 0 ? PAGE_ROWS : left);
    const { sql, values } = pageQuery({ columns, conditions, failed, contents, order, low: from, high: to, limit });
    const page = await read(() =>
      orDamage(() => {
        const rows = database.prepare(sql).all(...values);
        return { rows, make: openPage(rows) };
      }),
    );
    await nextTurn();
    if (page instanceof Damage && from < to) {
      // Go on row by row, and widen again while rows can be read.
      window = 1;
      continue;
    }
    if (page instanceof Damage) onDamaged(from, page.reason);
    else window = Math.min(maxWindow, window * 2);
    const { rows, make } = page instanceof Damage ? { rows: [], make: () => undefined } : page;
    for (const row of rows) {
      const made = await query(() => orDamage(() => (matches(row) ? make(row) : undefined)));
      if (made instanceof Damage) onDamaged(numberOf(row, "n"), made.reason);
      else if (made !== undefined) {
        yield made;
        if (--left <= 0) return;
      }
    }
    const last = rows.length < limit ? undefined : rows.at(-1);
    if (isNewest) high = last === undefined ? from - 1 : numberOf(last, "n") - 1;
    else low = last === undefined ? to + 1 : numberOf(last, "n") + 1;
    if (contents || where.length > 0) onSearched?.(total - (high - low + 1), total);
  }
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

function throwDamaged(n: number, reason: string): never {
  throw damaged(n, reason);
}

/** The conditions on `deliveries` alone, without that of `failed`, with patterns resolved to the events in the log. */
export function resolveFilter(database: NativeDatabase, filter: LogFilter): readonly Condition[] {
  const patterns = filter.events?.map((text) => eventPattern(text)) ?? [];
  const kinds =
    patterns.length === 0
      ? undefined
      : eventKinds(database).filter(({ product, event }) => patterns.some(({ matches }) => matches(product, event)));
  return [...recordConditions(filter, kinds), ...firstSince(database, filter)];
}

/**
 * Begins at the first number since a time, by the time index; from there on rows are read by number. Looked up once: as a part
 * of a page's query it would read the rest of the index for every page.
 */
function firstSince(database: NativeDatabase, { since }: LogFilter): readonly Condition[] {
  if (since === undefined) return [];
  const query = database.prepare("SELECT min(+n) AS n FROM deliveries WHERE received_at >= ?");
  const row = orDamage(() => query.get(since.getTime()));
  if (row instanceof Damage || row === undefined) return [];
  return [{ sql: "n >= ?", values: [maybeNumber(row, "n") ?? Number.MAX_SAFE_INTEGER] }];
}

/** All pairs of product and event in the log, each found by one or two index lookups. */
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

interface Page {
  readonly columns?: string;
  readonly conditions: readonly Condition[];
  readonly failed: boolean;
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
  const failed = page.failed ? [failedCondition(low, high)] : [];
  const conditions = [...failed, ...page.conditions, { sql: "n BETWEEN ? AND ?", values: [low, high] }];
  const sql = `SELECT ${page.columns ?? RECORD_COLUMNS}
    FROM deliveries${page.contents ? " JOIN contents USING (n)" : ""}
    WHERE ${conditions.map((each) => each.sql).join(" AND ")}
    ORDER BY n ${page.order === "newest" ? "DESC" : "ASC"} LIMIT ${page.limit}`;
  return { sql, values: conditions.flatMap((each) => each.values) };
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
    const attemptsOf = byDelivery(attempts.all(numbers), readAttempt);
    const forwardsOf = byDelivery(forwards.all(numbers), readForward);
    return (row) => {
      const n = numberOf(row, "n");
      const request = delivery(row);
      if (request === undefined) return undefined;
      const [made, queued] = [attemptsOf.get(n) ?? [], forwardsOf.get(n) ?? []];
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

function byDelivery<T>(rows: readonly SqlRow[], make: (row: SqlRow) => T): ReadonlyMap<number, readonly T[]> {
  const found = new Map<number, T[]>();
  for (const row of rows) {
    const n = numberOf(row, "n");
    const before = found.get(n);
    if (before === undefined) found.set(n, [make(row)]);
    else before.push(make(row));
  }
  return found;
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
      return after.all(from).map((row) => ({ ...readAttempt(row), id: numberOf(row, "id"), n: numberOf(row, "n") }));
    },
  };
}

/** The columns that `readRecord` reads, from the table `deliveries`. */
const RECORD_COLUMNS = `deliveries.n, received_at, method, url, remote, product, format, event, known, accepted,
  status, refusal, identity, duplicate_of, records, verdicts, issues, ${STATE} AS outcome`;

const STATES: readonly DeliveryState[] = ["received", "waiting", "processed", "failed", "duplicate", "rejected"];
/** By number. In a log that is not migrated yet 1 is a claim of an older version. */
const FORWARD_STATES: readonly ForwardState[] = ["waiting", "waiting", "delivered", "failed"];

export function readRecord(row: SqlRow): LogRecord {
  return {
    n: numberOf(row, "n"),
    receivedAt: dateOf(row, "received_at"),
    method: textOf(row, "method"),
    url: textOf(row, "url"),
    remote: maybeText(row, "remote"),
    product: maybeText(row, "product"),
    format: maybeText(row, "format"),
    event: maybeText(row, "event"),
    known: row.known === 1,
    records: listOf<string>(row, "records", isText),
    verdicts: listOf<Verdict>(row, "verdicts", isVerdict),
    issues: listOf<SchemaIssue>(row, "issues", isIssue),
    schemaChecked: row.issues !== null,
    identity: maybeText(row, "identity"),
    duplicateOf: maybeNumber(row, "duplicate_of"),
    accepted: row.accepted === 1,
    status: maybeNumber(row, "status"),
    refusal: maybeText(row, "refusal"),
    state: readState(row),
  };
}

export function readState(row: SqlRow): DeliveryState {
  const outcome = textOf(row, "outcome");
  return STATES.find((state) => state === outcome) ?? "received";
}

/** The exact request, from the columns `method`, `url`, `headers` and `body`. */
export function readDelivery(row: SqlRow): Delivery {
  return {
    method: textOf(row, "method"),
    url: textOf(row, "url"),
    headers: listOf<HeaderPair>(row, "headers", isPair),
    body: bytesOf(row, "body"),
  };
}

function readAttempt(row: SqlRow): Attempt {
  return {
    attempt: numberOf(row, "attempt"),
    target: textOf(row, "target"),
    at: dateOf(row, "at"),
    status: maybeNumber(row, "status"),
    latencyMs: numberOf(row, "latency_ms"),
    error: maybeText(row, "error"),
    reply: maybeText(row, "reply"),
  };
}

function readForward(row: SqlRow): Forward {
  const state = FORWARD_STATES[numberOf(row, "state")] ?? "waiting";
  const dueAt = state === "waiting" ? dateOf(row, "due_at") : undefined;
  return { target: textOf(row, "target"), state, attempts: numberOf(row, "attempts"), dueAt };
}

export function dateOf(row: SqlRow, column: string): Date {
  const date = new Date(numberOf(row, column));
  if (Number.isNaN(date.getTime())) throw new DamagedValue(`the column ${column} of the event log holds no date`);
  return date;
}

/** Throws for a value of another type, which is a damaged row or a bug. */
export function numberOf(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw wrongType(column, value, "a number");
  return value;
}

export function textOf(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw wrongType(column, value, "text");
  return value;
}

/** node:sqlite returns a plain Uint8Array; the bytes are shared, not copied. */
function bytesOf(row: SqlRow, column: string): Buffer {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw wrongType(column, value, "bytes");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

export function maybeNumber(row: SqlRow, column: string): number | undefined {
  return row[column] === null ? undefined : numberOf(row, column);
}

export function maybeText(row: SqlRow, column: string): string | undefined {
  return row[column] === null ? undefined : textOf(row, column);
}

/** Reads a JSON column; null is an empty list. */
export function listOf<T>(row: SqlRow, column: string, isItem: (value: unknown) => boolean): readonly T[] {
  const text = maybeText(row, column);
  if (text === undefined) return [];
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value) || !value.every(isItem)) throw wrongType(column, text, "a JSON list of its kind");
  return value;
}

export function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isPair(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(isText);
}

export function isVerdict(value: unknown): boolean {
  const words: readonly VerdictWord[] = ["passed", "failed", "absent", "unconfigured"];
  return hasTexts("id", "proves", "verdict", "reason")(value) && words.includes((value as Verdict).verdict);
}

function isIssue(value: unknown): boolean {
  return hasTexts("at", "expected", "received")(value) && Array.isArray((value as SchemaIssue).path);
}

function hasTexts(...names: readonly string[]) {
  return (value: unknown): boolean =>
    typeof value === "object" && value !== null && names.every((name) => isText(Reflect.get(value, name)));
}

/** An empty list is stored as null: most deliveries have no issues. */
export function listText(list: readonly unknown[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}

function wrongType(column: string, value: SqlValue | undefined, wanted: string): Error {
  return new DamagedValue(`the column ${column} of the event log should hold ${wanted} and holds ${typeof value}`);
}
