import { maskUrl } from "../delivery/mask.ts";
import { originOf, portOf } from "../delivery/target.ts";
import type { Log, LogRow, Retention } from "../log/log.ts";
import type { TextReport } from "../process/messages.ts";
import type { Sink } from "../project/context.ts";
import { usageError } from "../util/errors.ts";
import { counted, formatBytes, formatDay, parseDuration, parseSize } from "../util/units.ts";
import type { ReportingWorkspace } from "../workspace/workspace.ts";
import { useLog } from "./open-log.ts";

export interface PruneOptions {
  readonly keep?: string;
  readonly maxLog?: string;
  readonly giveUp?: readonly string[];
}

/** Removes deliveries from the log. */
export async function prune(workspace: ReportingWorkspace, options: PruneOptions): Promise<TextReport> {
  const keep = options.keep === undefined ? undefined : parseDuration(options.keep, "--keep");
  const maxLog = options.maxLog === undefined ? undefined : parseSize(options.maxLog, "--max-log");
  const { settings } = workspace.config;
  const limits = { keepMs: keep ?? settings.keep, maxBytes: maxLog ?? settings.maxLog };
  return useLog(workspace, async (log) => {
    for (const text of options.giveUp ?? []) await giveUp(workspace, log, text);
    return pruneLog(workspace, log, limits);
  });
}

/**
 * Removes what the `listen` of this API has received, but for what still waits for the app: that no longer counts. Throws a usage
 * error where that cannot be told from what was saved before.
 */
export async function removeRunDeliveries(workspace: ReportingWorkspace): Promise<TextReport> {
  const { runDeliveries } = workspace;
  if (runDeliveries === undefined)
    throw usageError(
      "only the API of listen --ui, with a log of its own, removes deliveries: those of that run",
      "leave out what came before with GET /v1/events?after=<n>",
    );
  return useLog(workspace, async (log) => {
    const { newest } = await log.ends();
    const { startedAfter } = runDeliveries;
    const report = await pruneLog(workspace, log, { keepMs: 0, after: startedAfter });
    runDeliveries.removedUpTo = Math.max(newest, runDeliveries.removedUpTo);
    return report;
  });
}

async function pruneLog(
  workspace: ReportingWorkspace,
  log: Log,
  limits: Retention & { readonly keepMs: number },
): Promise<TextReport> {
  const work = () => log.prune(limits);
  const { removed, bytes } = await workspace.waiting("pruning the log", work);
  const waiting = (await log.queue.waiting()).reduce((sum, each) => sum + each.waiting, 0);
  const first = await oldest(log);
  const what = removed === 0 ? "nothing" : counted(removed, "delivery", "deliveries");
  const left =
    first === undefined ? "nothing is left" : `the oldest left is #${first.n} of ${formatDay(first.receivedAt)}`;
  const stayed = waiting === 0 ? "" : `; ${counted(waiting, "delivery", "deliveries")} waiting for your app`;
  return {
    type: "text",
    text: `${what} removed; ${left}; the log takes ${formatBytes(bytes)}${stayed}\n`,
    prose: true,
    json: {
      type: "pruned",
      removed,
      bytes,
      keep_ms: limits.keepMs,
      max_bytes: limits.maxBytes ?? workspace.config.settings.maxLog,
      oldest: first?.n ?? null,
      waiting,
    },
  };
}

/** For an app that will never listen again: what waits for it is never pruned. */
async function giveUp(sink: Pick<Sink, "report">, log: Log, text: string): Promise<void> {
  const targets = (await log.queue.waiting()).map(({ target }) => target);
  const meant = targets.filter((target) => namesOf(target).includes(text));
  if (meant.length === 0) {
    throw usageError(
      `--give-up ${maskUrl(text)}: no delivery waits for it`,
      targets.length === 0
        ? "no delivery waits for any target"
        : `deliveries wait for ${targets.map((target) => maskUrl(target)).join(", ")}`,
    );
  }
  for (const target of meant) {
    const count = await log.queue.giveUp(target);
    const message = `${counted(count, "delivery", "deliveries")} to ${maskUrl(target)} marked as failed`;
    sink.report({ type: "notice", message });
  }
}

/** The ways to write a target. */
function namesOf(target: string): readonly string[] {
  if (!URL.canParse(target)) return [target];
  return [target, originOf(target), new URL(target).host, String(portOf(target))];
}

async function oldest(log: Log): Promise<LogRow | undefined> {
  for await (const row of log.rows({}, { order: "oldest", limit: 1, onDamaged() {} })) return row;
  return undefined;
}
