import type { RegisteredHook } from "../channels/lines.ts";
import type { DeliveryCounts, ForwardCounts, ReadyReport, SummaryReport } from "../listener/lines.ts";
import { unsignedTexts } from "../recognition/unsigned.ts";
import { plain, shortValue, textWidth } from "../util/text.ts";
import { counted, formatDuration, formatSpan } from "../util/units.ts";
import { alignRows, textOf, wrapLine } from "./layout.ts";
import type { Rendered, Style } from "./paint.ts";

/** On stderr: the events are what a run is asked for. With `--verbose` all notes. */
export function renderReady(report: ReadyReport, { err, quiet, verbose }: Style): Rendered {
  const { url, person } = report;
  const room = err.columns - INDENT_COLUMNS;
  // Where nobody sits at a terminal there is no second one either.
  const isWatched = err.live || Number.isFinite(err.columns);
  const always = quietRows(report, room);
  const rows: readonly Row[] = quiet
    ? always
    : [
        ...targetRows(report, room),
        ["events", report.events.length > 0 && listed(report.events, room)],
        ...checkRows(report, room),
        ["public keys", report.jwks_url],
        ["public URL", person.offersTunnel && noPublicUrl(person.takesKeys)],
        ...always,
        ["metrics", person.metricsUrl],
        ["try it", isWatched && person.tryCommand],
      ];
  const notes = url === null ? report.notes : [`Products: ${Object.keys(report.urls).join(", ")}.`, ...report.notes];
  return {
    err: textOf(
      url === null
        ? `${err.good("Ready.")} Delivering from ${err.strong(plain(person.logPath ?? ""))}`
        : `${err.good("Ready.")} Listening on ${err.strong(plain(url + person.path))}`,
      rows.map(([label, text]) => text && `  ${err.dim(label.padEnd(12))} ${plain(text)}`),
      verbose && !quiet && notes.map((note) => `  ${err.dim(plain(note))}`),
      isWatched && !quiet && "",
    ),
  };
}

/** Shown also with `--quiet`: nothing else says them. */
function quietRows(report: ReadyReport, room: number): readonly Row[] {
  const { public_url: publicUrl, registered, person } = report;
  return [
    ["public URL", publicUrl !== null && publicUrl + person.path],
    ["", person.publicUrlNote],
    ...registered.map((each, i): Row => [i === 0 ? "registered" : "", registeredText(each, room)]),
    ["keys", person.takesKeys && "press ? for the list"],
    ["inspector", report.inspector_url],
  ];
}

function targetRows({ role, app_answers: appAnswers, person }: ReadyReport, room: number): readonly Row[] {
  const { paths, forwardsTo, isMirrored } = person;
  const mirrored = isMirrored ? " (mirrored)" : role === "receive" ? " (by --role deliver)" : "";
  const silent = `does not answer yet${isMirrored ? "" : ": deliveries wait for it"}`;
  return [
    ["paths", paths.length > 0 && listed(paths, room)],
    ["forwards to", forwardsTo.length > 0 && listed(forwardsTo, room - mirrored.length) + mirrored],
    ["app", appAnswers !== null && (appAnswers ? "answers" : silent)],
    ["forwards to", forwardsTo.length === 0 && isMirrored && "nothing: --respond mirror needs --forward-to"],
  ];
}

function checkRows(report: ReadyReport, room: number): readonly Row[] {
  const { checks, onInvalid } = report.person;
  const policy = onInvalid === "reject" ? " (rejects what fails)" : " (accepts what fails)";
  return [
    ["checks", checks.length > 0 && listed(checks, room - policy.length) + policy],
    ...notChecked(report, room),
    ["checks", checks.length === 0 && report.url !== null && `nothing: ${TO_CHECK}`],
  ];
}

function noPublicUrl(takesKeys: boolean): string {
  return takesKeys
    ? "none: press t for one, set NGROK_AUTHTOKEN, or use --public-url"
    : "none: use --tunnel cloudflared, NGROK_AUTHTOKEN or --public-url";
}

type Row = readonly [label: string, text: string | false | null | undefined];

const INDENT_COLUMNS = 15;
const TO_CHECK = "set ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN";

/** Names every product that is not checked, and why: whoever reads the line above takes the others for checked. */
function notChecked({ unsigned, urls, person }: ReadyReport, room: number): readonly Row[] {
  if (person.checks.length === 0) return [];
  const whole = unsigned.filter(({ only }) => only === undefined);
  // Source addresses are checked, and nothing else.
  if (whole.length === Object.keys(urls).length) return [["not checked", `signatures: ${TO_CHECK}`]];
  const lines = unsignedTexts(unsigned).flatMap((text) => wrapLine(text, room));
  return lines.map((line, i) => [i === 0 ? "not checked" : "", line.trimStart()]);
}

/** `crm Leads.create, Deals.all (channel 179578931044132, 6d 23h left)` */
function registeredText({ kind, product, id, events, time_left_ms: timeLeftMs }: RegisteredHook, room: number): string {
  const expiry = timeLeftMs === null ? "expiry unknown" : `${formatSpan(timeLeftMs)} left`;
  const left = kind === "channel" ? `, ${expiry}` : "";
  const state = ` (${kind} ${id}${left})`;
  return `${product} ${listed(events, room - state.length - product.length - 1)}${state}`;
}

/** As many of the texts as there is room for, at least one, and how many more there are. */
function listed(texts: readonly string[], room: number): string {
  const first = (count: number): string => {
    const more = texts.length - count;
    return plain(`${texts.slice(0, count).map(shortValue).join(", ")}${more === 0 ? "" : ` +${more} more`}`);
  };
  let count = texts.length;
  while (count > 1 && textWidth(first(count)) > room) count--;
  return first(count);
}

export function renderSummary(report: SummaryReport, { err }: Style): Rendered {
  const { forwards, left_out: droppedLines } = report;
  const tunnelDownMs = report.tunnel_down_ms ?? 0;
  const products = Object.entries(report.products);
  const columns = SUMMARY_COLUMNS.filter(([, key]) => !key.endsWith("_signature") || report[key] > 0);
  const row = (name: string, count: DeliveryCounts): readonly string[] => [
    name,
    ...columns.map(([, key]) => (key === "duplicates" ? `(${count.duplicates})` : String(count[key]))),
  ];
  const rows = [
    ["", ...columns.map(([title]) => title)],
    ...products.map(([product, count]) => row(product, count)),
    ...(products.length === 1 ? [] : [row("total", report)]),
  ];
  const failed = forwards && (forwards.failed === 0 ? "0 failed" : err.caution(`${forwards.failed} failed`));
  const lost = `${counted(droppedLines, "line was", "lines were")} not shown, because the output was not read fast enough.`;
  return {
    err: textOf(
      "",
      `${err.strong("Summary")} ${err.dim(`after ${formatDuration(report.seconds * 1000)}`)}`,
      // Nothing is received where only deliveries of others are sent.
      report.person.role !== "deliver" && alignRows(rows, [1, 2, 3, 4, 5, 6, 7, 8]),
      report.hidden > 0 && `${report.hidden} hidden by --events.`,
      forwards && `Forwarded: ${forwards.delivered} delivered, ${failed}${waitingText(forwards)}`,
      tunnelDownMs > 0 && err.caution(`The tunnel was down for ${formatDuration(tunnelDownMs)}.`),
      droppedLines > 0 && err.caution(lost),
      report.expectations.map(({ event, wanted, came }) => {
        const isMet = came >= wanted;
        return err[isMet ? "good" : "bad"](`${isMet ? "✓" : "✗"} ${event}: ${came} of ${wanted} arrived`);
      }),
    ),
  };
}

const SUMMARY_COLUMNS: readonly (readonly [title: string, count: Exclude<keyof DeliveryCounts, "hidden">])[] = [
  ["received", "received"],
  ["valid", "valid"],
  ["custom", "custom"],
  ["invalid", "invalid"],
  ["wrong signature", "wrong_signature"],
  ["missing signature", "missing_signature"],
  ["rejected", "rejected"],
  ["(duplicates)", "duplicates"],
];

function waitingText({ waiting }: ForwardCounts): string {
  if (waiting === null) return ", number still waiting unknown";
  return waiting > 0 ? `, ${waiting} waiting for the next listen` : "";
}
