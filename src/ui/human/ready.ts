import type { ReadyReport } from "../../core/report.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { plain } from "../paint.ts";
import { wrapLine } from "../wrap.ts";
import { runningChannelText } from "./channel.ts";

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
