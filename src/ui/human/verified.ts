import type { Explanation } from "../../core/product.ts";
import type { VerifiedReport } from "../../core/report.ts";
import { formatBytes } from "../../core/units.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { type Paint, plain } from "../paint.ts";
import { bodyLines, issueText, verdictText } from "./event.ts";

export function renderVerified(report: VerifiedReport, { out, verbose, quiet }: Style): Rendered {
  const { receipt } = report;
  if (quiet && isGood(report)) return {};
  const what =
    receipt.problem !== undefined
      ? out.bad(plain(receipt.problem.reason))
      : receipt.event === undefined
        ? out.bad("no known product or event")
        : `${out.name(`${receipt.product}`)} ${plain(receipt.event)} ${out.dim(`(${receipt.format})`)}`;
  const lines = [`${out.strong(plain(report.file))}: ${what} ${out.dim(formatBytes(report.body.length))}`];
  if (receipt.event !== undefined && !receipt.known) {
    lines.push(
      `  ${out.bad("✗ unknown event")}${receipt.suggestions.length > 0 ? `, nearest: ${receipt.suggestions.join(", ")}` : ""}`,
    );
  }
  if (receipt.schema !== undefined) lines.push(`  ${receipt.schema.ok ? out.good("✓ schema") : out.bad("✗ schema")}`);
  receipt.schema?.issues.forEach((issue, i) => {
    const position = report.positions[i];
    const where = position === undefined ? "" : `${plain(report.file)}:${position.line}:${position.column}  `;
    lines.push(`    ${out.dim(where)}${issueText(issue)}`);
  });
  for (const verdict of receipt.verdicts) {
    const proves =
      verdict.verdict === "passed" && verdict.proves !== "body" ? ` (proves the ${verdict.proves} only)` : "";
    lines.push(`  ${verdictText(verdict, out)}: ${plain(verdict.reason)}${proves}`);
  }
  for (const { proof, explanation } of report.explanations)
    lines.push(...explanationLines(proof, explanation, report.showExpected, out));
  if (verbose) lines.push("", ...bodyLines(receipt.payload?.text, report.body).map((line) => `  ${line}`));
  return { out: `${lines.join("\n")}\n` };
}

function isGood({ receipt }: VerifiedReport): boolean {
  return (
    receipt.known && receipt.schema?.ok !== false && !receipt.verdicts.some((verdict) => verdict.verdict === "failed")
  );
}

function explanationLines(
  proof: string,
  explanation: Explanation,
  showExpected: boolean,
  paint: Paint,
): readonly string[] {
  const matches = explanation.findings.filter((finding) => finding.matches);
  const tried = explanation.findings.filter((finding) => !finding.matches);
  const lines = [`  ${paint.strong(`why ${proof}:`)} signed is ${plain(explanation.canonical, true)}`];
  for (const match of matches) {
    lines.push(`    ${paint.good("→")} ${plain(match.meaning)}`);
    if (match.remedy) lines.push(`      ${paint.dim(plain(match.remedy))}`);
  }
  if (matches.length === 0) {
    lines.push(`    ${paint.bad("nothing that was tried matches:")} another secret, or a body that was changed`);
  }
  if (tried.length > 0)
    lines.push(paint.dim(`    tried without a match: ${tried.map((finding) => finding.id).join(", ")}`));
  if (showExpected && explanation.expected !== undefined) {
    lines.push(`    received ${plain(explanation.received ?? "nothing")}`, `    expected ${explanation.expected}`);
  }
  return lines;
}
