import type { LogStatsReport } from "../../core/log-report.ts";
import { counted, formatDay, formatDuration } from "../../core/units.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { type Paint, plain } from "../paint.ts";
import { wrapLine } from "../wrap.ts";
import { alignRows } from "./table.ts";

/** More hours than this are left to `--verbose` and `--json`. */
const MOST_HOURS = 24;
const BAR_WIDTH = 24;
/** Of `2026-01-31 14:00` and `received`. */
const HOUR_WIDTH = 26;
/** Where nothing says how wide it is, a pipe for one; scripts take --json. */
const WIDEST = 120;
const OTHERS = "others";
const COLUMNS = ["received", "processed", "waiting", "failed", "duplicates", "rejected"] as const;

/** Counts by product and by hour, and how long the target took; bars only where a person watches. */
export function renderLogStats(report: LogStatsReport, style: Style): Rendered {
  const { out, quiet, columns } = style;
  const total = Object.keys(report.products).length === 1 ? [] : [["all", report.total] as const];
  const counts = [...Object.entries(report.products).map(([id, each]) => [plain(id), each] as const), ...total];
  const rows = counts.map(([name, each]) => [name, ...COLUMNS.map((column) => String(each[column]))]);
  const [head = "", ...table] = alignRows([["product", ...COLUMNS], ...rows], [1, 2, 3, 4, 5, 6]);
  const isNarrow = head.length > columns;
  const lines = isNarrow ? counts.flatMap((each) => wrapLine(countsText(...each), columns)) : table;
  const hours = hourLines(report, style);
  return {
    out: `${[...(quiet || isNarrow ? [] : [out.dim(head)]), ...lines, "", ...hours, "", latencyLine(report, out)].join("\n")}\n`,
  };
}

/** In a terminal that is too narrow for the table: `crm: 3 received, 2 processed`. */
function countsText(name: string, counts: LogStatsReport["total"]): string {
  const told = COLUMNS.filter((column) => counts[column] > 0 || column === "received");
  return `${name}: ${told.map((column) => `${counts[column]} ${column}`).join(", ")}`;
}

function hourLines({ hours, products }: LogStatsReport, { verbose, out, columns }: Style): readonly string[] {
  const starts = [...new Set(hours.map(({ at }) => at.getTime()))];
  const shown = verbose ? starts : starts.slice(-MOST_HOURS);
  const several = Object.keys(products).length > 1;
  const { names, others } = productsThatFit(
    products,
    Math.min(columns, WIDEST) - HOUR_WIDTH - (out.live ? BAR_WIDTH + 2 : 0),
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

/** `14:00`; where the time zone has half hours an hour of UTC begins at `14:30`. */
function formatMinute(at: Date): string {
  return [at.getHours(), at.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
}

/** Those of which most came, as many as there is room for, in the order of the table above. */
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
  const kept = ranked.slice(0, count);
  return { names: all.filter((name) => kept.includes(name)), others: all.filter((name) => !kept.includes(name)) };
}

function latencyLine({ latencyMs }: LogStatsReport, paint: Paint): string {
  if (latencyMs === undefined) return paint.dim("no answer from your app so far");
  const { count, p50, p95, p99, max } = latencyMs;
  const figures = Object.entries({ p50, p95, p99, max }).map(([name, ms]) => `${name} ${formatDuration(ms)}`);
  return `${counted(count, "answer")} from your app: ${figures.join("  ")}`;
}
