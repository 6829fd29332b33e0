import type { LogStats } from "../log/log.ts";
import { type Activity, SPANS, type Span } from "./api.ts";
import type { SharedLog } from "./shared-log.ts";

/** Counts the deliveries of each period of a span: the last one, or where nothing came in it, that of the newest delivery. */
export function readActivity(log: SharedLog, span: Span, now: Date): Promise<Activity> {
  const { periodMs } = SPANS[span];
  const nothing = { span, since: startOf(span, now).toISOString(), periods: [], latency: null };
  return log.use(async (open): Promise<Activity> => {
    let newest = now;
    for await (const { receivedAt } of open.rows({}, { limit: 1, onDamaged() {} })) newest = receivedAt;
    const since = startOf(span, newest < startOf(span, now) ? newest : now);
    const { periods, latencyMs } = await open.stats({ since }, { periodMs });
    return {
      span,
      since: since.toISOString(),
      periods: sumsOf(periods),
      latency: latencyMs === undefined ? null : { p50: latencyMs.p50, p99: latencyMs.p99 },
    };
  }, nothing);
}

/** When the span began that ends with the period of a time. */
function startOf(span: Span, time: Date): Date {
  const { count, periodMs } = SPANS[span];
  return new Date((Math.floor(time.getTime() / periodMs) + 1 - count) * periodMs);
}

/** Sums over the products of each period. */
function sumsOf(periods: LogStats["periods"]): Activity["periods"] {
  const sums = new Map<string, Activity["periods"][number]>();
  for (const { at: start, counts } of periods) {
    const at = start.toISOString();
    const { waiting = 0, delivered = 0, failed = 0, rejected = 0, other = 0 } = sums.get(at) ?? {};
    const settled = counts.waiting + counts.delivered + counts.failed + counts.rejected;
    sums.set(at, {
      at,
      waiting: waiting + counts.waiting,
      delivered: delivered + counts.delivered,
      failed: failed + counts.failed,
      rejected: rejected + counts.rejected,
      other: other + counts.received - settled,
    });
  }
  return [...sums.values()];
}
