import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import type { ForwardCounts } from "../../core/report.ts";
import { isDelivered } from "../../delivery/answer-hint.ts";
import { createForwarder } from "../../delivery/forwarder.ts";
import { keepingLedger } from "../../delivery/keeping-ledger.ts";
import { createMirror, MIRROR_BUDGET_MS } from "../../delivery/mirror.ts";
import { openPoster, type Poster } from "../../delivery/post.ts";
import type { Ledger } from "../../receiver/ledger.ts";
import type { Log } from "../../store/log.ts";
import type { RunRoutes } from "./routes.ts";

/** How a run's deliveries get to the developer's app. */
export interface Forwarding {
  readonly ledger: Ledger;
  readonly notes: readonly string[];
  /** Goes on with what waits from an earlier run. */
  start(): Promise<void>;
  /** `waiting` is known once it is closed. */
  counts(): ForwardCounts;
  hurry(): void;
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 3000;
/** Only the holder of the log claims, and it frees what a holder before it had: a claim need not end by itself. */
const LEASE_MS = 7 * 86_400_000;

export async function openForwarding(
  context: Context,
  { settings, env }: Config,
  log: Log,
  routes: RunRoutes,
): Promise<Forwarding> {
  const { concurrency, forwardTimeout, insecure } = settings;
  const open = (timeoutMs: number): Promise<Poster> =>
    openPoster({ connections: concurrency, insecure, env, timeoutMs });
  const counts = { delivered: 0, failed: 0, waiting: 0 };
  const onTrouble = (message: string): void => context.report({ type: "warning", message });
  const poster = await open(forwardTimeout);
  // A proxy that cannot be used is found here, before the first event.
  for (const target of routes.targets) poster.isDirect(target);
  const forwarder = createForwarder({
    log,
    poster,
    retry: { retries: settings.retries, baseMs: settings.retryBase },
    concurrency,
    leaseMs: LEASE_MS,
    now: context.now,
    onReport(report) {
      if (report.state === "delivered") counts.delivered++;
      if (report.state === "failed") counts.failed++;
      context.report(report);
    },
    onTarget: context.report,
    onTrouble,
  });
  const isMirrored = settings.respond === "mirror";
  const mirrorPoster = isMirrored ? await open(Math.min(forwardTimeout, MIRROR_BUDGET_MS)) : undefined;
  const mirror =
    mirrorPoster &&
    createMirror({
      log,
      poster: mirrorPoster,
      now: context.now,
      onReport(report) {
        counts[isDelivered(report) ? "delivered" : "failed"]++;
        context.report(report);
      },
      onTrouble,
    });
  const waiting = async () => (await log.waiting()).filter(({ target }) => routes.has(target));

  return {
    ledger: keepingLedger({ log, routes, forwarder, mirror, ordered: settings.ordered, leaseMs: LEASE_MS }),
    notes: [`Forwarding to ${routes.texts.join(", ")}${isMirrored ? "; its answer is the sender's" : ""}.`],
    async start() {
      forwarder.wake((await waiting()).map(({ target }) => target));
    },
    counts: () => counts,
    hurry: () => mirror?.cut(),
    async close() {
      await forwarder.close(CLOSE_GRACE_MS);
      await Promise.all([poster.close(), mirrorPoster?.close()]);
      counts.waiting = (await waiting()).reduce((sum, each) => sum + each.waiting + each.inFlight, 0);
    },
  };
}
