import { setTimeout as delay } from "node:timers/promises";
import { maskUrl } from "../delivery/mask.ts";
import type { Report } from "../process/messages.ts";
import type { Output } from "../process/runtime.ts";
import type { Context } from "../project/context.ts";
import { overrideContext } from "../project/context.ts";
import { hasLostReader } from "../util/timing.ts";
import { counted } from "../util/units.ts";

/** Characters that may wait for a reader that has stopped; the log has them, so memory need not. */
const MAX_WAITING = 8_000_000;
/** Characters that may wait for a reader that is slower than a burst of events. */
const MAX_BEHIND = 32_000_000;
/** A reader that takes nothing for this long has stopped. */
const STOPPED_AFTER_MS = 1000;
/**
 * Of a turn of the event loop no more counts, and of one with many lines only the first: a reader is given something between turns.
 */
const MAX_STEP_MS = 50;

/** How long a reader may take for what is left after Ctrl-C. */
const READER_GRACE_MS = 1000;
const POLL_INTERVAL_MS = 20;
/** Ends of lines that are kept before those that were taken are removed. */
const MIN_ENDS = 1000;

/** Reports that come once per event. */
const REPEATED: ReadonlySet<Report["type"]> = new Set(["event", "forward", "record", "warning", "notice", "target"]);

/**
 * A context whose reports take a bounded amount of memory: if nothing reads the output (`| less`, a stopped terminal),
 * receiving and forwarding go on and lines are dropped until something reads again.
 */
export function boundOutput(given: Context, { showSecrets = false }: { readonly showSecrets?: boolean }) {
  let dropped = 0;
  let droppedInRow = 0;
  /** The end of each line on stdout, as a count of characters. Lines that end beyond `taken()` are unread. */
  let ends: number[] = [];
  let maxEnds = MIN_ENDS;
  const readers = new Map<Output, { taken: number; at: number; stoppedMs: number; isLookedAt: boolean }>();
  const write = limitRepeatedWarnings((report) => given.report(showSecrets ? report : masked(report)));

  const isTooMuch = (stream: Output): boolean => {
    const backlog = stream.backlog();
    if (backlog <= (droppedInRow > 0 ? MAX_WAITING / 2 : MAX_WAITING)) return false;
    if (droppedInRow > 0 || backlog > MAX_BEHIND) return true;
    const now = performance.now();
    const taken = stream.taken();
    const reader = readers.get(stream) ?? { taken: -1, at: now, stoppedMs: 0, isLookedAt: false };
    readers.set(stream, reader);
    if (!reader.isLookedAt) {
      reader.stoppedMs = taken === reader.taken ? reader.stoppedMs + Math.min(now - reader.at, MAX_STEP_MS) : 0;
      Object.assign(reader, { taken, at: now, isLookedAt: true });
      setImmediate(() => Object.assign(reader, { isLookedAt: false }));
    }
    return reader.stoppedMs > STOPPED_AFTER_MS;
  };
  const report = (each: Report): void => {
    const stream = given.json || !isStderrReport(each) ? given.stdout : given.stderr;
    if (REPEATED.has(each.type) && isTooMuch(stream)) {
      if (droppedInRow === 0) warnOnStderr(given);
      droppedInRow++;
      dropped++;
      return;
    }
    if (droppedInRow > 0) {
      const lines = counted(droppedInRow, "line was", "lines were");
      droppedInRow = 0;
      const message = `${lines} dropped here, because the output was not read fast enough`;
      write({ type: "warning", message, hint: "zoho-hooks events list shows what is in the event log" });
    }
    write(each);
    if (!REPEATED.has(each.type) || stream !== given.stdout) return;
    ends.push(stream.taken() + stream.backlog());
    if (ends.length < maxEnds) return;
    unreadLines();
    maxEnds = Math.max(MIN_ENDS, ends.length * 2);
  };
  const unreadLines = (): number => {
    const taken = given.stdout.taken();
    ends = ends.filter((end) => end > taken);
    return ends.length;
  };
  return {
    context: overrideContext(given, { report }),
    /** Lines that were dropped; after Ctrl-C also those that the reader does not take within a moment. */
    async leftOut(): Promise<number> {
      if (!given.signal.aborted || hasLostReader(given.signal)) return dropped;
      const until = performance.now() + READER_GRACE_MS;
      while (unreadLines() > 0 && performance.now() < until) await delay(POLL_INTERVAL_MS);
      return dropped + unreadLines();
    },
  };
}

function isStderrReport({ type }: Report): boolean {
  return type === "warning" || type === "notice" || type === "target";
}

/** Not through `report`: with `--json` warnings go to stdout, which nothing reads. */
function warnOnStderr({ json, stderr }: Context): void {
  if (stderr.backlog() > MAX_WAITING) return;
  const message = "the output is not being read fast enough: events are still received, but not shown until it is read";
  stderr.write(json ? `${JSON.stringify({ v: 1, type: "warning", message, hint: null })}\n` : `warning: ${message}\n`);
}

function masked(report: Report): Report {
  return report.type === "target" ? { ...report, target: maskUrl(report.target) } : report;
}

type Warning = Extract<Report, { type: "warning" }>;

interface RepeatedWarning {
  readonly warning: Warning;
  readonly atMs: number;
  /** How often it has come since. */
  readonly more: number;
}

const REPEAT_AFTER_MS = 30_000;
const MAX_WARNINGS = 50;

/**
 * Reports the same warning at most every half minute, then with the number of times it came meanwhile: a full disk is one
 * problem, however many deliveries meet it. The last counts come with the summary.
 */
function limitRepeatedWarnings(write: (report: Report) => void): (report: Report) => void {
  const known = new Map<string, RepeatedWarning>();
  const writeMore = ({ warning, more }: RepeatedWarning): void => {
    if (more > 0) write({ ...warning, message: `${warning.message} (${counted(more, "more time")})` });
  };
  return (report) => {
    if (report.type === "summary") for (const each of known.values()) writeMore(each);
    if (report.type !== "warning") return write(report);
    const atMs = performance.now();
    const before = known.get(report.message);
    if (before !== undefined && atMs - before.atMs < REPEAT_AFTER_MS) {
      known.set(report.message, { ...before, more: before.more + 1 });
      return;
    }
    if (before === undefined || before.more === 0) write(report);
    else writeMore({ ...before, more: before.more + 1 });
    known.delete(report.message);
    const [oldest] = known.values();
    if (known.size >= MAX_WARNINGS && oldest !== undefined) {
      writeMore(oldest);
      known.delete(oldest.warning.message);
    }
    known.set(report.message, { warning: report, atMs, more: 0 });
  };
}
