import { nearestNotes, whyUnknown } from "../model/receipt.ts";
import { senderVerdict } from "../model/verdict.ts";
import type { TextPosition } from "../util/json.ts";
import { plain } from "../util/text.ts";
import { formatBytes } from "../util/units.ts";
import type { VerifiedReport, VerifySummaryReport } from "../verify/reports.ts";
import type { VerifyOutcome } from "../verify/verify-payload.ts";
import { CUSTOM, clockTime, issueText, proofText, senderText } from "./event.ts";
import { bodyLines, type Lines, linesOf, textOf } from "./layout.ts";
import { clipped, type Paint, type Rendered, type Style } from "./paint.ts";

export function renderVerified(report: VerifiedReport, { out, verbose, quiet }: Style): Rendered {
  const { file, line, outcome, receipt, body } = report;
  if (quiet && (outcome === "valid" || outcome === "custom")) return {};
  const name = `${file === "-" ? "(stdin)" : file}${line === undefined ? "" : `:${line}`}`;
  return {
    out: textOf(
      `${markOf(outcome, out)} ${out.strong(plain(name))}: ${headline(report, out)}  ${out.dim(formatBytes(report.bytes))}`,
      answeredText(report, out),
      schemaLines(report, out),
      receipt.verdicts.map((verdict) => `  ${proofText(verdict, out)}`),
      report.notes.map((note) => `  ${out.caution(plain(note))}`),
      report.explanations.map((each) => explanationLines(each, report.showExpected, out, verbose)),
      verbose && ["", bodyLines(receipt.payload?.text, body).map((each) => `  ${each}`), ""],
    ),
  };
}

function markOf(outcome: VerifyOutcome, paint: Paint): string {
  if (outcome === "valid") return paint.good("✓");
  if (outcome === "custom") return paint.dim("–");
  return outcome === "no_key" ? paint.caution("?") : paint.bad("✗");
}

/** What a delivery of the log is now, and how it was answered then: the secret may have changed. */
function answeredText({ answered, receipt }: VerifiedReport, paint: Paint): string | undefined {
  if (answered === undefined) return undefined;
  const { at, status, day = "" } = answered;
  const worst = senderVerdict(receipt.verdicts);
  const now =
    worst === undefined
      ? paint.dim("– unsigned")
      : worst.verdict === "passed"
        ? paint.good("✓ genuine")
        : senderText(worst, paint);
  const then =
    status === undefined
      ? "was not answered"
      : `was answered ${status} at ${`${day} ${clockTime(at).slice(0, 5)}`.trim()}`;
  return `  ${now} now · ${then}`;
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

function schemaLines({ receipt, positions, file }: VerifiedReport, paint: Paint): Lines {
  if (receipt.custom) return [CUSTOM, ...nearestNotes(receipt, false)].map((text) => `  ${paint.dim(plain(text))}`);
  return (
    receipt.schema && [
      `  ${receipt.schema.ok ? paint.good("✓ valid") : paint.bad("✗ invalid")}`,
      receipt.schema.issues.map((issue, i) => {
        const place = placeText(file, positions[i]);
        return `    ${place === "" ? "" : `${paint.dim(place)}  `}${issueText(issue)}`;
      }),
    ]
  );
}

function explanationLines(
  { id, explanation }: VerifiedReport["explanations"][number],
  showExpected: boolean,
  paint: Paint,
  verbose: boolean,
): Lines {
  const { canonical, summary, findings, likely, received = "nothing", expected } = explanation;
  const matches = findings.filter((finding) => finding.matches);
  const ruledOut = findings.filter((finding) => !finding.matches);
  const indented = (text: string): string => plain(text, true).replaceAll("\n", "\n    ");
  const causeLines = (arrow: string, { meaning, remedy }: NonNullable<typeof likely>): Lines => [
    `    ${arrow} ${plain(meaning)}`,
    remedy !== undefined && `      ${paint.dim(plain(remedy))}`,
  ];
  return [
    `  ${paint.strong(`why ${id}:`)} it covers ${indented(summary ?? canonical)}`,
    matches.length > 0
      ? matches.map((match) => causeLines(paint.good("→"), match))
      : causeLines(paint.bad("→"), likely ?? { meaning: "no common mistake explains it" }),
    verbose && summary !== undefined && `    covered:\n    ${indented(canonical)}`,
    verbose && ruledOut.length > 0 && paint.dim("    ruled out:"),
    verbose && ruledOut.map(({ meaning }) => paint.dim(`      ${plain(meaning)}`)),
    showExpected && expected !== undefined && [`    received ${plain(received)}`, `    expected ${plain(expected)}`],
  ];
}

export function renderVerifySummary(summary: VerifySummaryReport, { out }: Style): Rendered {
  const { count, outcomes } = summary;
  const { valid, custom, no_key, invalid, masked, missing_signature, wrong_signature } = outcomes;
  const parts = linesOf([
    valid === count ? out.good("all valid") : `${valid} valid`,
    custom > 0 && `${custom} custom (no schema)`,
    no_key > 0 && out.caution(`${no_key} no key`),
    wrong_signature > 0 && out.bad(`${wrong_signature} wrong signature`),
    missing_signature > 0 && out.bad(`${missing_signature} missing signature`),
    masked > 0 && out.caution(`${masked} masked (cannot be verified)`),
    invalid > 0 && out.bad(`${invalid} invalid`),
  ]);
  return { out: textOf(`${out.strong(`${count} payloads`)}: ${parts.join(", ")}`) };
}
