export interface LogCounts {
  readonly received: number;
  readonly waiting: number;
  readonly delivered: number;
  readonly failed: number;
  readonly duplicates: number;
  readonly rejected: number;
  /** Accepted bodies that their users designed, without a schema. Counted as one of the others, too. */
  readonly custom: number;
}

export interface LogStatsReport {
  readonly type: "log-stats";
  readonly total: LogCounts;
  readonly products: Readonly<Record<string, LogCounts>>;
  /** Hours with deliveries, oldest first. */
  readonly hours: readonly { readonly at: Date; readonly product: string; readonly counts: LogCounts }[];
  /** How long the target took to answer; undefined when it never did. */
  readonly latencyMs:
    | {
        readonly count: number;
        readonly p50: number;
        readonly p95: number;
        readonly p99: number;
        readonly max: number;
      }
    | undefined;
}

declare module "../process/messages.ts" {
  interface Reports {
    "log-stats": LogStatsReport;
  }
}
