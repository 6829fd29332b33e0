import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { errorText, usageError } from "../../core/errors.ts";
import type { EventPattern } from "../../core/event-pattern.ts";
import type { ForwardCounts } from "../../core/report.ts";
import { createForwarder } from "../../delivery/forwarder.ts";
import { keepingLedger } from "../../delivery/keeping-ledger.ts";
import { createMirror, MIRROR_BUDGET_MS } from "../../delivery/mirror.ts";
import { openPoster, type Poster } from "../../delivery/post.ts";
import { createRoutes, parseRoute, type Routes } from "../../delivery/routes.ts";
import { type Ledger, memoryLedger } from "../../receiver/ledger.ts";
import type { Log } from "../../store/log.ts";
import { openRunLog, type RunLog } from "./log.ts";

/** Where a run's deliveries are kept, and how they get to the developer's app. */
export interface Keeping {
  readonly ledger: Ledger;
  readonly notes: readonly string[];
  /** Goes on with what waits from an earlier run. */
  start(url: string): Promise<void>;
  /** Where the receiver is reached from now on, for other commands to know. */
  moved(url: string): void;
  forwards(): ForwardCounts | undefined;
  close(): Promise<void>;
}

const PRUNE_EVERY_MS = 10 * 60_000;

export async function openKeeping(context: Context, config: Config, shown: EventPattern): Promise<Keeping> {
  const { settings } = config;
  const routes = filteredRoutes(config, shown);
  const runLog = await openRunLog(context, config, !routes.empty);
  if (runLog === undefined) {
    const ledger = memoryLedger();
    return {
      ledger,
      notes: ["No event log is kept."],
      start: async () => {},
      moved: () => {},
      forwards: () => undefined,
      close: async () => {},
    };
  }
  return keepIn(
    context,
    config,
    runLog,
    routes,
    settings.store === false ? ["The event log is of this run only."] : [],
  );
}

async function keepIn(
  context: Context,
  { settings, env }: Config,
  runLog: RunLog,
  routes: Routes,
  notes: string[],
): Promise<Keeping> {
  const { log, hold } = runLog;
  const counts = { delivered: 0, failed: 0, waiting: 0 };
  const leaseMs = settings.forwardTimeout + 60_000;
  const openers: Poster[] = [];
  const poster = async (timeoutMs: number): Promise<Poster> => {
    const opened = await openPoster({ connections: settings.concurrency, insecure: settings.insecure, env, timeoutMs });
    openers.push(opened);
    return opened;
  };
  const mirrored = settings.respond === "mirror" && !routes.empty;
  const forwarder = createForwarder({
    log,
    poster: routes.empty ? unusedPoster : await poster(settings.forwardTimeout),
    retry: { retries: settings.retries, baseMs: settings.retryBase },
    concurrency: settings.concurrency,
    leaseMs,
    now: context.now,
    onReport(report) {
      if (report.state === "delivered") counts.delivered++;
      if (report.state === "failed") counts.failed++;
      context.report(report);
    },
    onTarget: context.report,
    onTrouble: (message) => context.report({ type: "warning", message }),
  });
  const mirror = mirrored
    ? createMirror({
        log,
        poster: await poster(Math.min(settings.forwardTimeout, MIRROR_BUDGET_MS)),
        now: context.now,
        onReport(report) {
          counts[report.error === undefined ? "delivered" : "failed"]++;
          context.report(report);
        },
      })
    : undefined;
  const ledger = keepingLedger({ log, routes, forwarder, mirror, ordered: settings.ordered, leaseMs });
  const pruner = setInterval(() => void pruneQuietly(context, log), PRUNE_EVERY_MS);

  return {
    ledger,
    notes: [
      ...notes,
      ...(routes.empty
        ? []
        : [`Forwarding to ${routes.texts.join(", ")}${mirrored ? "; its answer is the sender's" : ""}.`]),
      ...(routes.empty || mirrored ? [] : await waitingNotes(log)),
    ],
    async start(url) {
      await hold.setUrl(url);
      await log.recoverClaims();
      if (routes.empty || mirrored) return;
      forwarder.wake((await log.waiting()).map(({ target }) => target));
      void pruneQuietly(context, log);
    },
    moved(url) {
      hold.setUrl(url).catch((error: unknown) => {
        context.report({ type: "warning", message: `the log does not know the new public URL: ${errorText(error)}` });
      });
    },
    forwards: () => (routes.empty ? undefined : counts),
    async close() {
      clearInterval(pruner);
      await forwarder.close(CLOSE_GRACE_MS);
      await Promise.all(openers.map((each) => each.close()));
      counts.waiting = (await log.waiting()).reduce((sum, { waiting, inFlight }) => sum + waiting + inFlight, 0);
      await hold.release();
      await log.close();
      runLog.dispose();
    },
  };
}

const CLOSE_GRACE_MS = 3000;

/** Events that the user filters out are neither shown nor forwarded. */
function filteredRoutes({ settings }: Config, shown: EventPattern): Routes {
  const { forwardTo, routes, port } = settings;
  const all = createRoutes(forwardTo, routes.map(parseRoute));
  if (!all.empty && port !== 0 && [...forwardTo, ...routes].some((target) => target === String(port))) {
    throw usageError(`--forward-to ${port} is the receiver's own port`, "name the port that your app listens on");
  }
  return {
    ...all,
    targetsOf: (product, event) => (shown.matches(product, event) ? all.targetsOf(product, event) : []),
  };
}

async function waitingNotes(log: Log): Promise<readonly string[]> {
  const waiting = (await log.waiting()).reduce((sum, each) => sum + each.waiting + each.inFlight, 0);
  return waiting === 0
    ? []
    : [`${waiting} ${waiting === 1 ? "delivery waits" : "deliveries wait"} from before and go on now.`];
}

async function pruneQuietly(context: Context, log: Log): Promise<void> {
  try {
    await log.prune();
  } catch (error) {
    context.report({
      type: "warning",
      message: `the log could not be pruned: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
}

const unusedPoster: Poster = {
  post: () => Promise.reject(new Error("nothing is to be forwarded")),
  close: async () => {},
};
