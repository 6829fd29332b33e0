import { receiptFields } from "../receiver/event-report.ts";
import { whyUnknown } from "../recognition/verify-payload.ts";
import type { TextPosition } from "../util/json.ts";
import type { JsonLine } from "../util/text.ts";
import { plain } from "../util/text.ts";
import { formatBytes } from "../util/units.ts";
import type { VerifiedReport, VerifySummaryReport } from "../verify/reports.ts";
import { issueText, proofText } from "./event.ts";
import { bodyLines } from "./layout.ts";
import { clipped, type Paint, type Rendered, type Style } from "./paint.ts";

export function renderVerified(report: VerifiedReport, { out, verbose, quiet }: Style): Rendered {
  const { outcome } = report;
  if (quiet && (outcome === "valid" || outcome === "custom")) return {};
  const mark = outcome === "valid" ? out.good("✓") : outcome === "custom" ? out.dim("–") : out.bad("✗");
  const lines = [
    `${mark} ${out.strong(label(report))}: ${headline(report, out)}  ${out.dim(formatBytes(report.bytes))}`,
    ...schemaLines(report, out),
    ...report.receipt.verdicts.map((verdict) => `  ${proofText(verdict, out)}`),
    ...report.notes.map((note) => `  ${out.caution(plain(note))}`),
    ...report.explanations.flatMap((each) => explanationLines(each, report.showExpected, out, verbose)),
    ...(verbose ? ["", ...bodyLines(report.receipt.payload?.text, report.body).map((line) => `  ${line}`), ""] : []),
  ];
  return { out: `${lines.join("\n")}\n` };
}

function label({ file, line }: VerifiedReport): string {
  const name = file === "-" ? "(stdin)" : file;
  return plain(line === undefined ? name : `${name}:${line}`);
}

function headline(report: VerifiedReport, paint: Paint): string {
  const { receipt } = report;
  if (receipt.problem !== undefined) {
    const { position, reason } = receipt.problem;
    const place = placeText(report.file, report.problemPosition);
    const inBody = position === undefined ? "" : ` (line ${position.line}, column ${position.column} of the body)`;
    return `${paint.bad(plain(reason))}${place === "" ? inBody : ` ${paint.dim(`at ${place}`)}`}`;
  }
  if (receipt.handshake !== undefined) return "a challenge, not an event";
  const unknown = whyUnknown(receipt);
  if (receipt.event === undefined) return paint.bad(unknown ?? "");
  const name = `${paint.name(`${receipt.product}`)} ${clipped(receipt.event)} ${paint.dim(`(${receipt.format})`)}`;
  return unknown === undefined ? name : `${name} ${paint.bad(unknown)}`;
}

function placeText(file: string, position: TextPosition | undefined): string {
  return position === undefined ? "" : plain(`${file}:${position.line}:${position.column}`);
}

function schemaLines({ receipt, positions, file }: VerifiedReport, paint: Paint): readonly string[] {
  if (receipt.designed) return [`  ${paint.dim("– custom (no schema)")}`];
  if (receipt.schema === undefined) return [];
  const issues = receipt.schema.issues.map((issue, i) => {
    const place = placeText(file, positions[i]);
    return `    ${place === "" ? "" : `${paint.dim(place)}  `}${issueText(issue)}`;
  });
  return [`  ${receipt.schema.ok ? paint.good("✓ valid") : paint.bad("✗ invalid")}`, ...issues];
}

function explanationLines(
  { id, explanation }: VerifiedReport["explanations"][number],
  showExpected: boolean,
  paint: Paint,
  verbose: boolean,
): readonly string[] {
  const { canonical, summary, findings, likely, received, expected } = explanation;
  const matches = findings.filter((finding) => finding.matches);
  const ruledOut = findings.filter((finding) => !finding.matches);
  const indented = (text: string): string => plain(text, true).replaceAll("\n", "\n    ");
  const lines = [`  ${paint.strong(`why ${id}:`)} it covers ${indented(summary ?? canonical)}`];
  const addCause = (arrow: string, { meaning, remedy }: NonNullable<typeof likely>): void => {
    lines.push(`    ${arrow} ${plain(meaning)}`);
    if (remedy !== undefined) lines.push(`      ${paint.dim(plain(remedy))}`);
  };
  for (const match of matches) addCause(paint.good("→"), match);
  if (matches.length === 0) addCause(paint.bad("→"), likely ?? { meaning: "no common mistake explains it" });
  if (verbose && summary !== undefined) lines.push(`    covered:\n    ${indented(canonical)}`);
  if (verbose && ruledOut.length > 0)
    lines.push(...["    ruled out:", ...ruledOut.map(({ meaning }) => `      ${plain(meaning)}`)].map(paint.dim));
  if (showExpected && expected !== undefined)
    lines.push(`    received ${plain(received ?? "nothing")}`, `    expected ${plain(expected)}`);
  return lines;
}

export function renderVerifySummary(summary: VerifySummaryReport, { out }: Style): Rendered {
  const { count, valid, custom, notVerified, masked, invalid } = summary;
  const parts = [
    valid === count ? out.good("all valid") : `${valid} valid`,
    ...(custom > 0 ? [`${custom} custom (no schema)`] : []),
    ...(notVerified > 0 ? [out.bad(`${notVerified} not verified`)] : []),
    ...(masked > 0 ? [out.caution(`${masked} masked (cannot be verified)`)] : []),
    ...(invalid > 0 ? [out.bad(`${invalid} invalid`)] : []),
  ];
  return { out: `${out.strong(`${count} payloads`)}: ${parts.join(", ")}\n` };
}

/** The fields of an `event` line, with `file`, `line` and `outcome`, and a place for each issue that has one. */
export function verifiedLine(report: VerifiedReport): JsonLine {
  const { receipt, positions, problemPosition } = report;
  return {
    type: "verified",
    file: report.file,
    line: report.line ?? null,
    outcome: report.outcome,
    ...receiptFields(receipt, positions),
    ...(receipt.problem === undefined
      ? { problem: whyUnknown(receipt) ?? null }
      : { problem: receipt.problem.reason, problem_at: problemPosition ?? null }),
    notes: report.notes,
    body_b64: report.body.toString("base64"),
    body: receipt.payload?.data ?? null,
    ...explanationFields(report),
  };
}

function explanationFields({ explanations, showExpected }: VerifiedReport): JsonLine {
  if (explanations.length === 0) return {};
  return {
    explanations: explanations.map(({ id, explanation: { canonical, findings, received, expected } }) => ({
      id,
      canonical,
      findings,
      ...(showExpected ? { received: received ?? null, expected: expected ?? null } : {}),
    })),
  };
}

export function verifySummaryLine({
  count,
  valid,
  custom,
  notVerified,
  masked,
  invalid,
}: VerifySummaryReport): JsonLine {
  return { type: "verify_summary", count, valid, custom, not_verified: notVerified, masked, invalid };
}
