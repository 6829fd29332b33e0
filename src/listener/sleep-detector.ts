import { formatDay } from "../util/units.ts";
import type { GapLine, ListenContext } from "./lines.ts";
import type { Part } from "./part.ts";

/** How often the clocks are compared. */
const CHECK_MS = 10_000;
/** A comparison that comes this much too late is reported; a busy machine delays it by less. */
const MIN_GAP_MS = 30_000;

/**
 * Reports when the machine has slept, since nothing could arrive then. In sleep the monotonic clock stands still on Linux and
 * goes on elsewhere, so the wall clock decides: it cannot tell sleep from a clock that was set ahead. A delay during
 * which this process was busy is reported as that.
 */
export function startSleepDetector(context: ListenContext): Part {
  const stopped = new AbortController();
  const detecting = detect(context, stopped.signal);
  return {
    name: "the detection of sleep",
    async stop() {
      stopped.abort();
      await detecting;
    },
  };
}

async function detect(context: ListenContext, signal: AbortSignal): Promise<void> {
  for (;;) {
    const from = context.now();
    const startedAt = performance.now();
    const utilization = performance.eventLoopUtilization();
    await context.sleep(CHECK_MS, signal);
    if (signal.aborted) return;
    const to = context.now();
    const cause = causeOfGap({
      wallMs: to.getTime() - from.getTime(),
      monotonicMs: performance.now() - startedAt,
      activeMs: performance.eventLoopUtilization(utilization).active,
    });
    if (cause !== undefined) reportGap(context, { from, to, ...cause });
  }
}

interface Elapsed {
  readonly wallMs: number;
  readonly monotonicMs: number;
  /** Time in which the event loop was busy. */
  readonly activeMs: number;
}

/** Explains a check that came too late; undefined if it was on time. */
export function causeOfGap(elapsed: Elapsed): Pick<GapLine, "cause" | "reason"> | undefined {
  const { wallMs, monotonicMs, activeMs } = elapsed;
  if (wallMs < CHECK_MS + MIN_GAP_MS) return undefined;
  if (activeMs >= MIN_GAP_MS) return { cause: "busy", reason: "zoho-hooks was too busy: is something flooding it?" };
  const wasStopped = monotonicMs >= CHECK_MS + MIN_GAP_MS;
  const reason = wasStopped
    ? "this machine slept or zoho-hooks was stopped"
    : "this machine slept or its clock was set";
  return { cause: "sleep", reason };
}

interface Gap extends Pick<GapLine, "cause" | "reason"> {
  readonly from: Date;
  readonly to: Date;
}

/** Says from when to when nothing could arrive, and where to look for what was lost. */
export function reportGap(context: ListenContext, { from, to, cause, reason }: Gap): void {
  const since = `${formatDay(from)}T${from.toTimeString().slice(0, 5)}`;
  const { invocation } = context;
  const commands = [`${invocation} reconcile --since ${since}`, `${invocation} webhooks failures`] as const;
  context.report({
    type: "gap",
    from: from.toJSON(),
    to: to.toJSON(),
    cause,
    reason,
    person: { commands },
  });
}
