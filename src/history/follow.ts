import { isSuccess } from "../delivery/delivery.ts";
import type { KnownSecrets } from "../delivery/secrets.ts";
import { originOf } from "../delivery/target.ts";
import type { ForwardReport } from "../forward/lines.ts";
import type { FollowedAttempt, Log, LogEntry, LogFilter, LogRow } from "../log/log.ts";
import type { Product } from "../model/product.ts";
import { type EventReport, eventReport } from "../receiver/event-report.ts";
import { type ExitCode, UserError, usageError } from "../util/errors.ts";
import { rounded } from "../util/json-line.ts";
import type { ReportingWorkspace } from "../workspace/workspace.ts";
import { changes } from "./changes.ts";
import { DamageReport, dayHeadings, entryEvent, hiddenSecrets, maskerOf } from "./entry.ts";
import { type FilterOptions, isFiltered, readFilter } from "./filter.ts";
import { type ListOptions, readLimit } from "./list.ts";
import { useLog } from "./open-log.ts";

/** With a filter, forwarding is shown for this many of the latest deliveries that passed it. */
const MAX_REMEMBERED = 10_000;

interface FollowOptions {
  readonly log: Log;
  readonly filter: LogFilter;
  readonly options: FilterOptions;
  drain(): Promise<unknown>;
  readonly products: readonly Product[];
  /** Deliveries that are shown first, the newest of the log. */
  readonly limit: number;
}

/** Shows what another process writes to the log, until Ctrl-C. `drain` waits for a slow reader of the output. */
export async function follow(
  workspace: ReportingWorkspace<EventReport | ForwardReport>,
  options: ListOptions,
  drain: () => Promise<unknown>,
): Promise<ExitCode> {
  if (options.until !== undefined)
    throw usageError("--follow and --until cannot be combined: --follow shows what comes from now on");
  const limit = readLimit(options, 0);
  const products = await workspace.products({ schemas: false });
  const filter = readFilter(options, workspace.now(), products);
  if (filter.only?.includes("failed"))
    throw usageError("--follow and --only failed cannot be combined: a delivery that has just come has not failed yet");
  return useLog(workspace, (log) => followLog(workspace, { log, filter, options, products, limit, drain }));
}

async function followLog(
  workspace: ReportingWorkspace<EventReport | ForwardReport>,
  { log, filter, options, products, limit, drain }: FollowOptions,
): Promise<ExitCode> {
  const damage = new DamageReport(workspace);
  const { onDamaged } = damage;
  const hidden = hiddenSecrets(workspace, workspace);
  const hasFilter = isFiltered(options);
  const headingOf = dayHeadings(workspace.now());
  const shown = new Set<number>();
  const from = await log.ends();
  let app: string | undefined;

  const show = (entry: LogEntry, fresh: boolean): void => {
    workspace.report(eventReport(entryEvent(products, entry, hidden, { heading: headingOf(entry.receivedAt), fresh })));
    if (!hasFilter) return;
    shown.add(entry.n);
    const [oldest] = shown;
    if (shown.size > MAX_REMEMBERED && oldest !== undefined) shown.delete(oldest);
  };
  const showLast = async (): Promise<void> => {
    let first = from.newest + 1;
    // Damaged ones are reported by the loop below.
    for await (const { n } of log.rows(filter, { limit, onDamaged() {} })) first = Math.min(first, n);
    for await (const entry of log.entries({ ...filter, after: first - 1 }, { order: "oldest", onDamaged })) {
      await drain();
      if (workspace.signal.aborted || entry.n > from.newest) break;
      show(entry, false);
    }
    damage.report();
  };
  const showNew = async (rows: readonly LogRow[]): Promise<void> => {
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined) return;
    // Rows have no bodies, which are read one by one.
    const range = { ...filter, after: first.n - 1, before: last.n + 1 };
    for await (const entry of log.entries(range, { order: "oldest", onDamaged })) {
      await drain();
      if (workspace.signal.aborted) return;
      show(entry, true);
    }
  };
  const showAttempt = async (attempt: FollowedAttempt): Promise<void> => {
    if (hasFilter && !shown.has(attempt.n)) return;
    const origin = originOf(attempt.target);
    const forward = await forwardOf(log, attempt, { hidden, showTarget: origin !== app });
    if (forward === undefined) return;
    app = origin;
    workspace.report(forward);
  };

  if (limit > 0) await showLast();
  workspace.report({ type: "notice", message: `following ${log.path}; press Ctrl-C to stop` });
  for await (const { rows, attempts } of changes(log, { from, filter, signal: workspace.signal, onDamaged })) {
    await showNew(rows);
    damage.report();
    for (const attempt of attempts) {
      if (workspace.signal.aborted) break;
      await showAttempt(attempt);
    }
  }
  return damage.exitCode;
}

/** Undefined where the delivery cannot be read, since it alone shows what is secret in it. */
async function forwardOf(
  log: Log,
  { n, at, attempt, status, latencyMs, error, target, reply = "" }: FollowedAttempt,
  { hidden, showTarget }: { readonly hidden: KnownSecrets | undefined; readonly showTarget: boolean },
): Promise<ForwardReport | undefined> {
  const entry = await log.get(n).catch((cause: unknown) => {
    if (cause instanceof UserError && cause.code === "log-damaged") return "damaged" as const;
    throw cause;
  });
  if (entry === "damaged") return undefined;
  const masker = maskerOf(entry?.verdicts ?? [], hidden);
  const forward = entry?.forwards.find((each) => each.target === target);
  const ok = error === undefined && isSuccess(status);
  // Later attempts may have been made already.
  const isGivenUp = forward?.state === "failed" && attempt >= forward.attempts;
  return {
    type: "forward",
    n,
    at: at.toJSON(),
    attempt,
    target: masker.url(target),
    status: status ?? null,
    latency_ms: rounded(latencyMs),
    error: error ?? null,
    hint: null,
    state: ok ? "delivered" : forward === undefined ? "single" : isGivenUp ? "failed" : "retry",
    retry_in_ms: null,
    person: { showTarget, reply: masker.text(reply) },
  };
}
