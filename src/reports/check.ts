import type { JsonLine } from "../util/text.ts";
import { counted } from "../util/units.ts";
import { below, fitLine } from "./layout.ts";
import { plain, type Rendered, type Style } from "./paint.ts";

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
}

export interface CheckSummaryReport extends Readonly<Record<CheckOutcome, number>> {
  readonly type: "check-summary";
  readonly seconds: number;
}

const MARKS: Readonly<
  Record<CheckOutcome, { readonly mark: string; readonly tone: "good" | "caution" | "bad" | "dim" }>
> = {
  passed: { mark: "✓", tone: "good" },
  warning: { mark: "!", tone: "caution" },
  failed: { mark: "✗", tone: "bad" },
  skipped: { mark: "–", tone: "dim" },
};

/** `✗ security.wrong-token  a wrong token was accepted`, with the details and the remedy below. */
export function renderCheck(report: CheckReport, { out, quiet, columns }: Style): Rendered {
  const { id, outcome, text, details = {}, remedy } = report;
  if (quiet && (outcome === "passed" || outcome === "skipped")) return {};
  const { mark, tone } = MARKS[outcome];
  const head = fitLine(
    [{ text: out[tone](mark), width: 1 }, { text: out.name(id), width: 28 }, { text: plain(text) }],
    columns,
    "  ",
  );
  const wrapped = (line: string, paint?: (line: string) => string) => below(plain(line, true), "    ", columns, paint);
  const lines = [
    ...head,
    ...Object.entries(details).flatMap(([label, detail]) => wrapped(`${label}: ${detail}`, out.dim)),
    ...(remedy === undefined ? [] : wrapped(`→ ${remedy}`, out.caution)),
  ];
  return { out: `${lines.join("\n")}\n` };
}

export function renderCheckSummary(report: CheckSummaryReport, { out }: Style): Rendered {
  const { passed, warning, failed, skipped } = report;
  const counts = [
    out.good(`${passed} passed`),
    ...(warning > 0 ? [out.caution(counted(warning, "warning"))] : []),
    failed > 0 ? out.bad(`${failed} failed`) : "0 failed",
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  return { out: `${counts.join(", ")}\n` };
}

export function checkLine({ type, id, outcome, text, details = {}, remedy }: CheckReport): JsonLine {
  return { type, id, outcome, text, details, remedy: remedy ?? null };
}

export function checkSummaryLine({ type: _, ...figures }: CheckSummaryReport): JsonLine {
  return { type: "check_summary", ...figures };
}
