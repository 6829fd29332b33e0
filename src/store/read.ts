import { setImmediate as nextTurn } from "node:timers/promises";
import type { Delivery, HeaderPair } from "../body/delivery.ts";
import { eventPattern } from "../core/event-names.ts";
import type { Verdict } from "../core/product.ts";
import type { SchemaIssue } from "../core/schema.ts";
import type { NativeDatabase, SqlRow, SqlValue } from "./engine.ts";
import { Damage, damaged, orDamage, orThrow } from "./fault.ts";
import { type Condition, contentConditions, type EventKind, matchesWhere, recordConditions } from "./filter.ts";
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
} from "./log.ts";
import { STATE } from "./schema.ts";

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

interface Page {
  readonly conditions: readonly Condition[];
  /** Whether the conditions are on bodies, too. */
  readonly contents: boolean;
  readonly order: "newest" | "oldest";
  /** Numbers from `low` to `high`, both included. */
  readonly low: number;
  readonly high: number;
  readonly limit: number;
}

/** One page as SQL. It begins where the last one ended, so that no page costs more for those before it. */
export function pageQuery(page: Page): { sql: string; values: readonly SqlValue[] } {
  const sql = `SELECT ${RECORD_COLUMNS}
    FROM deliveries${page.contents ? " JOIN contents USING (n)" : ""}
    WHERE ${[...page.conditions.map((each) => each.sql), "n BETWEEN ? AND ?"].join(" AND ")}
    ORDER BY n ${page.order === "newest" ? "DESC" : "ASC"} LIMIT ${page.limit}`;
  return { sql, values: [...page.conditions.flatMap((each) => each.values), page.low, page.high] };
}

/** Reads single deliveries whole. */
export function entryReader(database: NativeDatabase) {
  const one = database.prepare(`SELECT ${RECORD_COLUMNS} FROM deliveries WHERE n = ?`);
  const content = database.prepare("SELECT headers, body FROM contents WHERE n = ?");
  const last = database.prepare("SELECT max(n) AS n FROM deliveries");
  const attempts = database.prepare("SELECT * FROM attempts WHERE n = ? ORDER BY id");
  const forwards = database.prepare("SELECT * FROM forwards WHERE n = ? ORDER BY id");

  /** The exact request of a row of `deliveries`; undefined where it has been pruned since the row was read. */
  function delivery(row: SqlRow): Delivery | undefined {
    const found = content.get(numberOf(row, "n"));
    return found === undefined ? undefined : readDelivery({ ...row, ...found });
  }
  function complete(row: SqlRow, whole: Delivery): LogEntry {
    const n = numberOf(row, "n");
    return {
      ...readRecord(row),
      delivery: whole,
      attempts: attempts.all(n).map(readAttempt),
      forwards: forwards.all(n).map(readForward),
    };
  }
  return {
    delivery,
    complete,
    get(wanted: number | "last"): LogEntry | undefined {
      const n = wanted === "last" ? maybeNumber(last.get() ?? { n: null }, "n") : wanted;
      if (n === undefined) return undefined;
      return orThrow(n, () => {
        const row = one.get(n);
        const whole = row && delivery(row);
        return row && whole && complete(row, whole);
      });
    },
  };
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

/** The columns that `readRecord` reads, from the table `deliveries`. */
const RECORD_COLUMNS = `deliveries.n, received_at, method, url, remote, product, format, event, known, accepted,
  status, refusal, identity, duplicate_of, records, verdicts, issues, ${STATE} AS outcome`;

const STATES: readonly DeliveryState[] = ["received", "waiting", "processed", "failed", "duplicate", "rejected"];
/** By number. A log that has not been brought up to date yet has 1 for what an older version had claimed. */
const FORWARD_STATES: readonly ForwardState[] = ["waiting", "waiting", "delivered", "failed"];

function readRecord(row: SqlRow): LogRecord {
  return {
    n: numberOf(row, "n"),
    receivedAt: new Date(numberOf(row, "received_at")),
    method: textOf(row, "method"),
    url: textOf(row, "url"),
    remote: maybeText(row, "remote"),
    product: maybeText(row, "product"),
    format: maybeText(row, "format"),
    event: maybeText(row, "event"),
    known: row.known === 1,
    records: listOf<string>(row, "records"),
    verdicts: listOf<Verdict>(row, "verdicts"),
    issues: listOf<SchemaIssue>(row, "issues"),
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
  const word = textOf(row, "outcome");
  return STATES.find((state) => state === word) ?? "received";
}

/** The exact request, from the columns `method`, `url`, `headers` and `body`. */
export function readDelivery(row: SqlRow): Delivery {
  return {
    method: textOf(row, "method"),
    url: textOf(row, "url"),
    headers: listOf<HeaderPair>(row, "headers"),
    body: bytesOf(row, "body"),
  };
}

function readAttempt(row: SqlRow): Attempt {
  return {
    attempt: numberOf(row, "attempt"),
    target: textOf(row, "target"),
    at: new Date(numberOf(row, "at")),
    status: maybeNumber(row, "status"),
    latencyMs: numberOf(row, "latency_ms"),
    error: maybeText(row, "error"),
    reply: maybeText(row, "reply"),
  };
}

function readForward(row: SqlRow): Forward {
  const state = FORWARD_STATES[numberOf(row, "state")] ?? "waiting";
  const dueAt = state === "waiting" ? new Date(numberOf(row, "due_at")) : undefined;
  return { target: textOf(row, "target"), state, attempts: numberOf(row, "attempts"), dueAt };
}

/** Columns as what they are; a wrong kind is a damaged row or a bug of ours, and is said by name. */
export function numberOf(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw wrongKind(column, value, "a number");
  return value;
}

export function textOf(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw wrongKind(column, value, "text");
  return value;
}

/** node:sqlite gives a plain Uint8Array; the bytes are shared, not copied. */
function bytesOf(row: SqlRow, column: string): Buffer {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw wrongKind(column, value, "bytes");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

export function maybeNumber(row: SqlRow, column: string): number | undefined {
  return row[column] === null ? undefined : numberOf(row, column);
}

export function maybeText(row: SqlRow, column: string): string | undefined {
  return row[column] === null ? undefined : textOf(row, column);
}

/** A JSON column that we wrote ourselves; null stands for an empty list. */
function listOf<T>(row: SqlRow, column: string): readonly T[] {
  const text = maybeText(row, column);
  if (text === undefined) return [];
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw wrongKind(column, text, "a JSON list");
  return value;
}

/** An empty list is stored as null: most deliveries have no issues, and it saves writing and reading JSON. */
export function listText(list: readonly unknown[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}

function wrongKind(column: string, value: SqlValue | undefined, wanted: string): Error {
  return new Error(`the column ${column} of the event log should hold ${wanted} and holds ${typeof value}`);
}
