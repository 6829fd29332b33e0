import type { Command } from "commander";
import { refuseForeignLog } from "../../config/event-log.ts";
import { type Config, type LoadOptions, loadConfig } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { usageError } from "../../core/errors.ts";
import { parseWhole } from "../../core/units.ts";
import type { Log, LogEntry } from "../../store/log.ts";
import { openLogAt } from "../../store/open-log.ts";

export interface LogOptions {
  readonly store?: string;
  readonly showSecrets?: boolean;
}

export function addStoreFlag(command: Command): Command {
  return command.option("--store <path>", "file of the event log (default: .zoho-hooks/events.db in the project)");
}

export function addLogFlags(command: Command): Command {
  return addStoreFlag(command).option("--show-secrets", "show tokens, signatures and authorization as they came");
}

/** Opens a log that is there, lets it be worked with, and closes it. Throws a UserError where there is none. */
export async function withLog<T>(
  context: Context,
  options: LogOptions,
  work: (log: Log, config: Config) => Promise<T>,
  secrets?: LoadOptions["secrets"],
): Promise<T> {
  const config = loadConfig(context, {
    ...(options.store === undefined ? {} : { flags: { store: options.store } }),
    ...(secrets === undefined ? {} : { secrets }),
  });
  const { root, settings } = config;
  const { store } = settings;
  if (store === false) {
    throw usageError(
      `there is no event log here: the setting store is false (${config.origins.store})`,
      "name a log with --store, or set store to a path, so that the next listen writes one",
    );
  }
  refuseForeignLog(context, config);
  const log = await openLogAt({ root, store }, { now: context.now, create: false });
  try {
    return await work(log, config);
  } finally {
    await log.close();
  }
}

/** A number of the log, or `last`. */
export function parseNumber(text: string): number | "last" {
  if (text.toLowerCase() === "last") return "last";
  const digits = text.replace(/^#/, "");
  if (!/^\d+$/.test(digits))
    throw usageError(`the event's number: ${JSON.stringify(text)} is not a whole number`, "such as 42; or last");
  return parseWhole(digits, "the event's number", 1, Number.MAX_SAFE_INTEGER);
}

/** The delivery of that number; a UserError where the log has it no more, or never had it. */
export async function requireEntry(log: Log, n: number | "last"): Promise<LogEntry> {
  const entry = await log.get(n);
  if (entry !== undefined) return entry;
  const last = await newestNumber(log);
  if (last === 0)
    throw usageError(`the event log ${log.path} is empty`, "nothing has been received yet, or everything was pruned");
  throw usageError(
    `there is no event #${n} in ${log.path}`,
    typeof n === "number" && n < last ? "it has been pruned: see zoho-hooks events list" : `the last one is #${last}`,
  );
}

/** Of the newest delivery, whether its body can be read or not; 0 where there is none. */
export async function newestNumber(log: Log): Promise<number> {
  for await (const { n } of log.list({}, { limit: 1, onDamaged() {} })) return n;
  return 0;
}
