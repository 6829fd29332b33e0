/** `custom` are accepted bodies without a schema; they are counted as one of the others, too. */
export type LogCounts = Readonly<
  Record<"received" | "waiting" | "delivered" | "failed" | "duplicates" | "rejected" | "custom", number>
>;

export interface LogStatsReport {
  readonly type: "log-stats";
  readonly total: LogCounts;
  readonly products: Readonly<Record<string, LogCounts>>;
  /** Hours with deliveries, oldest first. */
  readonly hours: readonly { readonly at: Date; readonly product: string; readonly counts: LogCounts }[];
  /** Why nothing may be there to count, for a person. */
  readonly ifEmpty: string;
  /** How long the target took to answer; undefined when it never did. */
  readonly latencyMs: Readonly<Record<"count" | "p50" | "p95" | "p99" | "max", number>> | undefined;
}
