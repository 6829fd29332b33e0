import type { Context } from "../../context.ts";
import type { GapReport } from "../../reports/forward.ts";
import type { Part } from "./part.ts";

/** How often the clocks are looked at. */
const CHECK_MS = 10_000;
/** A look that is later by this much was not late because the machine was busy. */
const MIN_GAP_MS = 30_000;

/**
 * Reports when the machine has slept, since nothing could arrive then. In sleep the monotonic clock stands still on Linux and
 * goes on elsewhere, so the wall clock decides: it cannot tell sleep from a clock that was set ahead.
 */
export function startGapWatch(context: Context): Part {
  const stopped = new AbortController();
  const watched = watch(context, stopped.signal);
  return {
    name: "the watch for gaps",
    async stop() {
      stopped.abort();
      await watched;
    },
  };
}

async function watch(context: Context, signal: AbortSignal): Promise<void> {
  for (;;) {
    const from = context.now();
    const startedAt = performance.now();
    await context.sleep(CHECK_MS, signal);
    if (signal.aborted) return;
    const to = context.now();
    if (to.getTime() - from.getTime() < CHECK_MS + MIN_GAP_MS) continue;
    const wasStopped = performance.now() - startedAt >= CHECK_MS + MIN_GAP_MS;
    const reason = wasStopped
      ? "this machine slept or zoho-hooks was stopped"
      : "this machine slept or its clock was set";
    reportGap(context, { from, to, cause: "sleep", reason });
  }
}

/** Says from when to when nothing could arrive, and where to look for what was lost. */
export function reportGap(context: Context, gap: Pick<GapReport, "from" | "to" | "cause" | "reason">): void {
  context.report({ type: "gap", ...gap, command: `${context.invocation} webhooks failures` });
}
