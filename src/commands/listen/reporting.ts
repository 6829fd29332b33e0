import type { Context } from "../../context.ts";
import { maskText, maskUrl } from "../../core/mask.ts";
import type { Output } from "../../output.ts";
import type { Report } from "../../reports/report.ts";
import { counted } from "../../util/units.ts";

/** What a run says, for as long as it takes. */
interface Reporting {
  readonly context: Context;
  /** Lines that were left out because nobody took them. */
  leftOut(): number;
}

/** Characters that may wait for a reader that stands still; what is in the log need not wait in memory too. */
const MOST_WAITING = 8_000_000;
/** For one that reads, but not as fast as events come in a burst. */
const MOST_BEHIND = 32_000_000;
/** A reader that takes nothing for this long stands still. */
const STILL_MS = 1000;

/** What there is one of for every event. */
const REPEATED: ReadonlySet<Report["type"]> = new Set(["event", "forward", "record", "warning", "notice", "target"]);

/**
 * A context whose reports never take memory without end: when the reader of the output stands still (`| less`, a stopped
 * terminal), receiving and forwarding go on, and lines are left out until it reads again. Secrets in what the app says are
 * masked as everywhere.
 */
export function openReporting(given: Context, { showSecrets = false }: { readonly showSecrets?: boolean }): Reporting {
  let count = 0;
  let gap = 0;
  const readers = new Map<Output, { taken: number; at: number }>();
  const tell = repeatedWarnings((report) => given.report(showSecrets ? report : masked(report)));

  const isTooMuch = (stream: Output): boolean => {
    const backlog = stream.backlog();
    if (backlog <= (gap > 0 ? MOST_WAITING / 2 : MOST_WAITING)) return false;
    if (gap > 0 || backlog > MOST_BEHIND) return true;
    const now = performance.now();
    const reader = readers.get(stream) ?? { taken: -1, at: now };
    const taken = stream.taken();
    if (taken !== reader.taken) readers.set(stream, { taken, at: now });
    return taken === reader.taken && now - reader.at > STILL_MS;
  };
  const report = (each: Report): void => {
    const stream = given.json || !isAside(each) ? given.stdout : given.stderr;
    if (REPEATED.has(each.type) && isTooMuch(stream)) {
      if (gap === 0) sayOnStderr(given);
      gap++;
      count++;
      return;
    }
    if (gap > 0) {
      const message = `${counted(gap, "line was", "lines were")} left out here, because the output was not read fast enough`;
      gap = 0;
      tell({ type: "warning", message, hint: "zoho-hooks events list shows what is in the event log" });
    }
    tell(each);
  };
  return {
    context: Object.assign(Object.create(given) as Context, { report }),
    leftOut: () => count,
  };
}

function isAside({ type }: Report): boolean {
  return type === "warning" || type === "notice" || type === "target";
}

/** Standard output is what nobody reads: in the JSON mode warnings stand there too. */
function sayOnStderr({ json, stderr }: Context): void {
  if (stderr.backlog() > MOST_WAITING) return;
  const message = "the output is not being read fast enough: events are still received, but not shown until it is read";
  stderr.write(json ? `${JSON.stringify({ v: 1, type: "warning", message, hint: null })}\n` : `warning: ${message}\n`);
}

function masked(report: Report): Report {
  if (report.type === "target") return { ...report, target: maskUrl(report.target) };
  if (report.type !== "forward") return report;
  const target = maskUrl(report.target);
  const replyPreview = maskText(report.replyPreview);
  // One for every event: most hold no secret, and are not copied.
  return target === report.target && replyPreview === report.replyPreview
    ? report
    : { ...report, target, replyPreview };
}

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
function repeatedWarnings(tell: (report: Report) => void): (report: Report) => void {
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
