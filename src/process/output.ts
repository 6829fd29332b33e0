import { fstatSync, statSync, writeSync } from "node:fs";
import { devNull } from "node:os";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { isStdoutClosed } from "../util/timing.ts";
import { counted } from "../util/units.ts";
import { type AnyReport, isWarning, type Message, type WarningLine, type WarningReport } from "./messages.ts";

export interface Output {
  write(text: string): void;
  /** Characters that the reader has not taken yet: they are held in memory. */
  backlog(): number;
  /** Characters that the reader has taken so far. */
  taken(): number;
  readonly isTTY: boolean;
  /** Undefined when it is not a terminal. */
  readonly columns: number | undefined;
  /** Undefined when it is not a terminal. */
  readonly rows?: number | undefined;
}

/** An empty pipe takes this much before its reader has read a byte. */
const PIPE_CAPACITY = 16 * 1024;

export interface StandardOutput extends Output {
  /** Node's own stream, opened on the first call. From then on writes to a pipe do not block. */
  stream(): NodeJS.WriteStream;
  /** Resolves when everything has left the process. */
  written(): Promise<void>;
}

/**
 * Standard output or error. Opening Node's stream costs start-up time, so short output to a file or a pipe is written
 * without it. In a thread, which has no descriptor of its own, all goes to the stream. `onLost` is called if it cannot be
 * written, or its reader is gone (`| head`). `isPerson`: false where a terminal is to be taken for a pipe.
 */
export function standardOutput(
  fd: number | undefined,
  openStream: () => NodeJS.WriteStream,
  onLost: (error: NodeJS.ErrnoException) => void,
  isPerson = true,
): StandardOutput {
  let opened: NodeJS.WriteStream | undefined;
  /** Bytes that may still be written without the stream. */
  let directBytes = fd === undefined ? 0 : directCapacity(fd);
  const mayBeTerminal = directBytes === 0;
  let isLost = false;
  let pending = "";
  let written = 0;

  const lose = (error: NodeJS.ErrnoException): void => {
    if (isLost) return;
    isLost = true;
    onLost(error);
  };
  const stream = (): NodeJS.WriteStream => {
    if (opened === undefined) {
      opened = openStream();
      opened.on("error", lose);
      directBytes = 0;
    }
    return opened;
  };
  const flush = (): void => {
    const bytes = Buffer.from(pending);
    pending = "";
    if (isLost || bytes.length === 0) return;
    let done = 0;
    if (fd !== undefined && bytes.length <= directBytes) {
      directBytes -= bytes.length;
      try {
        while (done < bytes.length) done += writeSync(fd, bytes, done);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // A full pipe that another process has made non-blocking: leave the rest to the stream.
        if (code !== "EAGAIN") {
          lose(error as NodeJS.ErrnoException);
          return;
        }
      }
    }
    if (done < bytes.length) stream().write(bytes.subarray(done));
  };
  const backlog = (): number => pending.length + (opened?.writableLength ?? 0);
  const isTerminal = (): boolean => isPerson && mayBeTerminal && stream().isTTY === true;
  return {
    stream,
    write(text) {
      written += text.length;
      // A terminal shows each line at once, in order with prompts; elsewhere the lines of one event-loop turn go out together.
      if (isTerminal()) {
        if (!isLost) stream().write(text);
        return;
      }
      if (pending === "") setImmediate(flush);
      pending += text;
    },
    async written() {
      flush();
      if (opened !== undefined && !isLost) await new Promise((resolve) => opened?.write("", resolve));
    },
    backlog,
    taken: () => written - backlog(),
    get isTTY() {
      return isTerminal();
    },
    get columns() {
      return isTerminal() ? stream().columns : undefined;
    },
    get rows() {
      return isTerminal() ? stream().rows : undefined;
    },
  };
}

/** Any amount to a file, as Node itself does, and to the null device; nothing to what may be a terminal. */
function directCapacity(fd: number): number {
  try {
    const kind = fstatSync(fd);
    if (kind.isFIFO() || kind.isSocket()) return PIPE_CAPACITY;
    return kind.isFile() || kind.rdev === statSync(devNull).rdev ? Number.POSITIVE_INFINITY : 0;
  } catch {
    return 0;
  }
}

/** Enough that a fast reader never waits for us. */
const MAX_BACKLOG_CHARACTERS = 1_000_000;
/** Lines are written at the end of a turn of the event loop; a file takes them all. */
const MAX_TURN_CHARACTERS = 65_536;
const DRAIN_POLL_MS = 5;

/**
 * Resolves once there is room for more on standard output: what is read from gigabytes must not wait in memory for a slower
 * reader (`| less`). Resolves early, to false, when the run is to end.
 */
export async function waitForDrain(context: {
  readonly stdout: Output;
  readonly signal: AbortSignal;
}): Promise<boolean> {
  const { stdout } = context;
  if (stdout.backlog() <= MAX_TURN_CHARACTERS) return true;
  await nextTurn();
  // Reading the signal installs the handlers for Ctrl-C, which a short run does not need.
  const { signal } = context;
  while (stdout.backlog() > MAX_BACKLOG_CHARACTERS && !signal.aborted) {
    await delay(DRAIN_POLL_MS, undefined, { signal }).catch(() => {});
  }
  return !signal.aborted;
}

/** Characters that may wait for a reader that has stopped; the log has them, so memory need not. */
const MAX_WAITING = 8_000_000;
/** Characters that may wait for a reader that is slower than a burst of events. */
const MAX_BEHIND = 32_000_000;
/** A reader that takes nothing for this long has stopped. */
const STOPPED_AFTER_MS = 1000;
/** Limit of what one turn of the event loop counts towards that, since output is written between turns. */
const MAX_STEP_MS = 50;

/** How long a reader may take for what is left after Ctrl-C. */
const READER_GRACE_MS = 1000;
const READER_POLL_MS = 20;
/** Ends of lines are kept until there are this many; then those of lines that were taken are removed. */
const MIN_ENDS = 1000;

/** Reports that come once per event or request. */
const REPEATED: ReadonlySet<string> = new Set([
  "event",
  "forward",
  "record",
  "warning",
  "notice",
  "target",
  "emulated_request",
  "emulated_delivery",
]);

interface Reporting<Own> {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signal: AbortSignal;
  readonly json: boolean;
  readonly report: (report: Message | Own) => void;
}

/**
 * Reports within a bounded amount of memory: if nothing reads the output (`| less`, a stopped terminal), the run goes on and
 * lines are dropped until something reads again. `elsewhere` says where what they told can be seen.
 */
export function boundOutput<Own extends AnyReport>(
  given: Reporting<Own>,
  { elsewhere }: { readonly elsewhere: string },
) {
  const { stdout, stderr, json } = given;
  let dropped = 0;
  let droppedInRow = 0;
  /** The end of each line on stdout, as a count of characters. Lines that end beyond `taken()` are unread. */
  let ends: number[] = [];
  let maxEnds = MIN_ENDS;
  const readers = new Map(
    [stdout, stderr].map((stream) => [stream, { taken: -1, at: 0, stoppedMs: 0, isSeen: false }]),
  );
  const write = limitRepeatedWarnings(given.report);

  function isTooMuch(stream: Output): boolean {
    const backlog = stream.backlog();
    if (backlog <= (droppedInRow > 0 ? MAX_WAITING / 2 : MAX_WAITING)) return false;
    const reader = readers.get(stream);
    if (droppedInRow > 0 || backlog > MAX_BEHIND || reader === undefined) return true;
    if (!reader.isSeen) {
      const now = performance.now();
      const taken = stream.taken();
      reader.stoppedMs = taken === reader.taken ? reader.stoppedMs + Math.min(now - reader.at, MAX_STEP_MS) : 0;
      Object.assign(reader, { taken, at: now, isSeen: true });
      // Of a turn with many lines only the first counts.
      setImmediate(() => Object.assign(reader, { isSeen: false }));
    }
    return reader.stoppedMs > STOPPED_AFTER_MS;
  }

  function unreadLines(): number {
    const taken = stdout.taken();
    ends = ends.filter((end) => end > taken);
    return ends.length;
  }

  /** Not through `report`: with `--json` warnings go to stdout, which nothing reads. */
  function warnOnStderr(): void {
    if (stderr.backlog() > MAX_WAITING) return;
    const message = "the output is not being read fast enough: the run goes on, but nothing is shown until it is read";
    const line: WarningLine = { type: "warning", message, hint: null };
    stderr.write(json ? `${JSON.stringify({ v: 1, ...line })}\n` : `warning: ${message}\n`);
  }

  return {
    report(report: Message | Own): void {
      const { type } = report;
      const stream = !json && (type === "warning" || type === "notice" || type === "target") ? stderr : stdout;
      if (REPEATED.has(type) && isTooMuch(stream)) {
        if (droppedInRow === 0) warnOnStderr();
        droppedInRow++;
        dropped++;
        return;
      }
      if (droppedInRow > 0) {
        const message = `${counted(droppedInRow, "line was", "lines were")} dropped here, because the output was not read fast enough`;
        droppedInRow = 0;
        write({ type: "warning", message, hint: elsewhere });
      }
      write(report);
      if (!REPEATED.has(type) || stream !== stdout) return;
      ends.push(stream.taken() + stream.backlog());
      if (ends.length >= maxEnds) maxEnds = Math.max(MIN_ENDS, unreadLines() * 2);
    },
    /** Lines that were dropped; after Ctrl-C also those that the reader does not take within a moment. */
    async droppedLines(): Promise<number> {
      if (!given.signal.aborted || isStdoutClosed(given.signal)) return dropped;
      const until = performance.now() + READER_GRACE_MS;
      while (unreadLines() > 0 && performance.now() < until) await delay(READER_POLL_MS);
      return dropped + unreadLines();
    },
  };
}

const REPEAT_AFTER_MS = 30_000;
const MAX_WARNINGS = 50;

/**
 * Reports the same warning at most every half minute, then with the number of times it was repeated: a full disk is one
 * problem, however many deliveries meet it. The last counts come with the summary.
 */
function limitRepeatedWarnings<Own extends AnyReport>(
  write: (report: Message | Own) => void,
): (report: Message | Own) => void {
  const known = new Map<string, { readonly warning: WarningReport; readonly atMs: number; more: number }>();
  const writeMore = (warning: WarningReport, more: number): void => {
    if (more > 0) write({ ...warning, message: `${warning.message} (${counted(more, "more time")})` });
  };
  return (report) => {
    if (report.type === "summary") for (const { warning, more } of known.values()) writeMore(warning, more);
    if (!isWarning(report)) return write(report);
    const atMs = performance.now();
    const before = known.get(report.message);
    if (before !== undefined && atMs - before.atMs < REPEAT_AFTER_MS) {
      before.more++;
      return;
    }
    if (before === undefined || before.more === 0) write(report);
    else writeMore(before.warning, before.more + 1);
    known.delete(report.message);
    const [oldest] = known.values();
    if (known.size >= MAX_WARNINGS && oldest !== undefined) {
      writeMore(oldest.warning, oldest.more);
      known.delete(oldest.warning.message);
    }
    known.set(report.message, { warning: report, atMs, more: 0 });
  };
}
