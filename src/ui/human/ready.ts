import type { ReadyReport } from "../../core/report.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { plain } from "../paint.ts";
import { wrapLine } from "../wrap.ts";
import { runningChannelText } from "./channel.ts";

export function renderReady(report: ReadyReport, { out, quiet, columns }: Style): Rendered {
  const ready = `${out.good("Ready.")} Listening on ${out.strong(report.url)}${report.publicUrl === undefined ? "" : `, reached as ${out.strong(report.publicUrl)}`}`;
  const channel =
    report.channel === undefined ? [] : [`  ${out.good("✓")} ${plain(runningChannelText(report.channel))}`];
  if (quiet) return { out: `${[ready, ...channel].join("\n")}\n` };
  const urls = urlLines(report.urls, columns);
  return {
    out: [
      ready,
      ...channel,
      ...urls,
      ...(report.keySetUrl === undefined ? [] : [`  public keys    ${report.keySetUrl}`]),
      ...report.notes.flatMap((note) => wrapLine(`  ${plain(note)}`, columns).map((line) => out.dim(line))),
      "",
      `Try it in a second terminal:  ${out.strong(report.tryCommand)}`,
      out.dim("Ctrl-C to stop."),
      "",
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
