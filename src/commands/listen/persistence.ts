import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import type { EventPattern } from "../../core/event-names.ts";
import { maskUrl } from "../../core/mask.ts";
import type { Product } from "../../core/product.ts";
import { recordAndForward } from "../../forward/record-and-forward.ts";
import { memoryRecorder, type Recorder } from "../../receiver/recorder.ts";
import type { ForwardCounts } from "../../reports/run.ts";
import type { Log, WaitingCount } from "../../store/log.ts";
import { ROW_BYTES } from "../../store/retention.ts";
import { errorText } from "../../util/errors.ts";
import { counted } from "../../util/units.ts";
import { openForwarding, type RunRoutes, runRoutes } from "./forwarding.ts";
import { openRunLog, type RunLog } from "./log.ts";

/** Where a run's deliveries are kept, and how they get to the developer's app. */
export interface Persistence {
  readonly ledger: Recorder;
  readonly notes: readonly string[];
  /** Goes on with what waits from an earlier run. */
  start(url: string): Promise<void>;
  /** Where the receiver is reached from now on, for other commands to know. */
  moved(url: string): void;
  forwards(): ForwardCounts | undefined;
  /** Once closed: what was answered with a yes has not reached the app, and no other run goes on with it. */
  hasLost(): boolean;
  /** Gives up what a sender waits for, as its connection is about to be closed. */
  hurry(): void;
  /** With a signal what has come goes on to the app first, until it aborts. */
  close(drainUntil?: AbortSignal): Promise<void>;
}

export async function openPersistence(
  context: Context,
  config: Config,
  shown: EventPattern,
  products: readonly Product[],
): Promise<Persistence> {
  const routes = runRoutes(config, shown, products);
  const runLog = await openRunLog(context, config, !routes.empty);
  if (runLog === undefined) return unkept();
  try {
    await runLog.log.endUnanswered();
    return await keepIn(context, config, runLog, routes, products);
  } catch (error) {
    await closeLog(context, runLog);
    throw error;
  }
}

function unkept(): Persistence {
  return {
    ledger: memoryRecorder(),
    notes: ["Nothing is saved: there is no event log."],
    start: async () => {},
    moved: () => {},
    forwards: () => undefined,
    hasLost: () => false,
    hurry: () => {},
    close: async () => {},
  };
}

async function keepIn(
  context: Context,
  config: Config,
  runLog: RunLog,
  routes: RunRoutes,
  products: readonly Product[],
): Promise<Persistence> {
  const { log, hold, maxBytes } = runLog;
  const forwarding = routes.empty ? undefined : await openForwarding(context, config, log, routes, products);
  const pruner = regularPruning(context, log, maxBytes);
  const isKept = config.settings.store !== false;

  return {
    ledger: recordAndForward({ log, forwarding: forwarding?.parts, onRecord: pruner.grow }),
    notes: [
      ...(isKept ? [] : ["The event log is deleted when this run ends."]),
      ...(forwarding?.notes ?? []),
      ...waitingNotes(await log.waiting(), routes),
    ],
    async start(url) {
      await hold.setUrl(url);
      await forwarding?.start();
      pruner.prune();
    },
    moved(url) {
      hold.setUrl(url).catch((error: unknown) => {
        context.report({
          type: "warning",
          message: `the new public URL could not be written to the log: ${errorText(error)}`,
        });
      });
    },
    forwards() {
      const counts = forwarding?.counts();
      if (counts === undefined || isKept) return counts;
      // What this run has not delivered waits for no other.
      const { delivered, failed, waiting } = counts;
      return waiting === undefined ? counts : { delivered, failed: failed + waiting, waiting: 0 };
    },
    // Where it is not known, nobody can be told that all has arrived.
    hasLost: () => !isKept && forwarding !== undefined && forwarding.counts().waiting !== 0,
    hurry: () => forwarding?.hurry(),
    async close(drainUntil) {
      await pruner.stop();
      try {
        await forwarding?.close(drainUntil);
      } finally {
        await closeLog(context, runLog);
      }
      const left = forwarding?.counts().waiting ?? 0;
      if (left > 0 && !isKept) {
        const message = `${counted(left, "delivery", "deliveries")} did not reach your app and will not be sent again`;
        context.report({ type: "warning", message, hint: "without --no-store, the next listen would send them" });
      }
    },
  };
}

/** A full disk or a log that is gone is no reason to end without a summary: the hold ends with the process anyway. */
async function closeLog(context: Context, { log, hold, dispose }: RunLog): Promise<void> {
  const warn = (what: string) => (error: unknown) =>
    context.report({ type: "warning", message: `${what}: ${errorText(error)}` });
  await hold.release().catch(warn("the end of this run could not be written to the log"));
  await log.close().catch(warn("the log could not be closed"));
  try {
    dispose();
  } catch (error) {
    warn("the temporary log of this run could not be deleted")(error);
  }
}

/** What an earlier run has left: it goes on where its target is one of this run's, and is not forgotten where not. */
function waitingNotes(counts: readonly WaitingCount[], routes: RunRoutes): readonly string[] {
  const texts: string[] = [];
  const own = counts.filter(({ target }) => routes.has(target)).reduce((sum, { waiting }) => sum + waiting, 0);
  if (own > 0)
    texts.push(
      `${counted(own, "delivery from an earlier run is", "deliveries from earlier runs are")} being sent now.`,
    );
  for (const { target, waiting } of counts) {
    if (waiting === 0 || routes.has(target)) continue;
    texts.push(
      `${counted(waiting, "delivery waits", "deliveries wait")} for ${maskUrl(target)}, which this run does not forward to: add it with --forward-to to send ${waiting === 1 ? "it" : "them"}.`,
    );
  }
  return texts;
}

/** Keeps the log within its limits while it grows. */
interface Pruning {
  /** Counts a delivery of so many bytes. */
  grow(bytes: number): void;
  /** Begins, unless it is under way. */
  prune(): void;
  /** Ends with the batch that is under way. */
  stop(): Promise<void>;
}

const EVERY_MS = 10 * 60_000;
/** Of the limit, after which it is looked at again: so the log never grows far past it. */
const GROWTH_SHARE = 0.1;

function regularPruning(context: Context, log: Log, maxBytes = Number.POSITIVE_INFINITY): Pruning {
  let grown = 0;
  const stopped = new AbortController();
  let underWay: Promise<void> | undefined;

  const prune = (): void => {
    if (underWay !== undefined || stopped.signal.aborted) return;
    grown = 0;
    underWay = log
      .prune(undefined, stopped.signal)
      .then(
        () => {},
        (error: unknown) =>
          context.report({ type: "warning", message: `the log could not be pruned: ${errorText(error)}` }),
      )
      .finally(() => {
        underWay = undefined;
      });
  };
  const timer = setInterval(prune, EVERY_MS);
  return {
    grow(bytes) {
      grown += bytes + ROW_BYTES;
      if (grown > maxBytes * GROWTH_SHARE) prune();
    },
    prune,
    async stop() {
      stopped.abort();
      clearInterval(timer);
      await underWay;
    },
  };
}
