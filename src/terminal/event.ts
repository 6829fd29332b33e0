import type { Verdict } from "../contract/product.ts";
import { describeIssue, type SchemaIssue } from "../contract/schema.ts";
import { headerValue, isSuccess } from "../delivery/delivery.ts";
import { chosenNames, maskBody, maskDelivery, maskUrl } from "../delivery/mask.ts";
import type { AttemptFacts, EventReport, LoggedFacts } from "../receiver/event-report.ts";
import { isInvalid, type Receipt } from "../recognition/receive.ts";
import { nearestNotes } from "../recognition/verify-payload.ts";
import { plain } from "../util/text.ts";
import { cut } from "../util/text-width.ts";
import { counted } from "../util/units.ts";
import { below, bodyLines, cutLines, fitLine, headerLines, shownBody, sizeText, visibleWidth } from "./layout.ts";
import { clipped, type Paint, type Rendered, type Style, statusText } from "./paint.ts";

/** Width of a time and the space behind it. */
export const INDENT = "         ";

/** One line per event; below it only what needs attention, and with `--verbose` headers and body. */
export function renderEvent(report: EventReport, { out, verbose, quiet, columns }: Style): Rendered {
  if (!report.shown || (quiet && isUnremarkable(report))) return {};
  const heading = report.logged?.heading;
  const remarks = [...failures(report, out), ...issueRemarks(report, out)];
  const lines = [
    ...(heading === undefined ? [] : [out.dim(heading)]),
    eventText(report, out, columns),
    ...remarks.flatMap(({ text, paint }) => below(text, INDENT, columns, paint)),
    ...(verbose ? details(report, out).map((text) => `${INDENT}${text}`.trimEnd()) : []),
  ];
  return { out: `${lines.join("\n")}\n` };
}

/** A user who asks the log for events gets them all, unremarkable or not. */
function isUnremarkable({ logged, refusal, duplicateOf, receipt }: EventReport): boolean {
  if (logged !== undefined || refusal !== undefined || duplicateOf !== undefined) return false;
  return !isInvalid(receipt) && !receipt.verdicts.some(hasFailed);
}

/** The pieces of an event's line that give way in a narrow terminal. */
interface Pieces {
  readonly name: string;
  /** Undefined where there is no column for it. */
  readonly record: string | undefined;
  readonly proofs: readonly string[];
  readonly schema: readonly string[];
  readonly size: readonly string[];
  readonly duplicate: readonly string[];
  readonly state: readonly string[];
}

/** Below this width no column is left for the ids of records. */
const MIN_RECORD_COLUMNS = 100;
const MIN_NAME_WIDTH = 8;

/**
 * One line, however narrow the terminal: what is as it should be is shortened first, then left out; the name is cut last.
 * `events show` has everything.
 */
function eventText(report: EventReport, paint: Paint, columns: number): string {
  const { receipt, logged, duplicateOf } = report;
  let nameWidth = nameWidthAt(columns);
  const lineOf = ({ name, record, proofs, schema, size, duplicate, state }: Pieces): string => {
    const cells = [
      { text: paint.dim(clockTime(report.at)), width: 8 },
      { text: report.n === 0 ? paint.dim("–") : paint.strong(`#${report.n}`), width: 5 },
      { text: paint.name(plain(receipt.product ?? "?")), width: 13 },
      { text: name, width: nameWidth },
      ...(record === undefined ? [] : [{ text: record, width: 19 }]),
      ...[...proofs, ...schema, ...size, ...duplicate, ...state].map((text) => ({ text })),
    ];
    return fitLine(cells, Number.POSITIVE_INFINITY, "").join("");
  };
  let pieces: Pieces = {
    name: eventName(report),
    record: columns < MIN_RECORD_COLUMNS ? undefined : recordText(report),
    proofs: proofTexts(receipt, paint),
    schema: schemaTexts(report, paint),
    size: sizeTexts(report, paint),
    duplicate: duplicateOf === undefined ? [] : [paint.caution(`duplicate of #${duplicateOf}`)],
    state: logged === undefined ? [] : stateTexts(logged, paint),
  };
  let line = lineOf(pieces);
  const over = (): number => visibleWidth(line) - columns;
  if (over() <= 0) return line;
  const shorter: readonly (() => Partial<Pieces>)[] = [
    () => ({ proofs: shortProofTexts(receipt, paint) }),
    () => ({ size: [] }),
    () => (receipt.designed ? { schema: [] } : {}),
    () => (receipt.schema === undefined ? {} : { schema: receipt.schema.ok ? [] : [paint.caution("✗ invalid")] }),
    () => (logged === undefined ? {} : { state: stateTexts(logged, paint, true) }),
    () => ({ record: undefined }),
    () => ({ proofs: proofWords(receipt, paint) }),
    () => (duplicateOf === undefined ? {} : { duplicate: [paint.caution(`dup #${duplicateOf}`)] }),
    () => (receipt.verdicts.length > 0 && receipt.verdicts.every(hasPassed) ? { proofs: [] } : {}),
  ];
  for (const shorten of shorter) {
    pieces = { ...pieces, ...shorten() };
    line = lineOf(pieces);
    if (over() <= 0) return line;
  }
  nameWidth = Math.max(visibleWidth(pieces.name), nameWidth);
  while (over() > 0 && nameWidth > MIN_NAME_WIDTH) {
    nameWidth = Math.max(MIN_NAME_WIDTH, nameWidth - over());
    line = lineOf({ ...pieces, name: cut(pieces.name, nameWidth) });
  }
  return line;
}

/** In a wide terminal every known name fits beside everything else; in a pipe nothing is cut, so most are enough. */
function nameWidthAt(columns: number): number {
  if (columns >= 132 && Number.isFinite(columns)) return 34;
  return columns < 118 ? 20 : 24;
}

export function clockTime(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

function eventName({ receipt, method, path }: EventReport): string {
  if (receipt.handshake !== undefined) return "challenge";
  return clipped(receipt.event ?? `${method} ${maskUrl(path, chosenNames(receipt.verdicts))}`);
}

function recordText({ receipt }: EventReport): string {
  const [first = "", ...others] = receipt.records;
  return others.length === 0 ? clipped(first) : `${clipped(first)} +${others.length}`;
}

/** Absent proofs together are worth one word. */
function proofTexts({ verdicts, format }: Receipt, paint: Paint): readonly string[] {
  // Payloads that users design have nothing to verify, unless the settings name a proof.
  if (verdicts.length === 0 && format === undefined) return [];
  const present = verdicts.filter(({ verdict }) => verdict !== "absent");
  return present.length === 0 ? [paint.dim("– unsigned")] : present.map((verdict) => verdictText(verdict, paint));
}

/** A mark and words: colour alone never carries the meaning. */
function verdictText({ id, verdict }: Verdict, paint: Paint): string {
  const texts = {
    passed: () => paint.good(`✓ ${id}`),
    failed: () => paint.bad(`✗ ${id} not verified`),
    absent: () => paint.dim(`– no ${id}`),
    unconfigured: () => paint.caution(`? ${id} not verified`),
  };
  return texts[verdict]();
}

/** With the reason, and with what a verified one does not cover. */
export function proofText(verdict: Verdict, paint: Paint): string {
  const { id, reason, proves } = verdict;
  if (verdict.verdict === "absent") return `${paint.dim(`– ${id}`)}: ${plain(reason)}`;
  if (verdict.verdict !== "passed") return `${verdictText(verdict, paint)}: ${plain(reason)}`;
  const limit = proves === "body" ? "" : ` (covers ${proves === "sender" ? "the sender only" : "nothing by itself"})`;
  return `${paint.good(`✓ ${id} verified`)}: ${plain(reason)}${limit}`;
}

function shortProofTexts(receipt: Receipt, paint: Paint): readonly string[] {
  const { verdicts } = receipt;
  const failed = verdicts.filter(hasFailed);
  const unchecked = verdicts.filter(({ verdict }) => verdict === "unconfigured");
  const passed = verdicts.filter(hasPassed);
  if (failed.length + unchecked.length + passed.length === 0) return proofTexts(receipt, paint);
  const [only] = passed;
  return [
    ...failed.map(({ id }) => paint.bad(`✗ ${id}`)),
    ...unchecked.map(({ id }) => paint.caution(`? ${id}`)),
    ...(failed.length > 0 || only === undefined ? [] : [paint.good(passed.length > 1 ? "✓ verified" : `✓ ${only.id}`)]),
  ];
}

/** The shortest form: the worst verdict, without an id. */
function proofWords(receipt: Receipt, paint: Paint): readonly string[] {
  const words = new Set(receipt.verdicts.map(({ verdict }) => verdict));
  if (words.has("failed")) return [paint.bad("✗ sender")];
  if (words.has("unconfigured")) return [paint.caution("? sender")];
  return words.has("passed") ? [paint.good("✓ sender")] : proofTexts(receipt, paint);
}

function hasFailed({ verdict }: Verdict): boolean {
  return verdict === "failed";
}

function hasPassed({ verdict }: Verdict): boolean {
  return verdict === "passed";
}

function schemaTexts({ receipt, refusal }: EventReport, paint: Paint): readonly string[] {
  if (receipt.designed) return [paint.dim("custom")];
  if (receipt.event !== undefined && !receipt.known) return [paint.caution("? unknown event")];
  if (receipt.schema === undefined) {
    if (receipt.handshake !== undefined || receipt.known) return [];
    // A refusal gives its own reason.
    return refusal === undefined ? [paint.caution("? not recognised")] : [];
  }
  if (receipt.schema.ok) return [paint.good("✓ valid")];
  return [paint.caution(`✗ invalid: ${counted(receipt.schema.issues.length, "issue")}`)];
}

/** A body that was too large was not read to its end: only the announced length is known. */
function sizeTexts(report: EventReport, paint: Paint): readonly string[] {
  const { bytes, cutTo } = report.logged ?? { bytes: report.body.length };
  if (report.status !== 413 || bytes > 0) return [paint.dim(sizeText(bytes, cutTo))];
  return [paint.dim(sizeText(Number(headerValue(report, "content-length")) || 0, 0))];
}

/** The state after the sender was answered. */
function stateTexts(facts: LoggedFacts, paint: Paint, short = false): readonly string[] {
  const { state, attempts, forwards, fresh } = facts;
  if (fresh) return [];
  if (state === "delivered") return [paint.good("→ delivered")];
  if (state === "waiting") return [paint.caution("→ waiting")];
  if (state === "failed") {
    if (short) return [paint.bad("→ failed")];
    // A mirrored delivery was never queued, so it has attempts only.
    const failed = forwards.find((each) => each.state === "failed");
    const tries = failed?.attempts ?? attempts.length;
    const where = failed === undefined || forwards.length === 1 ? "" : ` at ${plain(failed.target)}`;
    return [paint.bad(`→ failed after ${counted(tries, "attempt")}${where}`)];
  }
  const last = attempts.at(-1);
  return last === undefined ? [] : [attemptText(last, paint)];
}

export function attemptText({ target, status, error }: AttemptFacts, paint: Paint): string {
  const text = `→ ${statusText(target, status) ?? "no answer"}`;
  return error === undefined && isSuccess(status) ? paint.good(text) : paint.bad(text);
}

/** Text below an event's line. It is painted after it is broken into lines. */
interface Remark {
  readonly text: string;
  readonly paint: (text: string) => string;
}

function failures({ refusal, status, receipt, explainCommand }: EventReport, paint: Paint): readonly Remark[] {
  const why = explainCommand === undefined ? [] : [{ text: `why: ${explainCommand}`, paint: paint.dim }];
  if (refusal !== undefined) return [{ text: `answered ${status}: ${plain(refusal)}`, paint: paint.bad }, ...why];
  const failed = receipt.verdicts.filter(hasFailed);
  return [...failed.map(({ id, reason }) => ({ text: `${id}: ${plain(reason)}`, paint: paint.bad })), ...why];
}

function issueRemarks({ receipt, refusal }: EventReport, paint: Paint): readonly Remark[] {
  const near = nearestNotes(receipt, refusal !== undefined).map((text) => plain(text));
  const issues = (receipt.schema?.issues ?? []).map(issueText);
  return [...near, ...issues].map((text) => ({ text, paint: paint.caution }));
}

export function issueText(issue: SchemaIssue): string {
  return plain(describeIssue(issue));
}

function details(report: EventReport, paint: Paint): readonly string[] {
  const { method, path: url, headers, receipt, showSecrets = false } = report;
  const { text, body, left } = shownBody(report.body, receipt.payload?.text, report.logged === undefined);
  const chosen = chosenNames(receipt.verdicts);
  const shown = showSecrets ? { url, headers, body } : maskDelivery({ method, url, headers, body }, chosen);
  const shownText =
    text === undefined || showSecrets ? text : maskBody(Buffer.from(text), "application/json", chosen).toString();
  const lines = [paint.dim(plain(`${method} ${shown.url}`)), ...headerLines(shown.headers, paint), ""];
  return [...lines, ...bodyLines(shownText, shown.body, left), ...cutLines(report.logged?.cutTo, paint), ""];
}
