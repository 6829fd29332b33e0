import type { Context } from "../../context.ts";
import { ExitCode } from "../../core/errors.ts";
import { formatBytes, formatDay, parseDuration, parseSize } from "../../core/units.ts";
import type { Log, LogRecord } from "../../store/log.ts";
import { type LogOptions, withLog } from "./open-log.ts";

export interface PruneOptions extends LogOptions {
  readonly keep?: string;
  readonly maxLog?: string;
}

export async function prune(context: Context, options: PruneOptions): Promise<ExitCode> {
  const keep = options.keep === undefined ? undefined : parseDuration(options.keep, "--keep");
  const max = options.maxLog === undefined ? undefined : parseSize(options.maxLog, "--max-log");
  return withLog(context, options, async (log, { settings }) => {
    const keepMs = keep ?? settings.keep;
    const maxBytes = max ?? settings.maxLog;
    const work = () => log.prune({ keepMs, maxBytes });
    const { removed, bytes } = await context.waiting("pruning the log", work);
    const waiting = (await log.waiting()).reduce((sum, each) => sum + each.waiting, 0);
    const first = await oldest(log);
    const what = removed === 0 ? "nothing" : removed === 1 ? "1 delivery" : `${removed} deliveries`;
    const left =
      first === undefined ? "nothing is left" : `the oldest left is #${first.n} of ${formatDay(first.receivedAt)}`;
    const kept = waiting === 0 ? "" : `; ${waiting} that ${waiting === 1 ? "waits" : "wait"} for your app stayed`;
    context.report({
      type: "text",
      text: `${what} removed; ${left}; the log takes ${formatBytes(bytes)}${kept}\n`,
      json: { type: "pruned", removed, bytes, keep_ms: keepMs, max_bytes: maxBytes, oldest: first?.n ?? null, waiting },
    });
    return ExitCode.ok;
  });
}

async function oldest(log: Log): Promise<LogRecord | undefined> {
  for await (const record of log.list({}, { order: "oldest", limit: 1 })) return record;
  return undefined;
}
