import type { RecordReport, RunningChannel } from "../channels/reports.ts";
import type { ForwardCounts, ProductCount, ReadyReport, SummaryReport } from "../listener/reports.ts";
import { prettyJson } from "../util/json-print.ts";
import { plain } from "../util/text.ts";
import { textWidth } from "../util/text-width.ts";
import { counted, formatDuration, formatSpan } from "../util/units.ts";
import { INDENT } from "./event.ts";
import { alignRows, below, wrapLine } from "./layout.ts";
import type { Rendered, Style } from "./paint.ts";

/** On stderr: the events are what a run is asked for. At most seven lines of 80 columns; with `--verbose` all notes. */
export function renderReady(report: ReadyReport, { err, quiet, verbose, errColumns: columns }: Style): Rendered {
  const { url, publicUrl, path, forwardsTo, isMirrored, checks, onInvalid, channel, keySetUrl, tryCommand } = report;
  const { inspectorUrl, metricsUrl, role, logPath, unsigned, events, appAnswers } = report;
  const room = columns - INDENT_COLUMNS;
  const policy = onInvalid === "reject" ? " (rejects what fails)" : " (accepts what fails)";
  const mirrored = isMirrored ? " (mirrored)" : role === "receive" ? " (by --role deliver)" : "";
  // Where nobody sits at a terminal there is no second one either.
  const isWatched = err.live || Number.isFinite(columns);
  const rows: readonly (readonly [label: string, text: string | false])[] = [
    ["forwards to", !quiet && forwardsTo.length > 0 && listed(forwardsTo, room - mirrored.length) + mirrored],
    ["app", !quiet && appAnswers !== undefined && (appAnswers ? "answers" : APP_DOWN)],
    ["forwards to", !quiet && forwardsTo.length === 0 && isMirrored && "nothing: --respond mirror needs --forward-to"],
    ["events", !quiet && events.length > 0 && listed(events, room)],
    ["checks", !quiet && checks.length > 0 && listed(checks, room - policy.length) + policy],
    ["", !quiet && checks.length > 0 && unsigned.length > 0 && UNSIGNED + listed(unsigned, room - UNSIGNED.length)],
    [
      "checks",
      !quiet && checks.length === 0 && url !== undefined && "nothing: set ZOHO_WEBHOOK_SECRET and ZOHO_WEBHOOK_TOKEN",
    ],
    ["public keys", !quiet && keySetUrl !== undefined && keySetUrl],
    ["public URL", publicUrl !== undefined && publicUrl + path],
    ["public URL", !quiet && report.offersTunnel && "none: set NGROK_AUTHTOKEN, or use --public-url"],
    ["channel", channel !== undefined && channelText(channel, room)],
    ["keys", report.takesKeys && "press ? for the list"],
    ["inspector", inspectorUrl !== undefined && inspectorUrl],
    ["metrics", !quiet && metricsUrl !== undefined && metricsUrl],
    ["try it", !quiet && isWatched && tryCommand !== undefined && tryCommand],
  ];
  const lines = [
    url === undefined
      ? `${err.good("Ready.")} Delivering from ${err.strong(plain(logPath ?? ""))}`
      : `${err.good("Ready.")} Listening on ${err.strong(plain(url + path))}`,
    ...rows.flatMap(([label, text]) => {
      if (text === false) return [];
      // A command that is broken into lines cannot be pasted.
      const [first = "", ...others] = ["try it", "inspector"].includes(label)
        ? [plain(text)]
        : below(plain(text), "", room);
      return [`  ${err.dim(label.padEnd(12))} ${first}`, ...others.map((line) => " ".repeat(INDENT_COLUMNS) + line)];
    }),
  ];
  const products = url === undefined ? [] : [`Products: ${Object.keys(report.urls).join(", ")}.`];
  const notes = quiet || !verbose ? [] : [...products, ...report.notes];
  return {
    err: [
      ...lines,
      ...notes.flatMap((note) => wrapLine(`  ${plain(note)}`, columns).map((line) => err.dim(line))),
      ...(isWatched && !quiet ? [""] : []),
      "",
    ].join("\n"),
  };
}

const INDENT_COLUMNS = 15;
const UNSIGNED = "accepts unsigned: ";
const APP_DOWN = "does not answer yet: deliveries wait for it";

function channelText({ id, events, timeLeftMs }: RunningChannel, room: number): string {
  const left = timeLeftMs === undefined ? "expiry unknown" : `${formatSpan(timeLeftMs)} left`;
  const state = ` (channel ${id}, ${left})`;
  return listed(events, room - state.length) + state;
}

/** As many of the texts as there is room for, at least one, and how many more there are. */
function listed(texts: readonly string[], room: number): string {
  const first = (count: number): string => {
    const more = texts.length - count;
    return plain(`${texts.slice(0, count).join(", ")}${more === 0 ? "" : ` +${more} more`}`);
  };
  let count = texts.length;
  while (count > 1 && textWidth(first(count)) > room) count--;
  return first(count);
}

export function renderSummary(report: SummaryReport, { err }: Style): Rendered {
  const products = Object.entries(report.products);
  const { forwards, tunnelDownMs, role, total } = report;
  const columns = SUMMARY_COLUMNS.filter(([, key]) => key !== "not_verified" || total.not_verified > 0);
  const row = (name: string, count: ProductCount): readonly string[] => [
    name,
    ...columns.map(([, key]) => (key === "duplicates" ? `(${count.duplicates})` : String(count[key]))),
  ];
  // Nothing is received where only deliveries of others are sent.
  const rows =
    role === "deliver"
      ? []
      : [
          ["", ...columns.map(([title]) => title)],
          ...products.map(([product, count]) => row(product, count)),
          ...(products.length === 1 ? [] : [row("total", total)]),
        ];
  const forwarded =
    forwards === undefined
      ? []
      : [
          `Forwarded: ${forwards.delivered} delivered, ${forwards.failed === 0 ? "0 failed" : err.caution(`${forwards.failed} failed`)}${waitingText(forwards)}`,
        ];
  const hidden = total.hidden === 0 ? [] : [`${total.hidden} hidden by --events.`];
  const down =
    tunnelDownMs === undefined || tunnelDownMs === 0
      ? []
      : [err.caution(`The tunnel was down for ${formatDuration(tunnelDownMs)}.`)];
  const droppedLines =
    report.droppedLines === 0
      ? []
      : [
          err.caution(
            `${counted(report.droppedLines, "line was", "lines were")} not shown, because the output was not read fast enough.`,
          ),
        ];
  const expected = report.expectations.map(({ event, wanted, came }) =>
    came >= wanted
      ? err.good(`✓ ${event}: ${came} of ${wanted} arrived`)
      : err.bad(`✗ ${event}: ${came} of ${wanted} arrived`),
  );
  const title = `\n${err.strong("Summary")} ${err.dim(`after ${formatDuration(report.seconds * 1000)}`)}`;
  return {
    err: `${[title, ...alignRows(rows, [1, 2, 3, 4, 5, 6, 7]), ...hidden, ...forwarded, ...down, ...droppedLines, ...expected].join("\n")}\n`,
  };
}

const SUMMARY_COLUMNS: readonly (readonly [title: string, count: Exclude<keyof ProductCount, "hidden">])[] = [
  ["received", "received"],
  ["valid", "valid"],
  ["custom", "custom"],
  ["invalid", "invalid"],
  ["not verified", "not_verified"],
  ["rejected", "rejected"],
  ["(duplicates)", "duplicates"],
];

function waitingText({ waiting }: ForwardCounts): string {
  if (waiting === undefined) return ", number still waiting unknown";
  return waiting > 0 ? `, ${waiting} waiting for the next listen` : "";
}

const MAX_RECORD_LENGTH = 160;

/** One line; with `--verbose` the whole record. */
export function renderRecord({ n, module, id, record, error, hint }: RecordReport, { out, verbose }: Style): Rendered {
  const name = `${INDENT}${out.strong(`#${n}`.padEnd(5))}  ${out.name(plain(`${module} ${id}`))}`;
  if (error !== undefined) {
    const lower = hint === undefined ? [] : [`${INDENT}       ${out.dim(plain(hint))}`];
    return { out: `${[`${name}  ${out.caution(`no record: ${plain(error)}`)}`, ...lower].join("\n")}\n` };
  }
  const text = plain(JSON.stringify(record));
  if (!verbose) {
    return {
      out: `${name}  ${text.length > MAX_RECORD_LENGTH ? `${text.slice(0, MAX_RECORD_LENGTH)}… (-v shows all of it)` : text}\n`,
    };
  }
  const lines = plain(prettyJson(JSON.stringify(record)), true).split("\n");
  return { out: `${[name, ...lines.map((line) => `${INDENT}       ${line}`)].join("\n")}\n` };
}
