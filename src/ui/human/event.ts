import { type HeaderPair, headerValue } from "../../core/delivery.ts";
import { prettyJson } from "../../core/json-print.ts";
import type { AttemptFacts, KeptFacts } from "../../core/log-report.ts";
import { chosenNames, maskBody, maskDelivery, maskUrl } from "../../core/mask.ts";
import type { Verdict } from "../../core/product.ts";
import type { EventReport } from "../../core/report.ts";
import type { SchemaIssue } from "../../core/schema-check.ts";
import { isSuccess } from "../../core/status.ts";
import { counted, formatBytes } from "../../core/units.ts";
import { utf8Text } from "../../core/utf8.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { clipped, type Paint, plain } from "../paint.ts";
import { below } from "./below.ts";
import { fitLine } from "./fit-line.ts";

/** Below an event's time. */
export const INDENT = "         ";

/** One line an event; below it only what needs attention, and with `--verbose` headers and body. */
export function renderEvent(report: EventReport, { out, verbose, quiet, columns: width }: Style): Rendered {
  if (!report.shown || (quiet && isUnremarkable(report))) return {};
  const { receipt } = report;
  const columns = [
    { text: out.dim(clockTime(report.at)), width: 8 },
    { text: report.n === 0 ? out.dim("–") : out.strong(`#${report.n}`), width: 5 },
    { text: out.name(plain(receipt.product ?? "?")), width: 13 },
    { text: eventName(report, out), width: nameWidth(width), ownLine: true },
    { text: record(report), width: 19 },
  ];
  const findings = [
    ...proofTexts(receipt, out),
    ...schemaText(report, out),
    ...sizeText(report).map((text) => out.dim(text)),
    ...(report.duplicateOf === undefined ? [] : [out.caution(`duplicate of #${report.duplicateOf}`)]),
    ...(report.kept === undefined ? [] : keptText(report.kept, out)),
  ];
  const told = [...refusal(report, out), ...issueLines(report, out)];
  const lower = [
    ...told.flatMap(({ text, paint }) => below(text, INDENT, width, paint)),
    ...(verbose ? details(report, out).map((text) => `${INDENT}${text}`.trimEnd()) : []),
  ];
  const heading = report.kept?.heading === undefined ? "" : `${out.dim(report.kept.heading)}\n`;
  const lines = fitLine([...columns, ...findings.map((text) => ({ text }))], width, INDENT);
  return { out: `${heading}${[...lines, ...lower].join("\n")}\n` };
}

/** A body that was too large was never read to its end: of it only the sender's own word is known. */
function sizeText(report: EventReport): readonly string[] {
  const bytes = report.kept?.bytes ?? report.body.length;
  if (report.status !== 413 || bytes > 0) return [formatBytes(bytes)];
  const announced = Number(headerValue(report, "content-length"));
  return announced > 0 ? [`${formatBytes(announced)}, not kept`] : [];
}

/** All names that are known where a terminal has the room for it; else most of them. */
function nameWidth(columns: number): number {
  return columns >= 120 && Number.isFinite(columns) ? 34 : 24;
}

/** As it should be, in every respect. One that was asked for from the log is shown whatever it is like. */
function isUnremarkable({ kept, refusal, duplicateOf, receipt }: EventReport): boolean {
  if (kept !== undefined || refusal !== undefined || duplicateOf !== undefined) return false;
  const isWhole = receipt.known || receipt.handshake !== undefined;
  return isWhole && receipt.schema?.ok !== false && receipt.verdicts.every(({ verdict }) => verdict !== "failed");
}

/** What became of it after it was answered. */
function keptText({ state, attempts, forwards, fresh }: KeptFacts, paint: Paint): readonly string[] {
  if (fresh) return [];
  if (state === "processed") return [paint.good("→ delivered")];
  if (state === "waiting") return [paint.caution("→ waiting")];
  if (state === "failed") {
    // Of several apps that of the one that has not taken it; a mirrored delivery was in no queue.
    const failed = forwards.find((each) => each.state === "failed");
    const tries = failed?.attempts ?? attempts.length;
    const whose = failed === undefined || forwards.length === 1 ? "" : ` at ${plain(failed.target)}`;
    return [paint.bad(`→ failed after ${counted(tries, "attempt")}${whose}`)];
  }
  const last = attempts.at(-1);
  return last === undefined ? [] : [attemptText(last, paint)];
}

/** A mark, and the answer that an attempt got. */
export function attemptText({ status, error }: Pick<AttemptFacts, "status" | "error">, paint: Paint): string {
  const ok = error === undefined && isSuccess(status);
  const text = `→ ${status ?? "no answer"}`;
  return ok ? paint.good(text) : paint.bad(text);
}

export function clockTime(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

function eventName({ receipt, method, path }: EventReport, paint: Paint): string {
  if (receipt.handshake !== undefined) return "challenge";
  if (receipt.event === undefined) return clipped(`${method} ${maskUrl(path, chosenNames(receipt.verdicts))}`);
  return receipt.known ? clipped(receipt.event) : `${clipped(receipt.event)} ${paint.caution("(unknown event)")}`;
}

function record({ receipt }: EventReport): string {
  const [first = "", ...others] = receipt.records;
  return others.length === 0 ? clipped(first) : `${clipped(first)} +${others.length}`;
}

/** What was proved or failed; that nothing was is worth one word, not one for each proof. */
function proofTexts({ verdicts, format }: EventReport["receipt"], paint: Paint): readonly string[] {
  const told = verdicts.filter((verdict) => verdict.verdict !== "absent");
  // What users design themselves has nothing to be proved by, unless they have told of something.
  if (verdicts.length === 0) return format === undefined ? [] : [paint.dim("– not proved")];
  if (told.length === 0) return [paint.dim("– unsigned")];
  return told.map((verdict) => verdictText(verdict, paint));
}

/** A mark and words: colour alone never carries the meaning. */
export function verdictText({ id, verdict }: Verdict, paint: Paint): string {
  const texts = {
    passed: () => paint.good(`✓ ${id}`),
    failed: () => paint.bad(`✗ ${id} failed`),
    absent: () => paint.dim(`– no ${id}`),
    unconfigured: () => paint.caution(`? ${id} unchecked`),
  };
  return texts[verdict]();
}

function schemaText({ receipt, refusal: reason }: EventReport, paint: Paint): readonly string[] {
  if (receipt.schema === undefined) {
    // A refusal says why by itself; what was taken and is no event that is known here is none that anybody checked.
    const isTold = reason !== undefined || receipt.event !== undefined || receipt.handshake !== undefined;
    return isTold ? [] : [paint.caution("? no known event")];
  }
  const count = receipt.schema.issues.length;
  return [receipt.schema.ok ? paint.good("✓ schema") : paint.caution(`✗ schema: ${counted(count, "issue")}`)];
}

/** A text and its colour: it is broken into lines first. */
interface Told {
  readonly text: string;
  readonly paint: (text: string) => string;
}

function refusal({ refusal: reason, status, receipt, explainCommand }: EventReport, paint: Paint): readonly Told[] {
  const why = explainCommand === undefined ? [] : [{ text: `why: ${explainCommand}`, paint: paint.dim }];
  if (reason !== undefined) return [{ text: `answered ${status}: ${plain(reason)}`, paint: paint.bad }, ...why];
  const failed = receipt.verdicts.filter((verdict) => verdict.verdict === "failed");
  return [...failed.map(({ id, reason: text }) => ({ text: `${id}: ${plain(text)}`, paint: paint.bad })), ...why];
}

function issueLines({ receipt }: EventReport, paint: Paint): readonly Told[] {
  const near = receipt.suggestions.length === 0 ? [] : [`nearest known events: ${receipt.suggestions.join(", ")}`];
  const issues = (receipt.schema?.issues ?? []).map(issueText);
  return [...near, ...issues].map((text) => ({ text, paint: paint.caution }));
}

export function issueText({ at, expected, received }: SchemaIssue): string {
  return plain(`${at === "" ? "the body" : at}: expected ${expected}, got ${received}`);
}

function details(report: EventReport, paint: Paint): readonly string[] {
  const { method, path: url, headers, body, showSecrets = false } = report;
  const chosen = chosenNames(report.receipt.verdicts);
  const shown = showSecrets ? { url, headers, body } : maskDelivery({ method, url, headers, body }, chosen);
  const text = report.receipt.payload?.text;
  const shownText =
    text === undefined || showSecrets ? text : maskBody(Buffer.from(text), "application/json", chosen).toString();
  const lines = [paint.dim(plain(`${method} ${shown.url}`)), ...headerLines(shown.headers, paint), ""];
  return [...lines, ...bodyLines(shownText, shown.body), ""];
}

export function headerLines(headers: readonly HeaderPair[], paint: Paint): readonly string[] {
  return headers.map(([name, value]) => `${paint.dim(`${plain(name)}:`)} ${plain(value)}`);
}

/** JSON indented with every digit as it came; other text as it is; bytes that are no text by their length. */
export function bodyLines(text: string | undefined, body: Buffer): readonly string[] {
  if (body.length === 0) return ["(empty body)"];
  const shown = text === undefined ? utf8Text(body) : prettyJson(text);
  return shown === undefined ? [`(${body.length} bytes that are not UTF-8 text)`] : plain(shown, true).split("\n");
}
