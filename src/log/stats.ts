import type { LogCounts } from "./lines.ts";
import type { DeliveryState, LogStats, StatsFilter, StatsOptions } from "./log.ts";
import { resolveFilter, type SqlSource } from "./paging.ts";
import { maybeText, numberOf, readState, type SqlRow, type SqlValue } from "./rows.ts";
import { STATE } from "./states.ts";

const HOUR_MS = 60 * 60 * 1000;
/** Stands for the product of unrecognised deliveries. */
const UNRECOGNISED = "unrecognised";

/** Accepted without a schema to check: a custom body, or any with `--schema off`. */
const UNCHECKED = `issues IS NULL AND known = 1 AND accepted = 1 AND invalid = 0 AND coalesce(instr(verdicts, '"verdict":"failed"'), 0) = 0`;

type Counts = { -readonly [Key in keyof LogCounts]: number };

/** Every delivery counts as received, and once more for its state. */
const COUNTED_AS: Readonly<Record<DeliveryState, keyof LogCounts | undefined>> = {
  received: undefined,
  waiting: "waiting",
  delivered: "delivered",
  failed: "failed",
  duplicate: "duplicates",
  rejected: "rejected",
};

/** Counts by product and period, and the latency of targets. */
export async function readStats(
  source: SqlSource,
  filter: StatsFilter,
  { isCustom = () => false, periodMs = HOUR_MS }: StatsOptions,
): Promise<LogStats> {
  const conditions = await resolveFilter(source, filter);
  const tests = conditions.map(({ sql }) => sql);
  const where = tests.length > 0 ? `WHERE ${tests.join(" AND ")}` : "";
  const values = conditions.flatMap((each) => each.values);
  const rows = await source.query(
    `SELECT product, received_at / ${periodMs} AS period, ${STATE} AS outcome, count(*) AS count
       FROM deliveries ${where} GROUP BY 1, 2, 3 ORDER BY 2, 1`,
    values,
  );
  // Of few rows: grouping all of them by their events as well takes twice as long.
  const unchecked = await source.query(
    `SELECT product, received_at / ${periodMs} AS period, format, event, count(*) AS count
       FROM deliveries WHERE ${[UNCHECKED, ...tests].join(" AND ")} GROUP BY 1, 2, 3, 4`,
    values,
  );

  const total = noCounts();
  const products = new Map<string, Counts>();
  const periods = new Map<string, { at: Date; product: string; counts: Counts }>();
  const countsOf = (row: SqlRow): readonly Counts[] => {
    const product = maybeText(row, "product") ?? UNRECOGNISED;
    const at = new Date(numberOf(row, "period") * periodMs);
    const counted = [total, upsert(products, product, noCounts)];
    // A time outside of what a date can be, as of a damaged row, is in no period.
    if (!Number.isNaN(at.getTime()))
      counted.push(upsert(periods, `${at.getTime()} ${product}`, () => ({ at, product, counts: noCounts() })).counts);
    return counted;
  };
  for (const row of rows) {
    const count = numberOf(row, "count");
    const as = COUNTED_AS[readState(row)];
    for (const counts of countsOf(row)) {
      counts.received += count;
      if (as !== undefined) counts[as] += count;
    }
  }
  for (const row of unchecked) {
    const [product, format, event] = ["product", "format", "event"].map((column) => maybeText(row, column));
    if (!isCustom({ product, format, event })) continue;
    for (const counts of countsOf(row)) counts.custom += numberOf(row, "count");
  }
  const chosen = conditions.length > 0 ? `AND n IN (SELECT n FROM deliveries ${where})` : "";
  return {
    total,
    products: Object.fromEntries(products),
    periods: [...periods.values()],
    latencyMs: await readLatency(source, chosen, values),
  };
}

/** The width of a bucket of the histogram is a tenth of a millisecond. */
const BUCKETS_PER_MS = 10;

/** Exact percentiles by a histogram: only the latencies in the buckets of the percentiles are sorted. */
async function readLatency(
  source: SqlSource,
  chosen: string,
  values: readonly SqlValue[],
): Promise<LogStats["latencyMs"]> {
  const answered = `FROM attempts WHERE status IS NOT NULL ${chosen}`;
  const bucket = `CAST(latency_ms * ${BUCKETS_PER_MS} AS BIGINT)`;
  const rows = await source.query(
    `SELECT ${bucket} AS bucket, count(*) AS count, max(latency_ms) AS max ${answered} GROUP BY 1 ORDER BY 1`,
    values,
  );
  const buckets = rows.map((row) => ({ bucket: numberOf(row, "bucket"), count: numberOf(row, "count") }));
  const last = rows.at(-1);
  if (last === undefined) return undefined;
  const count = buckets.reduce((sum, each) => sum + each.count, 0);
  /** The bucket of a percentile, and its rank in it. */
  const placeOf = (share: number): readonly [bucket: number, rank: number] => {
    let rank = Math.max(1, Math.ceil(count * share));
    for (const each of buckets) {
      if (rank <= each.count) return [each.bucket, rank];
      rank -= each.count;
    }
    return [0, 0];
  };
  const places = [placeOf(0.5), placeOf(0.95), placeOf(0.99)];
  const found = await source.query(
    `WITH ranked AS (
       SELECT ${bucket} AS bucket, latency_ms, row_number() OVER (PARTITION BY ${bucket} ORDER BY latency_ms) AS rank
       ${answered} AND ${bucket} IN (?, ?, ?))
     SELECT * FROM ranked WHERE ${places.map(() => "(bucket = ? AND rank = ?)").join(" OR ")}`,
    [...values, ...places.map(([each]) => each), ...places.flat()],
  );
  const [p50 = 0, p95 = 0, p99 = 0] = places.map((place) => {
    const row = found.find((each) => each.bucket === place[0] && each.rank === place[1]);
    return row === undefined ? 0 : numberOf(row, "latency_ms");
  });
  return { count, p50, p95, p99, max: numberOf(last, "max") };
}

function noCounts(): Counts {
  return { received: 0, waiting: 0, delivered: 0, failed: 0, duplicates: 0, rejected: 0, custom: 0 };
}

function upsert<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
