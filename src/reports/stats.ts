import type { HourCounts, LogCounts, Percentiles, StatsLine } from "../log/lines.ts";
import { plain } from "../util/text.ts";
import { counted, formatDay, formatDuration } from "../util/units.ts";
import { clockTime } from "./event.ts";
import { alignRows, fitLine, type Lines, textOf } from "./layout.ts";
import type { Paint, Rendered, Style } from "./paint.ts";

/** `--verbose` and `--json` have all hours. */
const MAX_HOURS = 24;
const BAR_WIDTH = 24;
/** `2026-01-31 14:00` and `received`. */
const HOUR_WIDTH = 26;
/** For a pipe, which has no width. */
const MAX_WIDTH = 120;
const OTHERS = "others";
const COLUMNS = ["received", "delivered", "waiting", "failed", "duplicates", "rejected", "custom"] as const;
/** Segments of a bar. Each has its own character, since colour alone is not accessible. */
const OUTCOMES = [
  { name: "delivered", piece: "█", tone: "good" },
  { name: "received", piece: "▓", tone: "name" },
  { name: "duplicates", piece: "▒", tone: "dim" },
  { name: "waiting", piece: "░", tone: "caution" },
  { name: "failed", piece: "✗", tone: "bad" },
  { name: "rejected", piece: "–", tone: "bad" },
] as const;

/** Counts by product and by hour, and latencies; on a terminal the outcomes of each hour as a bar. */
export function renderStats(report: StatsLine, style: Style): Rendered {
  const { out, quiet } = style;
  const products = Object.entries(report.products).map(([id, each]) => [plain(id), each] as const);
  const counts = products.length === 1 ? products : [...products, ["all", report] as const];
  const rows = counts.map(([name, each]) => [name, ...COLUMNS.map((column) => String(each[column]))]);
  const [head = "", ...table] = alignRows([["product", ...COLUMNS], ...rows], [1, 2, 3, 4, 5, 6, 7]);
  const isNarrow = head.length > out.columns;
  return {
    out: textOf(
      !quiet && !isNarrow && out.dim(head),
      isNarrow ? counts.map((each) => countsText(...each)) : table,
      "",
      hourLines(report, style),
      "",
      latencyLine(report, out),
    ),
  };
}

/** For a terminal that is too narrow for the table: `crm: 3 received, 2 delivered`. */
function countsText(name: string, counts: LogCounts): string {
  const shown = COLUMNS.filter((column) => counts[column] > 0 || column === "received");
  return `${name}: ${shown.map((column) => `${counts[column]} ${column}`).join(", ")}`;
}

function hourLines({ hours, products }: StatsLine, { verbose, out }: Style): Lines {
  const starts = [...new Set(hours.map(({ at }) => at))];
  const shown = verbose ? starts : starts.slice(-MAX_HOURS);
  const all = Object.keys(products);
  const names = productsThatFit(
    products,
    Math.min(out.columns, MAX_WIDTH) - HOUR_WIDTH - (out.live ? BAR_WIDTH + 2 : 0),
  );
  const others = all.filter((name) => !names.includes(name));
  const groups = [
    { head: "received", members: all },
    ...(all.length > 1 ? names.map((name) => ({ head: plain(name), members: [name] })) : []),
    ...(all.length > 1 && others.length > 0 ? [{ head: OTHERS, members: others }] : []),
  ];
  const counts = shown.map((start) => {
    const here = hours.filter(({ at }) => at === start);
    return groups.map(({ members }) =>
      here.reduce((sum, { product, received }) => sum + (members.includes(product) ? received : 0), 0),
    );
  });
  const rows = counts.map((row, i) => [hourText(new Date(shown[i] ?? 0)), ...row.map(String)]);
  const [head = "", ...lines] = alignRows(
    [["hour", ...groups.map((group) => group.head)], ...rows],
    groups.map((_, i) => i + 1),
  );
  const most = Math.max(...counts.map(([sum = 0]) => sum), 1);
  const outcomes = shown.map((start) => outcomesOf(hours.filter(({ at }) => at === start)));
  const legend = OUTCOMES.filter((_, i) => outcomes.some((each) => each[i] !== 0));
  const legendCells = legend.map(({ name, piece, tone }) => ({ text: `${out[tone](piece)} ${name}` }));
  const left = starts.length - shown.length;
  return [
    out.dim(head),
    lines.map((line, i) => (out.live ? `${line}  ${barText(outcomes[i] ?? [], most, out)}` : line)),
    out.live && fitLine(legendCells, out.columns, ""),
    left > 0 && out.dim(`${counted(left, "earlier hour")}: -v shows ${left === 1 ? "it" : "them"}`),
  ];
}

/** One count for each of `OUTCOMES`; `received` are those without another one: there was no app to forward them to. */
function outcomesOf(hours: readonly HourCounts[]): readonly number[] {
  const countOf = (name: keyof LogCounts): number => hours.reduce((sum, counts) => sum + counts[name], 0);
  const others = OUTCOMES.reduce((sum, { name }) => (name === "received" ? sum : sum + countOf(name)), 0);
  return OUTCOMES.map(({ name }) => (name === "received" ? countOf(name) - others : countOf(name)));
}

/** A bar whose length shows the sum of the outcomes, of which none is left out, however rare it is. */
function barText(outcomes: readonly number[], most: number, paint: Paint): string {
  const sum = outcomes.reduce((all, each) => all + each, 0);
  const pieces = outcomes.filter((count) => count > 0).length;
  const length = Math.max(pieces, Math.round((BAR_WIDTH * sum) / most));
  const widths = outcomes.map((count) => (count === 0 ? 0 : Math.max(1, Math.round((length * count) / sum))));
  const excess = (): number => widths.reduce((all, each) => all + each, -length);
  while (excess() !== 0) {
    const widest = Math.max(...widths);
    widths[widths.indexOf(widest)] = widest - Math.sign(excess());
  }
  return OUTCOMES.map(({ piece, tone }, i) => paint[tone](piece.repeat(widths[i] ?? 0))).join("");
}

/** Minutes matter: in a time zone with half hours, an hour of UTC begins at `14:30`. */
function hourText(at: Date): string {
  return `${formatDay(at)} ${clockTime(at).slice(0, 5)}`;
}

/** The most frequent ones that there is room for, in the order of the table above. */
function productsThatFit(products: StatsLine["products"], width: number): readonly string[] {
  const all = Object.keys(products);
  const received = (name: string): number => products[name]?.received ?? 0;
  const widthOf = (name: string): number => 2 + Math.max(name.length, String(received(name)).length);
  let shown = all.toSorted((a, b) => received(b) - received(a));
  const fits = (): boolean =>
    shown.reduce((sum, name) => sum + widthOf(name), shown.length < all.length ? 2 + OTHERS.length : 0) <= width;
  while (shown.length > 0 && !fits()) shown = shown.slice(0, -1);
  return all.filter((name) => shown.includes(name));
}

function latencyLine({ latency_ms: latency }: StatsLine, paint: Paint): string {
  if (latency === null) return paint.dim("no answer from your app so far");
  const { count, ...figures } = latency;
  return `${counted(count, "answer")} from your app: ${latencyText(figures)}`;
}

/** `p50 12 ms  p95 …` */
export function latencyText({ p50, p95, p99, max }: Percentiles): string {
  const figures = Object.entries({ p50, p95, p99, max });
  return figures.map(([name, ms]) => `${name} ${formatDuration(ms)}`).join("  ");
}
