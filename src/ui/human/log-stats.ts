import type { LogStatsReport } from "../../core/log-report.ts";
import { formatDay, formatDuration } from "../../core/units.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { type Paint, plain } from "../paint.ts";
import { alignRows } from "./table.ts";

/** More hours than this are left to `--verbose` and `--json`. */
const MOST_HOURS = 24;
const BAR_WIDTH = 24;
const COLUMNS = ["received", "processed", "waiting", "failed", "duplicates", "rejected"] as const;

/** Counts by product and by hour, and how long the target took; bars only where a person watches. */
export function renderLogStats(report: LogStatsReport, { out, verbose, quiet }: Style): Rendered {
  const counts = Object.entries(report.products).map(([product, each]) => row(plain(product), each));
  const total = Object.keys(report.products).length === 1 ? [] : [row("all", report.total)];
  const [head = "", ...lines] = alignRows([["product", ...COLUMNS], ...counts, ...total], [1, 2, 3, 4, 5, 6]);
  const hours = hourLines(report, verbose, out);
  return {
    out: `${[...(quiet ? [] : [out.dim(head)]), ...lines, "", ...hours, "", latencyLine(report, out)].join("\n")}\n`,
  };
}

function row(name: string, counts: LogStatsReport["total"]): readonly string[] {
  return [name, ...COLUMNS.map((column) => String(counts[column]))];
}

function hourLines({ hours, products }: LogStatsReport, verbose: boolean, paint: Paint): readonly string[] {
  const names = Object.keys(products);
  const starts = [...new Set(hours.map(({ at }) => at.getTime()))];
  const shown = verbose ? starts : starts.slice(-MOST_HOURS);
  const rows = shown.map((start) => {
    const at = new Date(start);
    const here = hours.filter((hour) => hour.at.getTime() === start);
    const count = (product: string): number => here.find((hour) => hour.product === product)?.counts.received ?? 0;
    const sum = names.reduce((all, name) => all + count(name), 0);
    return { label: `${formatDay(at)} ${String(at.getHours()).padStart(2, "0")}:00`, sum, each: names.map(count) };
  });
  const most = Math.max(...rows.map(({ sum }) => sum), 1);
  const several = names.length > 1;
  const [head = "", ...lines] = alignRows(
    [
      ["hour", "received", ...(several ? names.map((name) => plain(name)) : [])],
      ...rows.map(({ label, sum, each }) => [label, String(sum), ...(several ? each.map(String) : [])]),
    ],
    Array.from({ length: names.length + 1 }, (_, i) => i + 1),
  );
  const bars = rows.map(({ sum }) => "█".repeat(Math.max(1, Math.round((BAR_WIDTH * sum) / most))));
  const left = starts.length - shown.length;
  return [
    paint.dim(head),
    ...lines.map((line, i) => (paint.live ? `${line}  ${paint.name(bars[i] ?? "")}` : line)),
    ...(left > 0 ? [paint.dim(`${left} earlier ${left === 1 ? "hour" : "hours"}: -v shows them`)] : []),
  ];
}

function latencyLine({ latencyMs }: LogStatsReport, paint: Paint): string {
  if (latencyMs === undefined) return paint.dim("no answer of a target so far");
  const { count, p50, p95, p99, max } = latencyMs;
  const figures = Object.entries({ p50, p95, p99, max }).map(([name, ms]) => `${name} ${formatDuration(ms)}`);
  return `${count} ${count === 1 ? "answer" : "answers"} of the target: ${figures.join("  ")}`;
}
