import type { Explanation } from "../core/product.ts";
import type { Receipt } from "../core/receive.ts";
import type { Outcome } from "../core/verify-payload.ts";
import { whyUnknown } from "../core/verify-payload.ts";
import type { TextPosition } from "../util/json.ts";
import type { JsonLine } from "../util/text.ts";
import { formatBytes } from "../util/units.ts";
import { bodyLines, issueText, receiptFields, verdictText } from "./event.ts";
import { type Paint, plain, type Rendered, type Style } from "./paint.ts";

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

/** The fields of an `event` line, with `file`, `line` and `outcome`, and a place for each issue that has one. */
export function verifiedLine(report: VerifiedReport): JsonLine {
  const { receipt, positions, problemPosition } = report;
  const { schema } = receipt;
  return {
    type: "verified",
    file: report.file,
    line: report.line ?? null,
    outcome: report.outcome.replace("-", "_"),
    ...receiptFields(receipt),
    ...(schema === undefined
      ? {}
      : {
          schema: {
            ok: schema.ok,
            issues: schema.issues.map(({ at, expected, received }, i) => ({
              path: at,
              expected,
              received,
              ...(positions[i] ?? {}),
            })),
          },
        }),
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
    explanations: explanations.map(({ proof, explanation: { canonical, findings, received, expected } }) => ({
      proof,
      canonical,
      findings,
      ...(showExpected ? { received: received ?? null, expected: expected ?? null } : {}),
    })),
  };
}

export function verifySummaryLine({ count, ok, proofFailed, masked, invalid }: VerifySummaryReport): JsonLine {
  return { type: "verify_summary", count, ok, proof_failed: proofFailed, masked, invalid };
}

export interface VerifiedReport {
  readonly type: "verified";
  /** The file's name as the user wrote it; `-` for standard input. */
  readonly file: string;
  /** The line on which the payload begins, where the file holds several. */
  readonly line: number | undefined;
  readonly outcome: Outcome;
  readonly receipt: Receipt;
  readonly body: Buffer;
  /** How many it has, where secrets in `body` are masked, too. */
  readonly bytes: number;
  /** Where each schema issue stands in the file, in the order of the issues. */
  readonly positions: readonly (TextPosition | undefined)[];
  /** Where the file stops being what it says it is. */
  readonly problemPosition: TextPosition | undefined;
  readonly explanations: readonly { readonly proof: string; readonly explanation: Explanation }[];
  readonly showExpected: boolean;
  readonly notes: readonly string[];
}

/** Said when there were several payloads. */
export interface VerifySummaryReport {
  readonly type: "verify-summary";
  readonly count: number;
  readonly ok: number;
  readonly proofFailed: number;
  /** Their secrets were taken out, so that nothing can be proven of them. */
  readonly masked: number;
  /** Not an event of a known product, or not in the shape of one. */
  readonly invalid: number;
}
