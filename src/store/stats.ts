import type { LogCounts } from "../reports/log.ts";
import { usageError } from "../util/errors.ts";
import type { NativeDatabase, SqlValue } from "./engine.ts";
import { contentConditions, failedCondition } from "./filter.ts";
import type { DeliveryState, LogFilter, LogStats } from "./log.ts";
import { maybeText, numberOf, readState, resolveFilter } from "./read.ts";
import { STATE } from "./schema.ts";

const HOUR_MS = 60 * 60 * 1000;
/** Stands for the product of unrecognised deliveries. */
const UNRECOGNISED = "unrecognised";

type Counts = { -readonly [Key in keyof LogCounts]: number };

/** Every delivery counts as received, and once more for its state. */
const COUNTED_AS: Readonly<Record<DeliveryState, keyof LogCounts | undefined>> = {
  received: undefined,
  waiting: "waiting",
  processed: "processed",
  failed: "failed",
  duplicate: "duplicates",
  rejected: "rejected",
};

/** Counts by product and hour, and the latency of targets. Throws a UserError for a filter with `where`. */
export function readStats(database: NativeDatabase, filter: LogFilter): LogStats {
  if ((filter.where ?? []).length > 0) {
    throw usageError("stats does not support --where", "use --search, or count the output of `events list`");
  }
  const content = contentConditions(filter);
  const failed = filter.failed === true ? [failedCondition(0, Number.MAX_SAFE_INTEGER)] : [];
  const conditions = [...failed, ...resolveFilter(database, filter), ...content];
  const from = `deliveries${content.length > 0 ? " JOIN contents USING (n)" : ""}`;
  const where = conditions.length > 0 ? `WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}` : "";
  const values = conditions.flatMap((each) => each.values);
  const rows = database
    .prepare(
      `SELECT product, received_at / ${HOUR_MS} AS hour, ${STATE} AS outcome, count(*) AS count
       FROM ${from} ${where} GROUP BY 1, 2, 3 ORDER BY 2, 1`,
    )
    .all(...values);

  const total = noCounts();
  const products = new Map<string, Counts>();
  const hours = new Map<string, { at: Date; product: string; counts: Counts }>();
  for (const row of rows) {
    const product = maybeText(row, "product") ?? UNRECOGNISED;
    const at = new Date(numberOf(row, "hour") * HOUR_MS);
    const counted = [total, upsert(products, product, noCounts)];
    // A time outside of what a date can be, as of a damaged row, is in no hour.
    if (!Number.isNaN(at.getTime()))
      counted.push(upsert(hours, `${at.getTime()} ${product}`, () => ({ at, product, counts: noCounts() })).counts);
    for (const counts of counted) {
      const count = numberOf(row, "count");
      const as = COUNTED_AS[readState(row)];
      counts.received += count;
      if (as !== undefined) counts[as] += count;
    }
  }
  const chosen = conditions.length > 0 ? `AND n IN (SELECT n FROM ${from} ${where})` : "";
  return {
    total,
    products: Object.fromEntries(products),
    hours: [...hours.values()],
    latencyMs: readLatency(database, chosen, values),
  };
}

/** The width of a bucket of the histogram is a tenth of a millisecond. */
const BUCKETS_PER_MS = 10;

/** Exact percentiles by a histogram, and a look into the bucket of each: one pass that sorts no latencies. */
function readLatency(database: NativeDatabase, chosen: string, values: readonly SqlValue[]): LogStats["latencyMs"] {
  const answered = `FROM attempts WHERE status IS NOT NULL ${chosen}`;
  const bucket = `CAST(latency_ms * ${BUCKETS_PER_MS} AS INTEGER)`;
  const rows = database
    .prepare(`SELECT ${bucket} AS bucket, count(*) AS count, max(latency_ms) AS max ${answered} GROUP BY 1 ORDER BY 1`)
    .all(...values);
  const buckets = rows.map((row) => ({ bucket: numberOf(row, "bucket"), count: numberOf(row, "count") }));
  const last = rows.at(-1);
  if (last === undefined) return undefined;
  const count = buckets.reduce((sum, each) => sum + each.count, 0);
  const ranked = database.prepare(
    `SELECT latency_ms ${answered} AND ${bucket} = ? ORDER BY latency_ms LIMIT 1 OFFSET ?`,
  );
  const percentile = (share: number): number => {
    let before = Math.max(0, Math.ceil(count * share) - 1);
    const found = buckets.find((each) => {
      if (before < each.count) return true;
      before -= each.count;
      return false;
    });
    const row = found && ranked.get(...values, found.bucket, before);
    return row === undefined ? 0 : numberOf(row, "latency_ms");
  };
  return { count, p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99), max: numberOf(last, "max") };
}

function noCounts(): Counts {
  return { received: 0, waiting: 0, processed: 0, failed: 0, duplicates: 0, rejected: 0 };
}

function upsert<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
