import type { Time } from "../util/json-line.ts";

/** Deliveries of the log by what became of them. */
export interface LogCounts {
  readonly received: number;
  readonly waiting: number;
  readonly delivered: number;
  readonly failed: number;
  readonly duplicates: number;
  readonly rejected: number;
  /** Accepted bodies without a schema, which are counted as one of the others as well. */
  readonly custom: number;
}

/** Counts the deliveries of the log. @printedBy events stats */
export interface StatsLine extends LogCounts {
  readonly type: "stats";
  /** The counts of each. */
  readonly products: { readonly [name: string]: LogCounts };
  /** Hours with deliveries, oldest first. */
  readonly hours: readonly HourCounts[];
  /** How long the target took to answer; null if it never did. */
  readonly latency_ms: CountedPercentiles | null;
}

export interface StatsReport extends StatsLine {
  readonly person: {
    /** Why nothing may be there to count. */
    readonly ifEmpty: string;
  };
}

export interface HourCounts extends LogCounts {
  readonly at: Time;
  readonly product: string;
}

interface CountedPercentiles extends Percentiles {
  readonly count: number;
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}
