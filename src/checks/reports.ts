/** `warning`: works, but not for long or not for everyone; `skipped`: it could not be tried, and `text` says why. */
export type CheckOutcome = "passed" | "warning" | "failed" | "skipped";

/** One line of `check` or `doctor`. */
export interface CheckReport {
  readonly type: "check";
  /** Stable, such as `security.wrong-token`. */
  readonly id: string;
  readonly outcome: CheckOutcome;
  /** The result in one line. */
  readonly text: string;
  /** What was sent, what came back, why it matters: in this order, each with its label. */
  readonly details?: Readonly<Record<string, string>>;
  readonly remedy?: string;
  /** Of the column of ids, in characters. Default: 28. */
  readonly idWidth?: number;
}

export interface CheckSummaryReport extends Readonly<Record<CheckOutcome, number>> {
  readonly type: "check-summary";
  readonly seconds: number;
}
