import { prettyJson } from "../util/json-print.ts";
import { counted, formatDuration } from "../util/units.ts";
import { type RecordReport, type RunningChannel, runningChannelText } from "./channel.ts";
import { INDENT } from "./event.ts";
import { alignRows, wrapLine } from "./layout.ts";
import { plain, type Rendered, type Style } from "./paint.ts";

/** On stderr: the events are what a run is asked for. */
export function renderReady(report: ReadyReport, { err, quiet, errColumns: columns }: Style): Rendered {
  const ready = `${err.good("Ready.")} Listening on ${err.strong(report.url)}${report.publicUrl === undefined ? "" : `, reached as ${err.strong(report.publicUrl)}`}`;
  const channel =
    report.channel === undefined ? [] : [`  ${err.good("✓")} ${plain(runningChannelText(report.channel))}`];
  if (quiet) return { err: `${[ready, ...channel].join("\n")}\n` };
  const urls = urlLines(report.urls, columns);
  // Where nobody sits at a terminal there is no second one either.
  const isWatched = err.live || Number.isFinite(columns);
  const advice =
    report.tryCommand === undefined || !isWatched
      ? []
      : ["", `Try it in a second terminal:  ${err.strong(report.tryCommand)}`, err.dim("Ctrl-C to stop."), ""];
  return {
    err: [
      ready,
      ...channel,
      ...urls,
      ...(report.keySetUrl === undefined ? [] : [`  public keys    ${report.keySetUrl}`]),
      ...report.notes.flatMap((note) => wrapLine(`  ${plain(note)}`, columns).map((line) => err.dim(line))),
      ...advice,
      "",
    ].join("\n"),
  };
}

const MOST_URLS = 6;

/** Each product's URL, ready to paste; where they are many, the one rule that makes them. */
function urlLines(urls: Readonly<Record<string, string>>, columns: number): readonly string[] {
  const all = Object.entries(urls);
  if (all.length <= MOST_URLS) return all.map(([product, url]) => `  ${product.padEnd(14)} ${url}`);
  const [, first = ""] = all[0] ?? [];
  return [
    `  ${first.replace(/[^/]+$/, "<product>")}`,
    ...wrapLine(`  ${all.map(([product]) => product).join(", ")}`, columns),
  ];
}

export function renderSummary(report: SummaryReport, { err }: Style): Rendered {
  const row = (name: string, count: ProductCount): readonly string[] => [
    name,
    String(count.received),
    String(count.valid),
    String(count.rejected),
    String(count.duplicates),
  ];
  const products = Object.entries(report.products);
  const rows = [
    ["", "received", "valid", "rejected", "duplicates"],
    ...products.map(([product, count]) => row(product, count)),
    ...(products.length === 1 ? [] : [row("total", report.total)]),
  ];
  const { forwards, tunnelDownMs } = report;
  const forwarded =
    forwards === undefined
      ? []
      : [`Forwarded: ${forwards.delivered} delivered, ${forwards.failed} failed${waitingText(forwards)}`];
  const down =
    tunnelDownMs === undefined || tunnelDownMs === 0
      ? []
      : [err.caution(`The tunnel was down for ${formatDuration(tunnelDownMs)}.`)];
  const leftOut =
    report.leftOut === 0
      ? []
      : [
          err.caution(
            `${counted(report.leftOut, "line was", "lines were")} not shown, because the output was not read fast enough.`,
          ),
        ];
  const expected = report.expectations.map(({ event, wanted, came }) =>
    came >= wanted
      ? err.good(`✓ ${event}: ${came} of ${wanted} came`)
      : err.bad(`✗ ${event}: ${came} of ${wanted} came`),
  );
  const title = `\n${err.strong("Summary")} ${err.dim(`after ${formatDuration(report.seconds * 1000)}`)}`;
  return {
    err: `${[title, ...alignRows(rows, [1, 2, 3, 4]), ...forwarded, ...down, ...leftOut, ...expected].join("\n")}\n`,
  };
}

function waitingText({ waiting }: ForwardCounts): string {
  if (waiting === undefined) return ", the number still waiting is unknown";
  return waiting > 0 ? `, ${waiting} waiting for the next listen` : "";
}

const LONGEST_LINE = 160;

/** A line below the event's number; the whole record with `--verbose`. */
export function renderRecord({ n, module, id, record, error, hint }: RecordReport, { out, verbose }: Style): Rendered {
  const name = `${INDENT}${out.strong(`#${n}`.padEnd(5))}  ${out.name(plain(`${module} ${id}`))}`;
  if (error !== undefined) {
    const below = hint === undefined ? [] : [`${INDENT}       ${out.dim(plain(hint))}`];
    return { out: `${[`${name}  ${out.caution(`no record: ${plain(error)}`)}`, ...below].join("\n")}\n` };
  }
  const text = plain(JSON.stringify(record));
  if (!verbose) {
    return {
      out: `${name}  ${text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}… (whole with -v)` : text}\n`,
    };
  }
  const lines = plain(prettyJson(JSON.stringify(record)), true).split("\n");
  return { out: `${[name, ...lines.map((line) => `${INDENT}       ${line}`)].join("\n")}\n` };
}

export interface ProductCount {
  readonly received: number;
  readonly valid: number;
  readonly rejected: number;
  readonly duplicates: number;
}

export interface ForwardCounts {
  readonly delivered: number;
  readonly failed: number;
  /** Still in the log: the next `listen` goes on with them. Undefined where the log could not be asked at the end. */
  readonly waiting: number | undefined;
}

export interface SummaryReport {
  readonly type: "summary";
  readonly total: ProductCount;
  readonly products: Readonly<Record<string, ProductCount>>;
  readonly seconds: number;
  /** What became of what was forwarded; undefined when nothing was to be. */
  readonly forwards: ForwardCounts | undefined;
  /** How long the tunnel was down; undefined without one. */
  readonly tunnelDownMs: number | undefined;
  /** Lines about events that were not shown because the output was not read fast enough. */
  readonly leftOut: number;
  /** What `--expect` asked for beside what came. */
  readonly expectations: readonly { readonly event: string; readonly wanted: number; readonly came: number }[];
}

/** The receiver is up and confirmed. Said once a run, whatever happens later. */
export interface ReadyReport {
  readonly type: "ready";
  readonly url: string;
  readonly publicUrl: string | undefined;
  /** The webhook URL of each product. */
  readonly urls: Readonly<Record<string, string>>;
  /** The channel of this run, that posts here. */
  readonly channel: RunningChannel | undefined;
  /** Where the public halves of the local keys are served; undefined where they are not. */
  readonly keySetUrl: string | undefined;
  /** The command to try in a second terminal; undefined where nobody is to try it. */
  readonly tryCommand: string | undefined;
  /** What the receiver checks, and what it cannot for want of a secret. */
  readonly notes: readonly string[];
}
