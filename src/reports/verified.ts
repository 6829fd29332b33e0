import { nearestNotes } from "../model/receipt.ts";
import { senderVerdict } from "../model/verdict.ts";
import type { TextPosition } from "../util/json.ts";
import { plain } from "../util/text.ts";
import { formatBytes } from "../util/units.ts";
import type { Explanation, VerifiedReport, VerifySummaryLine } from "../verify/lines.ts";
import type { VerifyOutcome } from "../verify/verify-payload.ts";
import { CUSTOM, clockTime, issueText, proofText, senderText } from "./event.ts";
import { bodyLines, type Lines, linesOf, textOf } from "./layout.ts";
import { clipped, type Paint, type Rendered, type Style } from "./paint.ts";

export function renderVerified(report: VerifiedReport, { out, verbose, quiet }: Style): Rendered {
  const { file, line, outcome, person } = report;
  if (quiet && (outcome === "valid" || outcome === "custom")) return {};
  const name = `${file === "-" ? "(stdin)" : file}${line === null ? "" : `:${line}`}`;
  return {
    out: textOf(
      `${markOf(outcome, out)} ${out.strong(plain(name))}: ${headline(report, out)}  ${out.dim(formatBytes(person.bytes))}`,
      answeredText(report, out),
      schemaLines(report, out),
      person.receipt.verdicts.map((verdict) => `  ${proofText(verdict, out)}`),
      report.notes.map((note) => `  ${out.caution(plain(note))}`),
      report.explanations?.map((each, i) => explanationLines(each, person.summaries[i], out, verbose)),
      verbose && ["", bodyText(report).map((each) => `  ${each}`), ""],
    ),
  };
}

function bodyText({ body_b64, person }: VerifiedReport): readonly string[] {
  return bodyLines(person.receipt.payload?.text, Buffer.from(body_b64, "base64"));
}

function markOf(outcome: VerifyOutcome, paint: Paint): string {
  if (outcome === "valid") return paint.good("✓");
  if (outcome === "custom") return paint.dim("–");
  return outcome === "no_key" ? paint.caution("?") : paint.bad("✗");
}

/** What a delivery of the log is now, and how it was answered then: the secret may have changed. */
function answeredText({ at, status, person }: VerifiedReport, paint: Paint): string | undefined {
  if (at === undefined) return undefined;
  const { day = "", receipt } = person;
  const worst = senderVerdict(receipt.verdicts);
  const now =
    worst === undefined
      ? paint.dim("– unsigned")
      : worst.verdict === "passed"
        ? paint.good("✓ genuine")
        : senderText(worst, paint);
  const then =
    status === null
      ? "was not answered"
      : `was answered ${status} at ${`${day} ${clockTime(new Date(at)).slice(0, 5)}`.trim()}`;
  return `  ${now} now · ${then}`;
}

function headline(report: VerifiedReport, paint: Paint): string {
  const { receipt } = report.person;
  if (receipt.problem !== undefined) {
    const { position, reason } = receipt.problem;
    const place = placeText(report.file, report.problem_at ?? undefined);
    const inBody = position === undefined ? "" : ` (line ${position.line}, column ${position.column} of the body)`;
    return `${paint.bad(plain(reason))}${place === "" ? inBody : ` ${paint.dim(`at ${place}`)}`}`;
  }
  if (receipt.handshake !== undefined) return "a challenge, not an event";
  const { product, event, format, problem: unknown } = report;
  if (event === null) return paint.bad(unknown ?? "");
  const name = `${paint.name(`${product}`)} ${clipped(event)} ${paint.dim(`(${format})`)}`;
  return unknown === null ? name : `${name} ${paint.bad(unknown)}`;
}

function placeText(file: string, { line, column }: Partial<TextPosition> = {}): string {
  return line === undefined ? "" : plain(`${file}:${line}:${column}`);
}

function schemaLines({ file, custom, schema, person }: VerifiedReport, paint: Paint): Lines {
  if (custom) return [CUSTOM, ...nearestNotes(person.receipt, false)].map((text) => `  ${paint.dim(plain(text))}`);
  return (
    schema !== null && [
      `  ${schema.ok ? paint.good("✓ valid") : paint.bad("✗ invalid")}`,
      schema.issues.map(({ path, expected, received, ...position }) => {
        const place = placeText(file, position);
        return `    ${place === "" ? "" : `${paint.dim(place)}  `}${issueText({ at: path, expected, received })}`;
      }),
    ]
  );
}

function explanationLines(
  { id, canonical, findings, likely, received, expected }: Explanation,
  summary: string | undefined,
  paint: Paint,
  verbose: boolean,
): Lines {
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
    typeof expected === "string" && [`    received ${plain(received ?? "nothing")}`, `    expected ${plain(expected)}`],
  ];
}

export function renderVerifySummary(summary: VerifySummaryLine, { out }: Style): Rendered {
  const { count, valid, custom, no_key, invalid, masked, missing_signature, wrong_signature } = summary;
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
