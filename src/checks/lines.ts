import { type Finding, shareableLine } from "./finding.ts";

/** A result. @printedBy check, doctor */
export interface CheckLine {
  readonly type: "check";
  /** Stable, such as `zoho.clock`. */
  readonly id: string;
  /** `warning`: works, with limits; `skipped`: could not be checked, and `text` says why. */
  readonly outcome: "passed" | "warning" | "failed" | "skipped";
  readonly text: string;
  /** Of `check`: `sent`, `came back`, `why`. */
  readonly details: { readonly [name: string]: string };
  readonly remedy: string | null;
  /** `outcome`, `id` and `text` in one line without paths, addresses, ids and quoted names, to show in public. */
  readonly shareable: string;
}

export interface CheckReport extends CheckLine {
  readonly person?: {
    /** Width of the column of ids, in characters. Default: 28. */
    readonly idWidth: number;
  };
}

/** Counts the results. @printedBy check, doctor */
export interface CheckSummaryLine {
  readonly type: "check_summary";
  readonly passed: number;
  readonly warning: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
}

export function checkLine(finding: Finding): CheckLine {
  const { id, outcome, text, details = {}, remedy = null } = finding;
  return { type: "check", id, outcome, text, details, remedy, shareable: shareableLine(finding) };
}
