/** `warning`: works with limits; `skipped`: could not be checked, and `text` says why. */
export type CheckOutcome = "passed" | "warning" | "failed" | "skipped";

/** A result of `check` or `doctor`. */
export interface Finding {
  /** Stable, such as `security.wrong-token`. The part before the dot is its group. */
  readonly id: string;
  readonly outcome: CheckOutcome;
  /** The result in one line. */
  readonly text: string;
  /** In order, each with its label: what was sent, what came back, why it matters. */
  readonly details?: Readonly<Record<string, string>>;
  readonly remedy?: string;
}

/** A finding as a check returns it: its id is that of the check unless it names another one. */
export type Found = Omit<Finding, "id"> & { readonly id?: string };

export type Details = Finding["details"];

export function passed(text = "", details?: Details): Found {
  return { outcome: "passed", text, details };
}

export function warned(text: string, remedy?: string, details?: Details): Found {
  return { outcome: "warning", text, remedy, details };
}

export function failed(text: string, remedy?: string, details?: Details): Found {
  return { outcome: "failed", text, remedy, details };
}

export function skipped(text: string, remedy?: string): Found {
  return { outcome: "skipped", text, remedy };
}

/** How many findings there are of each outcome. */
export function countOutcomes(findings: readonly Finding[]): Readonly<Record<CheckOutcome, number>> {
  const counts = { passed: 0, warning: 0, failed: 0, skipped: 0 };
  for (const { outcome } of findings) counts[outcome]++;
  return counts;
}

export interface CheckReport extends Finding {
  readonly type: "check";
  /** Width of the column of ids, in characters. Default: 28. */
  readonly idWidth?: number;
}

export interface CheckSummaryReport extends Readonly<Record<CheckOutcome, number>> {
  readonly type: "check-summary";
  readonly seconds: number;
}
