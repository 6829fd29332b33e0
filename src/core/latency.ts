/** Percentiles of any number of durations, in memory that does not grow with them. */
export interface Latencies {
  add(ms: number): void;
  /** The duration below which this share (0 to 1) lies, to about 1 %. 0 when nothing was added. */
  percentile(share: number): number;
  readonly max: number;
}

/** Each bucket is this much wider than the one before. */
const GROWTH = 1.01;
const SMALLEST_MS = 0.01;
/** Reaches beyond an hour. */
const BUCKETS = 2000;

export function latencies(): Latencies {
  const counts = new Uint32Array(BUCKETS);
  let total = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  return {
    add(ms) {
      const bucket = Math.ceil(Math.log(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) / Math.log(GROWTH));
      const at = Math.min(bucket, BUCKETS - 1);
      counts[at] = (counts[at] ?? 0) + 1;
      total++;
      min = Math.min(min, ms);
      max = Math.max(max, ms);
    },
    percentile(share) {
      if (total === 0) return 0;
      let left = Math.max(1, Math.ceil(share * total));
      const at = counts.findIndex((count) => {
        left -= count;
        return left <= 0;
      });
      return Math.min(max, Math.max(min, SMALLEST_MS * GROWTH ** at));
    },
    get max() {
      return max;
    },
  };
}
