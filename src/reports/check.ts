import type { CheckOutcome } from "../checks/finding.ts";
import type { CheckReport, CheckSummaryLine } from "../checks/lines.ts";
import { plain } from "../util/text.ts";
import { counted } from "../util/units.ts";
import { below, fitLine, linesOf, textOf, wrapLine } from "./layout.ts";
import type { Rendered, Style, Tone } from "./paint.ts";

const MARKS: Readonly<Record<CheckOutcome, readonly [mark: string, tone: Tone]>> = {
  passed: ["✓", "good"],
  warning: ["!", "caution"],
  failed: ["✗", "bad"],
  skipped: ["–", "dim"],
};

/** `✗ security.wrong-token  a wrong token was accepted`, with the details and the remedy below. */
export function renderCheck(report: CheckReport, { out, quiet }: Style): Rendered {
  const { id, outcome, text, details, remedy, person } = report;
  if (quiet && (outcome === "passed" || outcome === "skipped")) return {};
  const [mark, tone] = MARKS[outcome];
  const { columns } = out;
  const { idWidth = 28 } = person ?? {};
  const indent = idWidth + 4;
  // Below its own start, where the terminal has room for that.
  const [first = "", ...rest] = columns >= indent + 20 ? wrapLine(plain(text), columns - indent) : [plain(text)];
  const cells = [{ text: out[tone](mark), width: 1 }, { text: out.name(id), width: idWidth }, { text: first }];
  return {
    out: textOf(
      fitLine(cells, columns, "  "),
      rest.map((line) => " ".repeat(indent) + line),
      Object.entries(details).map(([label, detail]) => below(`${label}: ${detail}`, "    ", out, "dim")),
      remedy !== null && below(`→ ${remedy}`, "    ", out, "caution"),
    ),
  };
}

export function renderCheckSummary(report: CheckSummaryLine, { out }: Style): Rendered {
  const { passed, warning, failed, skipped } = report;
  const counts = linesOf([
    out.good(`${passed} passed`),
    warning > 0 && out.caution(counted(warning, "warning")),
    failed > 0 ? out.bad(`${failed} failed`) : "0 failed",
    skipped > 0 && `${skipped} skipped`,
  ]);
  return { out: textOf(counts.join(", ")) };
}
