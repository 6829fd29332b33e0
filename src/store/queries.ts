import type { Delivery } from "../core/delivery.ts";
import { eventPattern } from "../core/event-pattern.ts";
import { orThrow } from "./damage.ts";
import type { NativeDatabase, SqlRow, SqlValue } from "./engine.ts";
import { type Condition, type EventKind, type LogFilter, recordConditions } from "./filter.ts";
import type { FollowedAttempt } from "./forward.ts";
import type { LogEntry } from "./log.ts";
import { RECORD_COLUMNS, readAttempt, readDelivery, readForward, readRecord } from "./record.ts";
import { maybeNumber, numberOf, textOf } from "./row.ts";

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
