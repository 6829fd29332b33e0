import { Counter, Gauge, Histogram, type OpenMetricsContentType, Registry } from "prom-client";
import { maskUrl } from "../delivery/mask.ts";
import type { Log, NewAttempt } from "../log/log.ts";
import type { ReceivedEvent } from "../receiver/event-report.ts";
import { oneLine } from "../util/text.ts";

/** Why a delivery was rejected, by the status of the answer: the full reasons may quote it. */
const REASONS: Readonly<Record<number, string>> = {
  400: "unreadable",
  401: "signature",
  403: "address",
  404: "unknown",
  405: "method",
  413: "size",
  415: "encoding",
  422: "invalid",
  503: "not_recorded",
};
/** Seconds: from a commit on a local disk to Zoho's patience. */
const APPEND_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The counts of a process as OpenMetrics (https://prometheus.io/docs/specs/om/open_metrics_spec/), and what waits in its log. */
export function createMetrics(now: () => Date) {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const metrics = registerMetrics(registry);
  let watched: Log | undefined;

  const labelOf = (target: string): string => oneLine(maskUrl(target));
  const countAttempt = ({ target, status }: NewAttempt): void =>
    metrics.attempts.inc({ target: labelOf(target), status: status ?? "none" });

  /** Leaves out waiting deliveries while the log does not answer. Without a log nothing can fail to be recorded. */
  async function readLog(): Promise<void> {
    const isUp = await (watched?.checkReady() ?? Promise.resolve()).then(
      () => true,
      () => false,
    );
    const counts = (isUp ? await watched?.queue.waiting().catch(() => []) : []) ?? [];
    metrics.up.set(Number(isUp));
    if (isUp) metrics.reconstructed.set((await watched?.countReconstructed().catch(() => undefined)) ?? 0);
    metrics.waiting.reset();
    metrics.oldest.reset();
    for (const { target, waiting: count, oldestAt } of counts) {
      const labels = { target: labelOf(target) };
      metrics.waiting.inc(labels, count);
      if (oldestAt !== undefined) metrics.oldest.set(labels, Math.max(0, now().getTime() - oldestAt.getTime()) / 1000);
    }
  }

  return {
    contentType: registry.contentType,
    onEvent({ receipt, status, refusal, duplicateOf }: ReceivedEvent): void {
      metrics.received.inc({ product: receipt.product ?? "unknown" });
      if (refusal !== undefined) metrics.rejected.inc({ reason: REASONS[status ?? 0] ?? "other" });
      else if (duplicateOf !== undefined) metrics.duplicates.inc();
    },
    /** The log, with its writes counted. */
    watch(log: Log): Log {
      watched = log;
      return {
        ...log,
        async append(entry) {
          const stop = metrics.appends.startTimer();
          try {
            const appended = await log.append(entry);
            stop();
            return appended;
          } catch (error) {
            metrics.failures.inc();
            throw error;
          }
        },
        queue: {
          ...log.queue,
          async complete(claim, attempt, outcome) {
            const completed = await log.queue.complete(claim, attempt, outcome);
            countAttempt(attempt);
            if (completed === "lost") metrics.lost.inc();
            else if (outcome.state === "failed") metrics.givenUp.inc({ target: labelOf(attempt.target) });
            return completed;
          },
        },
        recordAttempt(n, attempt) {
          countAttempt(attempt);
          return log.recordAttempt(n, attempt);
        },
      };
    },
    async text(): Promise<string> {
      await readLog();
      return registry.metrics();
    },
  };
}

function registerMetrics(registry: Registry<OpenMetricsContentType>) {
  const registers = [registry];
  const named = <Name extends string>(name: string, help: string, ...labelNames: Name[]) => {
    return { name: `zoho_hooks_${name}`, help, labelNames, registers };
  };
  return {
    received: new Counter(named("received_total", "Deliveries received, whatever the answer", "product")),
    rejected: new Counter(named("rejected_total", "Deliveries answered with an error", "reason")),
    duplicates: new Counter(named("duplicates_total", "Accepted deliveries that repeat one of the last 24 h")),
    attempts: new Counter(
      named("attempts_total", "Requests to targets; status none where no answer came", "target", "status"),
    ),
    givenUp: new Counter(
      named(
        "deliveries_given_up_total",
        "Deliveries that failed: no attempt follows, zoho-hooks replay sends them again",
        "target",
      ),
    ),
    lost: new Counter(named("lease_losses_total", "Attempts whose claim had ended before they were recorded")),
    appends: new Histogram({
      ...named("append_seconds", "Time to commit a delivery, before it is answered"),
      buckets: APPEND_BUCKETS,
    }),
    failures: new Counter(named("append_failures_total", "Deliveries that could not be recorded")),
    up: new Gauge(named("log_up", "Whether deliveries can be recorded: 0 where /readyz answers unavailable")),
    waiting: new Gauge(named("waiting", "Deliveries of the whole log that wait for a target", "target")),
    oldest: new Gauge(named("oldest_waiting_seconds", "Age of the oldest delivery that waits", "target")),
    reconstructed: new Gauge(named("reconstructed", "Deliveries of the whole log that zoho-hooks reconcile made")),
  };
}
