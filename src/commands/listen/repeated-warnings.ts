import type { Report } from "../../core/report.ts";
import { counted } from "../../core/units.ts";

type Warning = Extract<Report, { type: "warning" }>;

interface Told {
  readonly warning: Warning;
  readonly atMs: number;
  /** How often it has come since. */
  readonly more: number;
}

const EVERY_MS = 30_000;
const MOST_KINDS = 50;

/**
 * Tells the same warning once in a while and how often it came meanwhile: a full disk is one trouble, however many
 * deliveries meet it. The last count is told with the summary.
 */
export function repeatedWarnings(tell: (report: Report) => void): (report: Report) => void {
  const told = new Map<string, Told>();
  const tellMore = ({ warning, more }: Told): void => {
    if (more > 0) tell({ ...warning, message: `${warning.message} (${counted(more, "more time")})` });
  };
  return (report) => {
    if (report.type === "summary") for (const each of told.values()) tellMore(each);
    if (report.type !== "warning") return tell(report);
    const atMs = performance.now();
    const before = told.get(report.message);
    if (before !== undefined && atMs - before.atMs < EVERY_MS) {
      told.set(report.message, { ...before, more: before.more + 1 });
      return;
    }
    if (before === undefined || before.more === 0) tell(report);
    else tellMore({ ...before, more: before.more + 1 });
    told.delete(report.message);
    const [oldest] = told.values();
    if (told.size >= MOST_KINDS && oldest !== undefined) {
      tellMore(oldest);
      told.delete(oldest.warning.message);
    }
    told.set(report.message, { warning: report, atMs, more: 0 });
  };
}
