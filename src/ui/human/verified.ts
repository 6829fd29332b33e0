import type { Explanation } from "../../core/product.ts";
import type { VerifiedReport, VerifySummaryReport } from "../../core/report.ts";
import { formatBytes } from "../../core/units.ts";
import { whyUnknown } from "../../core/why-unknown.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { type Paint, plain } from "../paint.ts";
import { bodyLines, issueText, verdictText } from "./event.ts";

export function renderVerified(report: VerifiedReport, { out, verbose, quiet }: Style): Rendered {
  if (quiet && report.outcome === "ok") return {};
  const lines = [
    `${mark(report, out)} ${out.strong(label(report))}: ${headline(report, out)}  ${out.dim(formatBytes(report.bytes))}`,
    ...schemaLines(report, out),
    ...proofLines(report, out),
    ...report.notes.map((note) => `  ${out.caution(plain(note))}`),
    ...report.explanations.flatMap(({ proof, explanation }) =>
      explanationLines(proof, explanation, report.showExpected, out),
    ),
    ...(verbose ? ["", ...bodyLines(report.receipt.payload?.text, report.body).map((line) => `  ${line}`), ""] : []),
  ];
  return { out: `${lines.join("\n")}\n` };
}

export function renderVerifySummary(summary: VerifySummaryReport, { out }: Style): Rendered {
  const { count, ok, proofFailed, masked, invalid } = summary;
  const parts = [
    ok === count ? out.good("all fine") : `${ok} fine`,
    ...(proofFailed > 0 ? [out.bad(`${proofFailed} with a failed proof`)] : []),
    ...(masked > 0 ? [out.caution(`${masked} masked, and not checkable`)] : []),
    ...(invalid > 0 ? [out.bad(`${invalid} not valid`)] : []),
  ];
  return { out: `${out.strong(`${count} payloads`)}: ${parts.join(", ")}\n` };
}

function mark({ outcome }: VerifiedReport, paint: Paint): string {
  return outcome === "ok" ? paint.good("✓") : paint.bad("✗");
}

function label({ file, line }: VerifiedReport): string {
  const name = file === "-" ? "(stdin)" : file;
  return plain(line === undefined ? name : `${name}:${line}`);
}

function headline(report: VerifiedReport, paint: Paint): string {
  const { receipt } = report;
  if (receipt.problem !== undefined) {
    const { position } = receipt.problem;
    const place = placeText(report.file, report.problemPosition);
    const inBody = position === undefined ? "" : ` (line ${position.line}, column ${position.column} of the body)`;
    return `${paint.bad(plain(receipt.problem.reason))}${place === "" ? inBody : ` ${paint.dim(`at ${place}`)}`}`;
  }
  if (receipt.handshake !== undefined) return "a challenge, not an event";
  const unknown = whyUnknown(receipt);
  if (receipt.event === undefined) return paint.bad(unknown ?? "");
  const name = `${paint.name(`${receipt.product}`)} ${plain(receipt.event)} ${paint.dim(`(${receipt.format})`)}`;
  return unknown === undefined ? name : `${name} ${paint.bad(unknown)}`;
}

function placeText(file: string, position: { line: number; column: number } | undefined): string {
  return position === undefined ? "" : plain(`${file}:${position.line}:${position.column}`);
}

function schemaLines({ receipt, positions, file }: VerifiedReport, paint: Paint): readonly string[] {
  if (receipt.schema === undefined) return [];
  const issues = receipt.schema.issues.map((issue, i) => {
    const place = placeText(file, positions[i]);
    return `    ${place === "" ? "" : `${paint.dim(place)}  `}${issueText(issue)}`;
  });
  return [`  ${receipt.schema.ok ? paint.good("✓ schema") : paint.bad("✗ schema")}`, ...issues];
}

function proofLines({ receipt }: VerifiedReport, paint: Paint): readonly string[] {
  return receipt.verdicts.map((verdict) => {
    const limited = verdict.verdict === "passed" && verdict.proves !== "body";
    const proves = limited ? ` (proves ${verdict.proves === "sender" ? "the sender only" : "nothing by itself"})` : "";
    return `  ${verdictText(verdict, paint)}: ${plain(verdict.reason)}${proves}`;
  });
}

function explanationLines(
  proof: string,
  explanation: Explanation,
  showExpected: boolean,
  paint: Paint,
): readonly string[] {
  const matches = explanation.findings.filter((finding) => finding.matches);
  const tried = explanation.findings.filter((finding) => !finding.matches);
  const canonical = plain(explanation.canonical, true).replaceAll("\n", "\n    ");
  const lines = [`  ${paint.strong(`why ${proof}:`)} what counts is ${canonical}`];
  for (const match of matches) {
    lines.push(`    ${paint.good("→")} ${plain(match.meaning)}`);
    if (match.remedy !== undefined) lines.push(`      ${paint.dim(plain(match.remedy))}`);
  }
  if (matches.length === 0) lines.push(`    ${paint.bad("→")} none of the usual mistakes explains it`);
  if (tried.length > 0)
    lines.push(paint.dim(`    tried without a match: ${tried.map((finding) => finding.id).join(", ")}`));
  if (showExpected && explanation.expected !== undefined) {
    lines.push(`    received ${plain(explanation.received ?? "nothing")}`, `    expected ${explanation.expected}`);
  }
  return lines;
}
