import { maskUrl } from "../delivery/mask.ts";
import type { Log, LogFilter, LogRow } from "../log/log.ts";
import type { ReportingWorkspace, Run } from "../project/workspace.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { parseDuration } from "../util/units.ts";
import { DamageReport, entryEvent, hiddenSecrets, type LoggedEvent } from "./entry.ts";
import { emptyMessage, type FilterOptions, readFilter } from "./filter.ts";
import { newestNumber } from "./open-log.ts";

interface WaitOptions extends FilterOptions {
  /** Deliveries that are returned, the newest. */
  readonly limit: number;
  /** How long to wait for one to come, at most 10 minutes: `30s`. Undefined to return what is there. */
  readonly wait?: string | undefined;
}

const POLL_MS = 200;
const MAX_WAIT_MS = 600_000;
/** Of the deliveries in one answer: a body may have a megabyte, and is in it twice. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** Enough to see what came instead. */
const MAX_NAMED = 5;

/**
 * Lists deliveries with headers and bodies, the newest first. With `wait`, once `listen` has accepted one that matches, and the
 * app, where there is one, has answered it: a rejected delivery counts only where `only` asks for it. Ends with `expectation`
 * if none came in time, and with `targetFailed` if the app did not accept one of them.
 */
export async function* listWhenThere(
  workspace: ReportingWorkspace,
  { limit, wait, ...options }: WaitOptions,
): Run<LoggedEvent> {
  const waitMs = wait === undefined ? undefined : parseDuration(wait, "wait");
  if (waitMs !== undefined && waitMs > MAX_WAIT_MS) throw usageError(`wait: ${wait} is more than 10m`);
  const products = await workspace.products({ schemas: false });
  const filter = readFilter(options, workspace.now(), products);
  const counts = (row: Pick<LogRow, "state">): boolean =>
    waitMs === undefined || filter.only !== undefined || row.state !== "rejected";
  const { log, close } = await workspace.openLog();
  try {
    if (waitMs !== undefined) {
      const late = await untilThere(workspace, log, { filter, counts, waitMs });
      if (late !== undefined) {
        const name = options.event?.join(", ") ?? "event";
        workspace.report({ type: "notice", message: `no ${name} came within ${wait}: ${late}` });
        return ExitCode.expectation;
      }
    }
    const damage = new DamageReport(workspace);
    const { onDamaged } = damage;
    const { signal } = workspace;
    const hidden = hiddenSecrets(workspace, workspace);
    let count = 0;
    let bytes = 0;
    let hasFailed = false;
    for await (const entry of log.entries(filter, { onDamaged, signal })) {
      if (!counts(entry)) continue;
      bytes += entry.delivery.body.length;
      if (count === limit || (count > 0 && bytes > MAX_BODY_BYTES)) {
        workspace.report({ type: "notice", message: `these are the newest ${count}: there are more` });
        break;
      }
      count++;
      hasFailed ||= entry.state === "failed";
      yield entryEvent(products, entry, hidden);
    }
    damage.report();
    if (count === 0) workspace.report({ type: "notice", message: emptyMessage(options, filter, log.path) });
    return hasFailed && waitMs !== undefined ? ExitCode.targetFailed : damage.exitCode;
  } finally {
    await close();
  }
}

interface Awaited {
  readonly filter: LogFilter;
  counts(row: LogRow): boolean;
  readonly waitMs: number;
}

/** Resolves once one of the deliveries has its result; at the end of the time, to what is there instead. */
async function untilThere(
  workspace: ReportingWorkspace,
  log: Log,
  { filter, counts, waitMs }: Awaited,
): Promise<string | undefined> {
  const { signal } = workspace;
  const until = performance.now() + waitMs;
  const start = await newestNumber(log);
  /** Came, and wait for the app. */
  const pending = new Map<number, LogRow>();
  let after = 0;
  for (;;) {
    const newest = await newestNumber(log);
    for await (const row of log.rows({ ...filter, after }, { signal, onDamaged() {} })) {
      if (!counts(row)) continue;
      if (row.state !== "waiting") return undefined;
      pending.set(row.n, row);
    }
    after = newest;
    for (const n of pending.keys()) {
      const row = await log.row(n);
      if (row !== undefined && row.state !== "waiting") return undefined;
    }
    signal.throwIfAborted();
    if (performance.now() >= until) break;
    await workspace.sleep(POLL_MS, signal);
  }
  const [waiting] = pending.values();
  if (waiting !== undefined) return `${nameOf(waiting)} has come, and still waits for your app`;
  const others: string[] = [];
  const since = filter.since === undefined ? { after: start } : { since: filter.since };
  for await (const row of log.rows(since, { limit: MAX_NAMED, onDamaged() {} })) others.push(nameOf(row));
  return others.length === 0 ? "nothing came" : `what came: ${others.join("; ")}`;
}

/** `#7 crm Leads.create, answered 401: wrong token` */
function nameOf({ n, product, event, method, url, secretFields, state, status, refusal }: LogRow): string {
  const what = event === undefined ? `${method} ${maskUrl(url, secretFields)}` : `${product ?? "?"} ${event}`;
  return `#${n} ${what}${state === "rejected" ? `, answered ${status ?? "nothing"}: ${refusal ?? "refused"}` : ""}`;
}
