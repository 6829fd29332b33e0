import type { CheckOutcome, CheckReport, CheckSummaryReport } from "../checks/finding.ts";
import { type JsonLine, plain } from "../util/text.ts";
import { counted } from "../util/units.ts";
import { below, fitLine, wrapLine } from "./layout.ts";
import type { Rendered, Style } from "./paint.ts";

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
  const { id, outcome, text, details = {}, remedy, idWidth = 28 } = report;
  if (quiet && (outcome === "passed" || outcome === "skipped")) return {};
  const { mark, tone } = MARKS[outcome];
  const indent = idWidth + 4;
  // Below its own start, where the terminal has room for that.
  const [first = "", ...rest] = columns >= indent + 20 ? wrapLine(plain(text), columns - indent) : [plain(text)];
  const cells = [{ text: out[tone](mark), width: 1 }, { text: out.name(id), width: idWidth }, { text: first }];
  const head = [...fitLine(cells, columns, "  "), ...rest.map((line) => " ".repeat(indent) + line)];
  const wrapped = (line: string, paint?: (line: string) => string) => below(plain(line), "    ", columns, paint);
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
