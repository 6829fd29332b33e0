import { maskUrl } from "../delivery/mask.ts";
import type { Log, LogFilter, LogRow } from "../log/log.ts";
import { eventPatterns } from "../model/event-names.ts";
import { requireKnownEvent } from "../own-products/project-products.ts";
import { type EventReport, eventReport } from "../receiver/event-report.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { formatAge, parseDuration } from "../util/units.ts";
import type { ReportingWorkspace, Run } from "../workspace/workspace.ts";
import { changes } from "./changes.ts";
import { DamageReport, entryEvent, hiddenSecrets } from "./entry.ts";
import { emptyMessage, type FilterOptions, readFilter } from "./filter.ts";
import { lockOwner } from "./running-listener.ts";

interface WaitOptions extends FilterOptions {
  /** Deliveries that are returned, the newest. */
  readonly limit: number;
  /** Only higher numbers. */
  readonly after?: number | undefined;
  /** How long to wait for one to come, at most 10 minutes: `30s`. Undefined to return what is there. */
  readonly wait?: string | undefined;
}

const MAX_WAIT_MS = 600_000;
/** Bodies may have to be read for a filter: a short wait leaves that time. */
const MIN_SEARCH_MS = 2000;
/** Of what is there when the wait begins, the newest that match. */
const MAX_EARLIER = 1000;
/** Of the deliveries in one answer: a body may have a megabyte, and is in it twice. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** Enough to see what came instead. */
const MAX_NAMED = 5;

/**
 * Lists deliveries with headers and bodies, the newest first. With `wait`, once one is there that `listen` has accepted, and the
 * app, where there is one, has answered all that match; a rejected one counts only where `only` asks for it, and one that
 * `--events` keeps from the app does not. Ends with
 * `expectation` if none came in time, and with `targetFailed` if the app did not accept one of them, unless `only` asked for those.
 */
export async function* listWhenThere(
  workspace: ReportingWorkspace,
  { limit, after = 0, wait, ...options }: WaitOptions,
): Run<EventReport> {
  const products = await workspace.products({ schemas: false });
  const first = Math.max(after, workspace.runDeliveries?.removedUpTo ?? 0);
  const filter = { ...readFilter(options, workspace.now(), products), after: first };
  const { log, close } = await workspace.openLog();
  try {
    const { signal } = workspace;
    const isAwaited = awaitedBy(workspace, filter);
    const isCandidate = (row: EventOutcome): boolean => wait === undefined || isAwaited(row);
    let waiting: LogRow | undefined;
    if (wait !== undefined) {
      for (const event of filter.events ?? []) requireKnownEvent(products, event, "event");
      const awaited = await untilThere(workspace, log, { filter, isCandidate, waitMs: parseWait(wait) });
      if (awaited === "missing") {
        const message = `no ${filter.events?.join(", ") ?? "event"} came within ${wait}; ${await whatCame(workspace, log, first)}`;
        workspace.report({ type: "notice", message });
        return ExitCode.expectation;
      }
      if (awaited !== "there") waiting = awaited;
    }
    const damage = new DamageReport(workspace);
    const { onDamaged } = damage;
    const hidden = hiddenSecrets(workspace, workspace);
    let count = 0;
    let bytes = 0;
    for await (const entry of log.entries(filter, { onDamaged, signal })) {
      if (!isCandidate(entry)) continue;
      bytes += entry.delivery.body.length;
      if (count === limit || (count > 0 && bytes > MAX_BODY_BYTES)) {
        workspace.report({ type: "notice", message: `these are the newest ${count}: there are more` });
        break;
      }
      count++;
      yield eventReport(entryEvent(products, entry, hidden));
    }
    damage.report();
    if (count === 0)
      workspace.report({
        type: "notice",
        message: emptyMessage(options, filter, log.path),
      });
    if (waiting !== undefined)
      workspace.report({ type: "notice", message: `${nameOf(waiting)}: ${whyWaiting(waiting)}` });
    if (wait === undefined) return damage.exitCode;
    if (count === 0) return ExitCode.expectation;
    return waiting !== undefined || (await hasFailed(log, filter)) ? ExitCode.targetFailed : damage.exitCode;
  } finally {
    await close();
  }
}

type EventOutcome = Pick<LogRow, "product" | "event" | "state">;

/** Whether `listen` has accepted a delivery, and `--events` does not keep it from the app; a rejected one only if it is asked for. */
function awaitedBy({ config }: ReportingWorkspace, { only }: LogFilter) {
  const forwarded = eventPatterns(config.settings.events);
  return ({ product, event, state }: EventOutcome): boolean =>
    state === "rejected" ? only !== undefined : forwarded.matches(product, event);
}

function parseWait(wait: string): number {
  const waitMs = parseDuration(wait, "wait");
  if (waitMs > MAX_WAIT_MS) throw usageError(`wait: ${wait} is more than 10m`);
  return waitMs;
}

interface Awaited {
  readonly filter: LogFilter;
  isCandidate(row: EventOutcome): boolean;
  readonly waitMs: number;
}

/** Resolves once some that match are there and none of them waits for the app; at the end of the time, to one that still waits. */
async function untilThere(
  { signal }: ReportingWorkspace,
  log: Log,
  { filter, isCandidate, waitMs }: Awaited,
): Promise<"there" | "missing" | LogRow> {
  const until = performance.now() + waitMs;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(Math.max(waitMs, MIN_SEARCH_MS))]);
  const waiting = new Map<number, LogRow>();
  let isThere = false;
  const note = (row: LogRow): void => {
    waiting.delete(row.n);
    if (row.state === "waiting") waiting.set(row.n, row);
    else isThere ||= isCandidate(row);
  };
  const look = async (range: Pick<LogFilter, "after" | "before">, limit = Number.POSITIVE_INFINITY): Promise<void> => {
    for await (const row of log.rows({ ...filter, ...range }, { limit, signal: limited, onDamaged() {} })) note(row);
  };
  const isDone = (): boolean => isThere && waiting.size === 0;
  const from = await log.ends();
  await look({}, MAX_EARLIER);
  const following = isDone() ? [] : changes(log, { from, filter, signal: limited, until, onDamaged() {} });
  for await (const { rows, attempts } of following) {
    rows.forEach(note);
    // Only now may they match `only: failed`.
    for (const n of new Set(attempts.map((each) => each.n))) await look({ after: n - 1, before: n + 1 });
    if (isDone()) break;
  }
  signal.throwIfAborted();
  if (isDone()) return "there";
  const [oldest] = waiting.values();
  return oldest ?? "missing";
}

function whyWaiting({ lastAttempt }: LogRow): string {
  if (lastAttempt === undefined) return "it still waits for your app";
  const { status } = lastAttempt;
  return `your app ${status === undefined ? "did not answer" : `answered ${status}`}, and listen tries it again`;
}

async function hasFailed(log: Log, filter: LogFilter): Promise<boolean> {
  if (filter.only !== undefined) return false;
  for await (const _ of log.rows({ ...filter, only: ["failed"] }, { limit: 1, onDamaged() {} })) return true;
  return false;
}

/** The newest deliveries after a number, whatever they are. */
async function whatCame({ config, listenerUrl, now }: ReportingWorkspace, log: Log, after: number): Promise<string> {
  const isListening = listenerUrl !== undefined || (await lockOwner(config).catch(() => undefined)) !== undefined;
  const hint = isListening ? "" : "; no listen is running in this project";
  const forwarded = eventPatterns(config.settings.events);
  const names: string[] = [];
  for await (const row of log.rows({ after }, { limit: MAX_NAMED, onDamaged() {} })) {
    const isKept = row.state !== "rejected" && !forwarded.matches(row.product, row.event);
    const age = formatAge(now().getTime() - row.receivedAt.getTime());
    names.push(`${nameOf(row)}${isKept ? ", not one of the setting events" : ""} (${age} ago)`);
  }
  return `${names.length === 0 ? "nothing came" : `the newest are ${names.join("; ")}`}${hint}`;
}

/** `#7 crm Leads.create, answered 401: wrong token` */
function nameOf({ n, product, event, method, url, secretFields, state, status, refusal }: LogRow): string {
  const what = event === undefined ? `${method} ${maskUrl(url, secretFields)}` : `${product ?? "?"} ${event}`;
  return `#${n} ${what}${state === "rejected" ? `, answered ${status ?? "nothing"}: ${refusal ?? "refused"}` : ""}`;
}
