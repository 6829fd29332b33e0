import { problemText } from "../delivery/payload.ts";
import type { EntryReport } from "../events/entry.ts";
import type { LogCounts, LogStatsReport } from "../log/stats-report.ts";
import type { AttemptFacts, ForwardFacts } from "../receiver/event-report.ts";
import { nearestNotes } from "../recognition/verify-payload.ts";
import { type DriftReport, type EventDrift, typesText } from "../samples/drift.ts";
import type { JsonLine } from "../util/text.ts";
import { plain } from "../util/text.ts";
import { counted, formatBytes, formatDay, formatDuration } from "../util/units.ts";
import { attemptText, clockTime, issueText, proofText } from "./event.ts";
import { alignRows, bodyLines, cutLines, headerLines, wrapLine } from "./layout.ts";
import { answerText, clipped, type Paint, type Rendered, type Style } from "./paint.ts";

/** Findings first, then the request as it came. */
export function renderEntry({ event }: EntryReport, { out, quiet }: Style): Rendered {
  const { receipt, logged } = event;
  const { payload } = receipt;
  const wrapped = payload?.wrappedIn === undefined ? [] : [out.dim(`the field ${plain(payload.wrappedIn)}:`)];
  const request = [
    out.strong(plain(`${event.method} ${event.path}`)),
    ...headerLines(event.headers, out),
    "",
    ...wrapped,
    ...bodyLines(payload?.text, event.body),
    ...cutLines(logged.cutTo, out),
    ...(logged.masked && !quiet ? ["", out.dim("secrets are masked; --show-secrets shows them")] : []),
  ];
  return {
    out: `${[headline(event, out), ...facts(event, out), ...deliveryLines(event, out), "", ...request].join("\n")}\n`,
  };
}

function headline({ n, at, receipt, method, path, logged }: EntryReport["event"], paint: Paint): string {
  const name = receipt.handshake !== undefined ? "challenge" : (receipt.event ?? `${method} ${path}`);
  const unknown = receipt.event !== undefined && !receipt.known ? ` ${paint.caution("(unknown event)")}` : "";
  const format = receipt.format === undefined ? "" : ` ${paint.dim(plain(`(${receipt.format})`))}`;
  return [
    `${paint.strong(`#${n}`)} ${paint.name(plain(receipt.product ?? "?"))} ${plain(name)}${unknown}${format}`,
    paint.dim(`${formatDay(at)} ${clockTime(at)}`),
    paint.dim(formatBytes(logged.bytes)),
  ].join("  ");
}

function facts(event: EntryReport["event"], paint: Paint): readonly string[] {
  const { receipt, status, refusal, duplicateOf, logged, explainCommand } = event;
  // The app is still working on it, or the run was killed before it answered.
  const answer = status === undefined ? "no answer recorded" : `answered ${status}`;
  const lines = [
    refusal === undefined ? answer : paint.bad(`${answer}: ${plain(refusal)}`),
    ...(logged.remote === undefined ? [] : [`from ${plain(logged.remote)}`]),
    ...(receipt.records.length === 0 ? [] : [`records ${plain(receipt.records.join(", "))}`]),
    ...(duplicateOf === undefined ? [] : [paint.caution(`duplicate of #${duplicateOf}`)]),
    ...(receipt.problem === undefined ? [] : [paint.bad(plain(problemText(receipt.problem)))]),
    ...receipt.verdicts.map((verdict) => proofText(verdict, paint)),
    ...(explainCommand === undefined ? [] : [paint.dim(`why: ${explainCommand}`)]),
    ...(receipt.designed ? ["– custom (no schema)"] : schemaLines(receipt.schema, paint)),
    ...nearestNotes(receipt, refusal !== undefined).map((text) => paint.caution(plain(text))),
    ...(receipt.identity === undefined ? [] : [paint.dim(plain(`identity ${receipt.identity}`))]),
  ];
  return lines.map((line) => `  ${line}`);
}

function schemaLines(schema: EntryReport["event"]["receipt"]["schema"], paint: Paint): readonly string[] {
  if (schema === undefined) return [];
  if (schema.ok) return [paint.good("✓ valid")];
  return [paint.bad("✗ invalid"), ...schema.issues.map((issue) => `  ${paint.caution(issueText(issue))}`)];
}

/** The result for each target, and every attempt. */
function deliveryLines({ logged }: EntryReport["event"], paint: Paint): readonly string[] {
  const { forwards, attempts } = logged;
  const targets = [...new Set([...forwards, ...attempts].map(({ target }) => target))];
  return targets.flatMap((target) => {
    const forward = forwards.find((each) => each.target === target);
    const made = attempts.filter((each) => each.target === target);
    const state = forward === undefined ? "" : `: ${forwardText(forward, paint)}`;
    return ["", `  ${plain(target)}${state}`, ...made.flatMap((each) => attemptLines(each, paint))];
  });
}

function forwardText({ state, attempts, dueAt }: ForwardFacts, paint: Paint): string {
  if (state === "delivered") return paint.good("delivered");
  if (state === "failed") return paint.bad("failed");
  const isRetry = attempts > 0 && dueAt !== undefined;
  return paint.caution(isRetry ? `waiting, next attempt at ${clockTime(dueAt)}` : "waiting");
}

function attemptLines(attempt: AttemptFacts, paint: Paint): readonly string[] {
  const { at, latencyMs, error, reply } = attempt;
  const answer = answerText(reply ?? "").slice(0, 300);
  return [
    `    ${paint.dim(clockTime(at))}  ${attemptText(attempt, paint)}  ${paint.dim(formatDuration(latencyMs))}${attempt.attempt > 1 ? paint.dim(`  attempt ${attempt.attempt}`) : ""}`,
    ...(error === undefined ? [] : [`      ${paint.bad(plain(error))}`]),
    ...(answer.trim() === "" ? [] : [`      ${paint.dim("answer:")} ${answer}`]),
  ];
}

/** `--verbose` and `--json` have all hours. */
const MAX_HOURS = 24;
const BAR_WIDTH = 24;
/** `2026-01-31 14:00` and `received`. */
const HOUR_WIDTH = 26;
/** For a pipe, which has no width. */
const MAX_WIDTH = 120;
const OTHERS = "others";
const COLUMNS = ["received", "delivered", "waiting", "failed", "duplicates", "rejected", "custom"] as const;

/** Counts by product and by hour, and latencies; bars on a terminal only. */
export function renderLogStats(report: LogStatsReport, style: Style): Rendered {
  const { out, quiet, columns } = style;
  const total = Object.keys(report.products).length === 1 ? [] : [["all", report.total] as const];
  const counts = [...Object.entries(report.products).map(([id, each]) => [plain(id), each] as const), ...total];
  const rows = counts.map(([name, each]) => [name, ...COLUMNS.map((column) => String(each[column]))]);
  const [head = "", ...table] = alignRows([["product", ...COLUMNS], ...rows], [1, 2, 3, 4, 5, 6, 7]);
  const isNarrow = head.length > columns;
  const lines = isNarrow ? counts.flatMap((each) => wrapLine(countsText(...each), columns)) : table;
  const hours = hourLines(report, style);
  return {
    out: `${[...(quiet || isNarrow ? [] : [out.dim(head)]), ...lines, "", ...hours, "", latencyLine(report, out)].join("\n")}\n`,
  };
}

/** For a terminal that is too narrow for the table: `crm: 3 received, 2 delivered`. */
function countsText(name: string, counts: LogCounts): string {
  const shown = COLUMNS.filter((column) => counts[column] > 0 || column === "received");
  return `${name}: ${shown.map((column) => `${counts[column]} ${column}`).join(", ")}`;
}

function hourLines({ hours, products }: LogStatsReport, { verbose, out, columns }: Style): readonly string[] {
  const starts = [...new Set(hours.map(({ at }) => at.getTime()))];
  const shown = verbose ? starts : starts.slice(-MAX_HOURS);
  const several = Object.keys(products).length > 1;
  const { names, others } = productsThatFit(
    products,
    Math.min(columns, MAX_WIDTH) - HOUR_WIDTH - (out.live ? BAR_WIDTH + 2 : 0),
  );
  const rows = shown.map((start) => {
    const at = new Date(start);
    const here = hours.filter((hour) => hour.at.getTime() === start);
    const count = (product: string): number => here.find((hour) => hour.product === product)?.counts.received ?? 0;
    const sum = here.reduce((all, { counts }) => all + counts.received, 0);
    const ofOthers = others.reduce((all, name) => all + count(name), 0);
    const each = [...names.map(count), ...(others.length > 0 ? [ofOthers] : [])];
    return { label: `${formatDay(at)} ${formatMinute(at)}`, sum, each };
  });
  const most = Math.max(...rows.map(({ sum }) => sum), 1);
  const heads = [...names.map((name) => plain(name)), ...(others.length > 0 ? [OTHERS] : [])];
  const [head = "", ...lines] = alignRows(
    [
      ["hour", "received", ...(several ? heads : [])],
      ...rows.map(({ label, sum, each }) => [label, String(sum), ...(several ? each.map(String) : [])]),
    ],
    Array.from({ length: heads.length + 1 }, (_, i) => i + 1),
  );
  const bars = rows.map(({ sum }) => "█".repeat(Math.max(1, Math.round((BAR_WIDTH * sum) / most))));
  const left = starts.length - shown.length;
  return [
    out.dim(head),
    ...lines.map((line, i) => (out.live ? `${line}  ${out.name(bars[i] ?? "")}` : line)),
    ...(left > 0 ? [out.dim(`${counted(left, "earlier hour")}: -v shows ${left === 1 ? "it" : "them"}`)] : []),
  ];
}

/** Minutes matter: in a time zone with half hours, an hour of UTC begins at `14:30`. */
function formatMinute(at: Date): string {
  return [at.getHours(), at.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
}

/** The most frequent ones that there is room for, in the order of the table above. */
function productsThatFit(products: LogStatsReport["products"], width: number) {
  const all = Object.keys(products);
  const widthOf = (name: string): number => 2 + Math.max(name.length, String(products[name]?.received ?? 0).length);
  const ranked = all.toSorted((a, b) => (products[b]?.received ?? 0) - (products[a]?.received ?? 0));
  const fits = (count: number): boolean => {
    const total = ranked.slice(0, count).reduce((sum, name) => sum + widthOf(name), 0);
    return total + (count < all.length ? 2 + OTHERS.length : 0) <= width;
  };
  let count = all.length;
  while (count > 0 && !fits(count)) count--;
  const shown = ranked.slice(0, count);
  return { names: all.filter((name) => shown.includes(name)), others: all.filter((name) => !shown.includes(name)) };
}

function latencyLine({ latencyMs }: LogStatsReport, paint: Paint): string {
  if (latencyMs === undefined) return paint.dim("no answer from your app so far");
  const { count, p50, p95, p99, max } = latencyMs;
  const figures = Object.entries({ p50, p95, p99, max }).map(([name, ms]) => `${name} ${formatDuration(ms)}`);
  return `${counted(count, "answer")} from your app: ${figures.join("  ")}`;
}

export function logStatsLine({ total, products, hours, latencyMs }: LogStatsReport): JsonLine {
  return {
    type: "stats",
    ...total,
    products,
    hours: hours.map(({ at, product, counts }) => ({ at: at.toISOString(), product, ...counts })),
    latency_ms: latencyMs ?? null,
  };
}

const MAX_BRIEF_LINES = 5;

export function renderDrift({ drifts, brief, overlooked, moreCommand }: DriftReport, style: Style): Rendered {
  const paint = brief ? style.err : style.out;
  const events = drifts.flatMap((drift) =>
    eventLines(drift, brief ? MAX_BRIEF_LINES : Number.POSITIVE_INFINITY, paint),
  );
  const more =
    moreCommand === undefined ? [] : [paint.dim(`full list: ${moreCommand} (add --learn to propose fixtures)`)];
  const left =
    overlooked === 0
      ? []
      : [
          paint.caution(
            `${counted(overlooked, "delivery was", "deliveries were")} not compared: too many different events in one run.`,
          ),
        ];
  const text = `${["", paint.strong("Schema drift"), ...events, ...left, ...more].join("\n")}\n`;
  return brief ? { err: text } : { out: text };
}

function eventLines(drift: EventDrift, most: number, paint: Paint): readonly string[] {
  const { product, event, format, deliveries, partial, unknown, unseen, conflicts } = drift;
  const few = <T>(all: readonly T[], line: (each: T) => string): readonly string[] => [
    ...all.slice(0, most).map((each) => `  ${clipped(line(each))}`),
    ...(all.length > most ? [paint.dim(`  … and ${all.length - most} more`)] : []),
  ];
  return [
    `${paint.name(clipped(`${product} ${event}`))} ${paint.dim(`${format}, ${counted(deliveries, "delivery", "deliveries")}`)}`,
    ...few(unknown, ({ path, types, count }) => `+ ${path}: ${typesText(types)}, not in the schema (${count}×)`),
    ...few(
      conflicts,
      ({ path, expected, seen, count }) => `! ${path}: got ${seen}, the schema expects ${expected} (${count}×)`,
    ),
    ...(most === Number.POSITIVE_INFINITY
      ? few(unseen, ({ path, expected }) => `- ${path}: ${expected}, optional, never came`)
      : unseen.length === 0
        ? []
        : [paint.dim(`  ${counted(unseen.length, "optional field")} never came`)]),
    ...(partial ? [paint.caution("  incomplete: too many fields to compare them all")] : []),
  ];
}

/** One line per event. */
export function driftLines({ drifts }: DriftReport): readonly JsonLine[] {
  return drifts.map(({ product, format, event, deliveries, partial, unknown, unseen, conflicts }) => ({
    type: "drift",
    product,
    format,
    event,
    deliveries,
    partial,
    unknown,
    unseen,
    conflicts,
  }));
}
