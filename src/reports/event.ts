import { type HeaderPair, headerValue, isSuccess } from "../body/delivery.ts";
import { problemText, utf8Text } from "../body/payload.ts";
import { chosenNames, maskBody, maskDelivery, maskUrl } from "../core/mask.ts";
import type { Verdict } from "../core/product.ts";
import type { Receipt } from "../core/receive.ts";
import { describeIssue, type SchemaIssue } from "../core/schema.ts";
import { prettyJson } from "../util/json-print.ts";
import type { JsonLine } from "../util/text.ts";
import { counted, formatBytes } from "../util/units.ts";
import { below, fitLine } from "./layout.ts";
import { clipped, type Paint, plain, type Rendered, type Style } from "./paint.ts";

/** The JSON line of a delivery, received now or read from the log. A line of it is an input of `verify`. */
export function eventLine(report: EventReport): JsonLine {
  return {
    type: "event",
    n: report.n,
    at: report.at.toISOString(),
    ...receiptFields(report.receipt),
    method: report.method,
    path: report.path,
    headers: report.headers,
    body_b64: report.body.toString("base64"),
    body: report.receipt.payload?.data ?? null,
    duplicate_of: report.duplicateOf ?? null,
    status: report.status ?? null,
    refusal: report.refusal ?? null,
    ...(report.kept === undefined ? {} : keptFields(report.kept)),
  };
}

function keptFields({ state, remote, masked, bytes, attempts, forwards }: KeptFacts): JsonLine {
  return {
    state,
    remote: remote ?? null,
    masked,
    bytes,
    attempts: attempts.map(({ attempt, target, at, status, latencyMs, error, reply }) => ({
      attempt,
      target,
      at: at.toISOString(),
      status: status ?? null,
      latency_ms: Number(latencyMs.toFixed(2)),
      error: error ?? null,
      reply: reply ?? null,
    })),
    forwards: forwards.map(({ target, state, attempts, dueAt }) => ({
      target,
      state: state.replace("-", "_"),
      attempts,
      due_at: dueAt?.toISOString() ?? null,
    })),
  };
}

export function receiptFields(receipt: Receipt): JsonLine {
  return {
    product: receipt.product ?? null,
    format: receipt.format ?? null,
    event: receipt.event ?? null,
    known: receipt.known,
    records: receipt.records,
    proofs: receipt.verdicts.map(({ id, proves, verdict, reason, match }) => ({ id, proves, verdict, reason, match })),
    schema:
      receipt.schema === undefined
        ? null
        : {
            ok: receipt.schema.ok,
            issues: receipt.schema.issues.map(({ at, expected, received }) => ({ path: at, expected, received })),
          },
    problem: receipt.problem === undefined ? null : problemText(receipt.problem),
    identity: receipt.identity ?? null,
    hint: receipt.hint ?? null,
  };
}

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

export function issueText(issue: SchemaIssue): string {
  return plain(describeIssue(issue));
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

/** What the log knows of an event beside the event itself. */
export interface KeptFacts {
  /** What it has come to. */
  readonly state: "received" | "waiting" | "processed" | "failed" | "duplicate" | "rejected";
  /** The address that it came from. */
  readonly remote: string | undefined;
  /** Secrets in it are replaced, so path, headers and body are not exactly what came. */
  readonly masked: boolean;
  /** The length of the body that came. */
  readonly bytes: number;
  readonly attempts: readonly AttemptFacts[];
  readonly forwards: readonly ForwardFacts[];
  /** It came in this moment: what becomes of it is told by reports of its own. */
  readonly fresh: boolean;
  /** The day, where it is another than that of the line before. */
  readonly heading: string | undefined;
}

export interface AttemptFacts {
  /** Counts from 1 for each target. */
  readonly attempt: number;
  readonly target: string;
  readonly at: Date;
  readonly status: number | undefined;
  readonly latencyMs: number;
  /** Why no whole answer came. */
  readonly error: string | undefined;
  /** The start of the answer. */
  readonly reply: string | undefined;
}

export interface EventReport {
  readonly type: "event";
  /** Counts from 1, in order of arrival; 0 for what could not be kept. */
  readonly n: number;
  readonly at: Date;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly HeaderPair[];
  readonly body: Buffer;
  readonly receipt: Receipt;
  readonly duplicateOf: number | undefined;
  /** The answer to the sender; undefined while the developer's app is still to give it (`--respond mirror`). */
  readonly status: number | undefined;
  /** Why the answer is not a plain yes. */
  readonly refusal: string | undefined;
  /** The command that says why a proof has failed. */
  readonly explainCommand?: string | undefined;
  /** False when a filter of the user's hides the line; it still counts. */
  readonly shown: boolean;
  /** Tokens and signatures are masked in what people see, unless they ask for them. */
  readonly showSecrets?: boolean | undefined;
  /** Set when the event is read from the log. */
  readonly kept?: KeptFacts;
}

export interface ForwardFacts {
  readonly target: string;
  readonly state: "waiting" | "delivered" | "failed";
  readonly attempts: number;
  /** When it is tried next. */
  readonly dueAt: Date | undefined;
}
