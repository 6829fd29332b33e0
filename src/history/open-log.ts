import { rememberChannelTokens } from "../channels/read-tokens.ts";
import { maskUrl } from "../delivery/mask.ts";
import type { Log, LogEntry } from "../log/log.ts";
import { isDatabaseAddress, openLogAt } from "../log/open-log.ts";
import { isBodyCut } from "../log/retention.ts";
import type { Verdict } from "../model/product.ts";
import type { Context } from "../project/context.ts";
import { type Config, logPlace } from "../project/load.ts";
import { UserError, usageError } from "../util/errors.ts";
import { cutText, shellQuoted } from "../util/text.ts";
import { parseInteger } from "../util/units.ts";
import type { OpenLog, Workspace } from "../workspace/workspace.ts";

/** A command to copy, which reads the log of this run also where a flag named it. An address is shown without its password. */
export function commandOnLog(
  { invocation, platform }: Pick<Context, "invocation" | "platform">,
  { settings: { store }, origins }: Pick<Config, "settings" | "origins">,
  command: string,
): string {
  const text = `${invocation} ${command}`;
  if (store === false || origins.store !== "flag") return text;
  const shown = isDatabaseAddress(store) ? maskUrl(store) : store;
  // PowerShell cannot set a variable for one command alone.
  if (platform === "win32") return `$env:ZOHO_HOOKS_STORE='${shown.replaceAll("'", "''")}'; ${text}`;
  return `ZOHO_HOOKS_STORE=${shellQuoted(shown)} ${text}`;
}

/** Opens an existing log for some work. Throws a UserError where there is none. */
export async function withLog<T>(context: LogContext, config: Config, work: (log: Log) => Promise<T>): Promise<T> {
  return useLog({ openLog: () => openProjectLog(context, config) }, work);
}

/** The same for the log of a workspace. */
export async function useLog<T>(workspace: Pick<Workspace, "openLog">, work: (log: Log) => Promise<T>): Promise<T> {
  const { log, close } = await workspace.openLog();
  try {
    return await work(log);
  } finally {
    await close();
  }
}

type LogContext = Pick<Context, "userFolder" | "knownSecrets" | "now">;

/** Opens the project's log, which exists already. Throws a UserError where there is none. */
export async function openProjectLog(context: LogContext, config: Config): Promise<OpenLog> {
  await rememberChannelTokens(context, config);
  if (config.settings.store === false) {
    throw usageError(
      `there is no event log here: the setting store is false (${config.origins.store})`,
      "set store, or ZOHO_HOOKS_STORE, to a path, so that the next listen writes one",
    );
  }
  const log = await openLogAt(logPlace(config), { now: context.now, create: false });
  return { log, close: () => log.close() };
}

export type EventNumber = number | "last";

/** An event's number, or `last`. */
export function parseNumber(text: string): EventNumber {
  if (text.toLowerCase() === "last") return "last";
  const digits = text.replace(/^#/, "");
  if (!/^\d+$/.test(digits))
    throw usageError(`the event's number: ${JSON.stringify(text)} is not a whole number`, "such as 42; or last");
  return parseInteger(digits, "the event's number", 1, Number.MAX_SAFE_INTEGER);
}

/** Throws a UserError for a delivery that was pruned or never existed. */
export async function requireEntry(log: Log, n: EventNumber): Promise<LogEntry> {
  const entry = await log.get(n === "last" ? (await log.ends()).newest : n);
  if (entry !== undefined) return entry;
  const { newest: last } = await log.ends();
  if (last === 0)
    throw noSuchEvent(`the event log ${log.path} is empty`, "nothing has been received yet, or everything was pruned");
  throw noSuchEvent(
    `there is no event #${n} in ${log.path}`,
    typeof n === "number" && n < last ? "it has been pruned: see zoho-hooks events list" : `the last one is #${last}`,
  );
}

/** Code of the error about a delivery that was pruned or never existed. */
export const NO_SUCH_EVENT = "no-such-event";

function noSuchEvent(message: string, hint: string): UserError {
  return new UserError("usage", message, hint, NO_SUCH_EVENT);
}

/** Throws a UserError for a delivery of which the log has only the start of the body. */
export function requireWholeBody(entry: LogEntry): LogEntry {
  if (!isBodyCut(entry)) return entry;
  const { n, status, delivery } = entry;
  throw usageError(
    `${cutText(delivery.body.length, `the body of #${n}`)} (answered ${status})`,
    status === 413
      ? "the setting maxBody says how large one may be"
      : "accepted deliveries are recorded whole: use --on-invalid warn or --schema warn to accept it",
  );
}

/** The command that explains a wrong signature or token; undefined where none is wrong or the delivery is not in the log. */
export function explainCommand(
  context: Pick<Context, "invocation" | "platform">,
  config: Pick<Config, "settings" | "origins">,
  n: number,
  verdicts: readonly Verdict[],
): string | undefined {
  // An address that is not on the list needs no explanation.
  const isWrong = verdicts.some(({ id, verdict }) => verdict === "failed" && id !== "source-address");
  if (n === 0 || config.settings.store === false || !isWrong) return undefined;
  return commandOnLog(context, config, `verify --logged ${n} --explain`);
}
