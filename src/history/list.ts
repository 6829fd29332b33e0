import type { StatsReport } from "../log/lines.ts";
import { isCustomEvent } from "../model/event-names.ts";
import type { NoticeReport, Progress, TextReport } from "../process/messages.ts";
import { type EventReport, eventReport } from "../receiver/event-report.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { isStdoutClosed } from "../util/timing.ts";
import { parseInteger } from "../util/units.ts";
import type { ReportingWorkspace, Run, Workspace } from "../workspace/workspace.ts";
import { curlOf } from "./curl.ts";
import { DamageReport, dayHeadings, entryEvent, hiddenSecrets } from "./entry.ts";
import { emptyMessage, type FilterOptions, readFilter } from "./filter.ts";
import { type EventNumber, explainCommand, requireEntry, requireWholeBody, useLog } from "./open-log.ts";

export interface ListOptions extends FilterOptions {
  readonly limit?: string;
  readonly all?: boolean;
}

/** Lists deliveries, the newest first. */
export async function* list(workspace: ReportingWorkspace, options: ListOptions): Run<EventReport> {
  const limit = readLimit(options);
  const products = await workspace.products({ schemas: false });
  const filter = readFilter(options, workspace.now(), products);
  const hidden = hiddenSecrets(workspace, workspace);
  const headingOf = dayHeadings(workspace.now());
  const damage = new DamageReport(workspace);
  const { onDamaged } = damage;
  let progress: Progress | undefined;
  const onSearched = (searched: number, total: number): void => {
    progress ??= workspace.progress(total);
    progress.advance(searched, 0);
  };
  const { log, close } = await workspace.openLog();
  try {
    let count = 0;
    // One more than is shown, to find out whether there are more.
    for await (const entry of log.entries(filter, { limit: limit + 1, onDamaged, onSearched })) {
      progress?.end();
      // `| head` closes the pipe once it has enough; what Ctrl-C cut short is not the whole list.
      if (isStdoutClosed(workspace.signal)) return ExitCode.ok;
      if (workspace.signal.aborted) throw workspace.signal.reason;
      if (count === limit) {
        workspace.report({ type: "notice", message: `showing the newest ${count}; use --limit or --all for more` });
        break;
      }
      count++;
      yield eventReport(entryEvent(products, entry, hidden, { heading: headingOf(entry.receivedAt) }));
    }
    progress?.end();
    damage.report();
    if (count === 0 && damage.exitCode === ExitCode.ok)
      workspace.report({ type: "notice", message: emptyMessage(options, filter, log.path) });
    return damage.exitCode;
  } finally {
    await close();
  }
}

/** Throws a usage error for a number that is too low or high. */
export function readLimit({ all, limit }: ListOptions, least = 1): number {
  if (all && limit !== undefined) throw usageError("--all and --limit cannot be combined");
  return all ? Number.POSITIVE_INFINITY : parseInteger(limit ?? "50", "--limit", least, 1_000_000_000);
}

/** One delivery in full. */
export async function show(workspace: Workspace, n: EventNumber): Promise<EventReport> {
  const entry = await useLog(workspace, (log) => requireEntry(log, n));
  const event = entryEvent(await workspace.products({ schemas: false }), entry, hiddenSecrets(workspace, workspace));
  const isCut = event.logged.cutTo !== undefined;
  const why = isCut ? undefined : explainCommand(workspace, workspace.config, entry.n, entry.verdicts);
  return eventReport(event, { explainCommand: why, details: event });
}

/** The curl command that posts one delivery to the local receiver again, and whether it lacks its secrets. */
export async function showAsCurl(
  workspace: Workspace,
  n: EventNumber,
): Promise<readonly [TextReport, ...NoticeReport[]]> {
  const entry = await useLog(workspace, async (log) => requireWholeBody(await requireEntry(log, n)));
  const event = entryEvent(await workspace.products({ schemas: false }), entry, hiddenSecrets(workspace, workspace));
  const command = await curlOf(workspace, event);
  if (!event.logged.masked) return [command];
  const message = "secrets are masked, so the receiver cannot verify it; --show-secrets prints it as it came";
  return [command, { type: "notice", message }];
}

/** Counts deliveries. */
export async function stats(workspace: Workspace, options: FilterOptions): Promise<StatsReport> {
  const products = await workspace.products({ schemas: false });
  const filter = readFilter(options, workspace.now(), products);
  return useLog(workspace, async (log) => {
    const {
      total,
      products: byProduct,
      periods,
      latencyMs,
    } = await log.stats(filter, {
      isCustom: (event) => isCustomEvent(products, event),
    });
    return {
      type: "stats",
      ...total,
      products: byProduct,
      hours: periods.map(({ at, product, counts }) => ({ at: at.toJSON(), product, ...counts })),
      latency_ms: latencyMs ?? null,
      person: { ifEmpty: emptyMessage(options, filter, log.path) },
    };
  });
}
