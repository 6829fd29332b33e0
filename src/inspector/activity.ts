import type { LogStats } from "../log/log.ts";
import type { Activity } from "./api.ts";
import type { SharedLog } from "./shared-log.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Counts the deliveries of each minute of an hour: the last one, or where nothing came in it, that of the newest delivery. */
export function readActivity(log: SharedLog, now: Date): Promise<Activity> {
  const nothing = { since: hourBefore(now).toISOString(), minutes: [], latency: null };
  return log.use(async (open): Promise<Activity> => {
    let newest = now;
    for await (const { receivedAt } of open.rows({}, { limit: 1, onDamaged() {} })) newest = receivedAt;
    const since = hourBefore(newest.getTime() < now.getTime() - HOUR_MS ? newest : now);
    const { periods, latencyMs } = await open.stats({ since }, { periodMs: MINUTE_MS });
    return {
      since: since.toISOString(),
      minutes: minutesOf(periods),
      latency: latencyMs === undefined ? null : { p50: latencyMs.p50, p99: latencyMs.p99 },
    };
  }, nothing);
}

/** When the hour began that ends with the minute of a time. */
function hourBefore(time: Date): Date {
  return new Date((Math.floor(time.getTime() / MINUTE_MS) + 1) * MINUTE_MS - HOUR_MS);
}

/** Sums over the products of each minute. */
function minutesOf(periods: LogStats["periods"]): Activity["minutes"] {
  const minutes = new Map<string, Activity["minutes"][number]>();
  for (const { at: start, counts } of periods) {
    const at = start.toISOString();
    const { waiting = 0, delivered = 0, failed = 0, rejected = 0, other = 0 } = minutes.get(at) ?? {};
    const settled = counts.waiting + counts.delivered + counts.failed + counts.rejected;
    minutes.set(at, {
      at,
      waiting: waiting + counts.waiting,
      delivered: delivered + counts.delivered,
      failed: failed + counts.failed,
      rejected: rejected + counts.rejected,
      other: other + counts.received - settled,
    });
  }
  return [...minutes.values()];
}
