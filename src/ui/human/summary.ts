import type { ForwardCounts, ProductCount, SummaryReport } from "../../core/report.ts";
import { counted, formatDuration } from "../../core/units.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { alignRows } from "./table.ts";

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
