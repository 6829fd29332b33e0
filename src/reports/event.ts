import { headerValue } from "../delivery/delivery.ts";
import { maskBody, maskDelivery, maskUrl, secretFieldNames } from "../delivery/mask.ts";
import { isDelivered } from "../forward/post-failure.ts";
import type { Verdict, VerdictWord } from "../model/product.ts";
import { ambiguityText, isInvalid, nearestNotes } from "../model/receipt.ts";
import { describeIssue, type SchemaIssue } from "../model/schema.ts";
import { has, resultText, senderVerdict } from "../model/verdict.ts";
import type { EventReport, ReceivedEvent } from "../receiver/event-report.ts";
import { cut, plain } from "../util/text.ts";
import { counted, formatDuration } from "../util/units.ts";
import {
  below,
  bodyLines,
  cutLines,
  fitLine,
  headerLines,
  shownBody,
  sizeText,
  textOf,
  visibleWidth,
} from "./layout.ts";
import { clipped, type Paint, type Rendered, type Style, statusText, type Tone } from "./paint.ts";

/** Width of a time and the space behind it. */
export const INDENT = "         ";

type Person = EventReport["person"];

/** One line per event; below it only what needs attention, and with `--verbose` headers and body. */
export function renderEvent({ person }: EventReport, { out, verbose, quiet }: Style): Rendered {
  const { event, sameAs, showSecrets } = person;
  const { shown, logged, receipt, refusal, duplicateOf } = event;
  // A user who asks the log for events gets them all, unremarkable or not.
  const isUnremarkable =
    logged === undefined &&
    refusal === undefined &&
    duplicateOf === undefined &&
    !isInvalid(receipt) &&
    !has("failed", receipt.verdicts);
  if (!shown || (quiet && isUnremarkable)) return {};
  return {
    out: textOf(
      logged?.heading !== undefined && out.dim(logged.heading),
      eventText(person, out),
      sameAs === undefined && remarks(person).map(({ text, tone }) => below(text, INDENT, out, tone)),
      verbose && details(event, out, showSecrets).map((text) => `${INDENT}${text}`.trimEnd()),
    ),
  };
}

/** The pieces of an event's line that give way in a narrow terminal, each without a text or with several. */
type Pieces = Readonly<
  Record<"record" | "sender" | "schema" | "size" | "duplicate" | "state", readonly string[]> & { name: string }
>;

/** Below this width no column is left for the ids of records. */
const MIN_RECORD_COLUMNS = 100;
const MIN_NAME_WIDTH = 8;

/**
 * One line, however narrow the terminal: what is as it should be is shortened first, then left out; the name is cut last.
 * `events show` has everything.
 */
function eventText(person: Person, paint: Paint): string {
  const { columns } = paint;
  const { event } = person;
  const { receipt, duplicateOf } = event;
  let nameWidth = nameWidthAt(columns);
  const lineOf = ({ name, record, sender, schema, size, duplicate, state }: Pieces): string => {
    const cells = [
      { text: paint.dim(clockTime(event.at)), width: 8 },
      { text: event.n === 0 ? paint.dim("–") : paint.strong(`#${event.n}`), width: 5 },
      { text: paint.name(plain(receipt.product ?? "?")), width: PRODUCT_WIDTH },
      { text: name, width: nameWidth },
      ...record.map((text) => ({ text, width: 19 })),
      ...[...sender, ...schema, ...size, ...duplicate, ...state].map((text) => ({ text })),
    ];
    return fitLine(cells, Number.POSITIVE_INFINITY, "").join("");
  };
  let pieces: Pieces = {
    name: eventName(event),
    record: columns < MIN_RECORD_COLUMNS ? [] : [recordText(event)],
    sender: senderTexts(event, paint),
    schema: schemaTexts(event, paint),
    size: sizeTexts(event, paint),
    duplicate: duplicateOf === undefined ? [] : [paint.caution(`duplicate of #${duplicateOf}`)],
    state: stateTexts(person, paint),
  };
  let line = lineOf(pieces);
  const over = (): number => visibleWidth(line) - columns;
  const shorter: readonly (() => Partial<Pieces>)[] = [
    () => (receipt.custom ? { schema: schemaTexts(event, paint, true) } : {}),
    () => ({ size: [] }),
    () => ({ schema: schemaTexts(event, paint, true) }),
    () => ({ state: stateTexts(person, paint, true) }),
    () => ({ record: [] }),
    () => (duplicateOf === undefined ? {} : { duplicate: [paint.caution(`dup #${duplicateOf}`)] }),
    () => (senderVerdict(receipt.verdicts)?.verdict === "passed" ? { sender: [] } : {}),
  ];
  for (const shorten of shorter) {
    if (over() <= 0) return line;
    pieces = { ...pieces, ...shorten() };
    line = lineOf(pieces);
  }
  const { name } = pieces;
  nameWidth = Math.max(visibleWidth(name), nameWidth);
  while (over() > 0 && nameWidth > MIN_NAME_WIDTH) {
    nameWidth = Math.max(MIN_NAME_WIDTH, nameWidth - over());
    pieces = { ...pieces, name: cut(name, nameWidth) };
    line = lineOf(pieces);
  }
  for (const piece of ["duplicate", "schema", "sender"] as const) {
    if (over() <= 0) break;
    pieces = { ...pieces, [piece]: [] };
    line = lineOf(pieces);
  }
  return line;
}

/** Most ids are shorter; a longer one takes room of the name behind it. */
const PRODUCT_WIDTH = 9;

/** In a wide terminal every known name fits beside everything else; in a pipe nothing is cut, so most are enough. */
function nameWidthAt(columns: number): number {
  if (columns >= 132 && Number.isFinite(columns)) return 34;
  if (columns >= 118) return 28;
  return columns < 80 ? 12 : 22;
}

export function clockTime(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

function eventName({ receipt, method, path }: ReceivedEvent): string {
  if (receipt.handshake !== undefined) return "challenge";
  return clipped(receipt.event ?? `${method} ${maskUrl(path, secretFieldNames(receipt.verdicts))}`);
}

function recordText({ receipt }: ReceivedEvent): string {
  const [first = "", ...others] = receipt.records;
  return others.length === 0 ? clipped(first) : `${clipped(first)} +${others.length}`;
}

/** One word for all signatures and tokens, the same at every width. `events show` has each of them. */
function senderTexts({ receipt: { verdicts, format }, logged }: ReceivedEvent, paint: Paint): readonly string[] {
  if (logged?.reconstructed) return [paint.dim("– reconstructed")];
  // Custom bodies have nothing to verify, unless the settings name a proof.
  if (verdicts.length === 0 && format === undefined) return [];
  const worst = senderVerdict(verdicts);
  return [worst === undefined ? paint.dim("– unsigned") : senderText(worst, paint)];
}

const MARKS = {
  passed: ["good", "✓"],
  failed: ["bad", "✗"],
  unconfigured: ["caution", "?"],
  absent: ["dim", "–"],
} as const satisfies Readonly<Record<VerdictWord, readonly [tone: keyof Paint, mark: string]>>;

/** A mark and words: colour alone never carries the meaning. */
export function senderText(verdict: Verdict, paint: Paint): string {
  const [tone, mark] = MARKS[verdict.verdict];
  return paint[tone](`${mark} ${resultText(verdict)}`);
}

/** With its id and reason, and with what a verified one does not cover. */
export function proofText(verdict: Verdict, paint: Paint): string {
  const { id, reason, proves } = verdict;
  if (verdict.verdict === "absent") return `${paint.dim(`– ${id}`)}: ${plain(reason)}`;
  const limit = proves === "body" ? "" : ` (covers ${proves === "sender" ? "the sender only" : "nothing by itself"})`;
  return `${senderText(verdict, paint)} (${id}): ${plain(reason)}${verdict.verdict === "passed" ? limit : ""}`;
}

/** It is never said to be right: nothing is known about it. */
export const CUSTOM = "– custom: no schema to check";

function schemaTexts({ receipt, refusal }: ReceivedEvent, paint: Paint, short = false): readonly string[] {
  if (receipt.custom) return [paint.dim(short ? "– custom" : CUSTOM)];
  if (receipt.event !== undefined && !receipt.known) return [paint.caution(short ? "? unknown" : "? unknown event")];
  if (receipt.schema === undefined) {
    if (receipt.handshake !== undefined || receipt.known) return [];
    // A refusal gives its own reason.
    return refusal === undefined ? [paint.caution("? not recognised")] : [];
  }
  if (receipt.schema.ok) return short ? [] : [paint.good("✓ valid")];
  return [paint.caution(short ? "✗ invalid" : `✗ invalid: ${counted(receipt.schema.issues.length, "issue")}`)];
}

/** A body that was too large was not read to its end: only the announced length is known. */
function sizeTexts(event: ReceivedEvent, paint: Paint): readonly string[] {
  const { bytes, cutTo } = event.logged ?? { bytes: event.body.length };
  if (event.status !== 413 || bytes > 0) return [paint.dim(sizeText(bytes, cutTo))];
  return [paint.dim(sizeText(Number(headerValue(event, "content-length")) || 0, 0))];
}

/** What happened after the sender was answered. */
function stateTexts({ event, answer, sameAs }: Person, paint: Paint, short = false): readonly string[] {
  const { logged, status } = event;
  if (sameAs !== undefined)
    return [`${paint.bad(`${short ? "" : "answered "}${status}`)} ${paint.dim(`as #${sameAs}`)}`];
  if (answer !== undefined) {
    const time = short ? "" : ` ${paint.dim(formatDuration(answer.latency_ms))}`;
    return [attemptText({ ...answer, error: undefined }, paint) + time];
  }
  if (logged === undefined || logged.fresh) return [];
  const { state, attempts, forwards } = logged;
  if (state === "delivered") return [paint.good("→ delivered")];
  if (state === "waiting") return [paint.caution("→ waiting")];
  if (state === "failed") {
    if (short) return [paint.bad("→ failed")];
    // A mirrored delivery was never queued, so it has attempts only.
    const failed = forwards.find((each) => each.state === "failed");
    const tries = attempts.filter(({ target }) => failed === undefined || target === failed.target).length;
    const where = failed === undefined || forwards.length === 1 ? "" : ` at ${plain(failed.target)}`;
    return [paint.bad(`→ failed after ${counted(tries, "attempt")}${where}`)];
  }
  const last = attempts.at(-1);
  return last === undefined ? [] : [attemptText(last, paint)];
}

export function attemptText(
  attempt: { readonly target: string; readonly status: number | null | undefined; readonly error: unknown },
  paint: Paint,
): string {
  const { target, status } = attempt;
  const text = `→ ${statusText(target, status) ?? "no answer"}`;
  return isDelivered(attempt) ? paint.good(text) : paint.bad(text);
}

/** Texts below an event's line. They are painted after they are broken into lines. */
function remarks({ event, explainCommand }: Person) {
  const { refusal, status, receipt } = event;
  const failed = receipt.verdicts.filter(({ verdict }) => verdict === "failed");
  const failures =
    refusal === undefined ? failed.map(({ id, reason }) => `${id}: ${reason}`) : [`answered ${status}: ${refusal}`];
  const why = explainCommand === undefined ? [] : [`why: ${explainCommand}`];
  const issues = (receipt.schema?.issues ?? []).map(describeIssue);
  const ambiguity = ambiguityText(receipt);
  const inTone = (tone: Tone, texts: readonly string[]) => texts.map((text) => ({ tone, text }));
  return [
    ...inTone("bad", failures),
    ...inTone("dim", why),
    ...inTone("dim", ambiguity === undefined ? [] : [`${ambiguity}: the URL of its product would tell them apart`]),
    ...inTone(receipt.custom ? "dim" : "caution", [...nearestNotes(receipt, refusal !== undefined), ...issues]),
  ];
}

export function issueText(issue: Omit<SchemaIssue, "path">): string {
  return plain(describeIssue(issue));
}

function details(event: ReceivedEvent, paint: Paint, showSecrets = false): readonly string[] {
  const { method, path: url, headers, receipt } = event;
  const { text, body, left } = shownBody(event.body, receipt.payload?.text, event.logged === undefined);
  const secretFields = secretFieldNames(receipt.verdicts);
  const shown = showSecrets ? { url, headers, body } : maskDelivery({ method, url, headers, body }, secretFields);
  const shownText =
    text === undefined || showSecrets ? text : maskBody(Buffer.from(text), "application/json", secretFields).toString();
  const lines = [paint.dim(plain(`${method} ${shown.url}`)), ...headerLines(shown.headers, paint), ""];
  return [...lines, ...bodyLines(shownText, shown.body, left), ...cutLines(event.logged?.cutTo, paint), ""];
}
