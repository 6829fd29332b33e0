import type { Command } from "commander";
import { type Config, type LoadOptions, loadConfig, logPlace } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { maskUrl } from "../../core/mask.ts";
import type { Product } from "../../core/product.ts";
import { cutText } from "../../reports/layout.ts";
import { parseWhere } from "../../store/filter.ts";
import type { Log, LogEntry, LogFilter } from "../../store/log.ts";
import { isDatabaseAddress, openLogAt } from "../../store/open-log.ts";
import { isBodyCut } from "../../store/retention.ts";
import { usageError } from "../../util/errors.ts";
import { shellQuoted } from "../../util/text.ts";
import { parseInteger, readDuration } from "../../util/units.ts";
import { rememberChannelTokens } from "../helpers/channel-tokens.ts";
import { collect, requireProduct } from "../helpers/options.ts";
import { patternProducts } from "../helpers/products.ts";

export interface LogOptions {
  readonly store?: string;
  readonly showSecrets?: boolean;
}

export const STORE_TEXT =
  "event log: a file, or postgres://user@host/database (default: .zoho-hooks/events.db in the project)";

export function addStoreFlag(command: Command): Command {
  return command.option("--store <path>", STORE_TEXT);
}

export function addLogFlags(command: Command): Command {
  return addStoreFlag(command).option("--show-secrets", "show tokens, signatures and authorization as they came");
}

/** The flag of this run for a command to copy; of an address without its password. */
export function storeFlag({ settings: { store }, origins }: Pick<Config, "settings" | "origins">): string {
  if (store === false || origins.store !== "flag") return "";
  return ` --store ${shellQuoted(isDatabaseAddress(store) ? maskUrl(store) : store)}`;
}

/** Opens an existing log for some work. Throws a UserError where there is none. */
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
  await rememberChannelTokens(context, config);
  if (context.caller?.listener !== undefined) return work(context.caller.listener.log, config);
  if (config.settings.store === false) {
    throw usageError(
      `there is no event log here: the setting store is false (${config.origins.store})`,
      "name a log with --store, or set store to a path, so that the next listen writes one",
    );
  }
  const log = await openLogAt(logPlace(config), { now: context.now, create: false });
  try {
    return await work(log, config);
  } finally {
    await log.close();
  }
}

/** An event's number, or `last`. */
export function parseNumber(text: string): number | "last" {
  if (text.toLowerCase() === "last") return "last";
  const digits = text.replace(/^#/, "");
  if (!/^\d+$/.test(digits))
    throw usageError(`the event's number: ${JSON.stringify(text)} is not a whole number`, "such as 42; or last");
  return parseInteger(digits, "the event's number", 1, Number.MAX_SAFE_INTEGER);
}

/** Throws a UserError for a delivery that was pruned or never existed. */
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

/** Throws a UserError for a delivery of which the log has only the start of the body. */
export function requireWholeBody(entry: LogEntry): LogEntry {
  if (!isBodyCut(entry)) return entry;
  const { n, status, delivery } = entry;
  throw usageError(
    `${cutText(delivery.body.length, `the body of #${n}`)} (answered ${status})`,
    status === 413
      ? "listen --max-body sets how large one may be"
      : "accepted deliveries are recorded whole: use --on-invalid warn or --schema warn to accept it",
  );
}

/** The number of the newest delivery, damaged or not; 0 in an empty log. */
export async function newestNumber(log: Log): Promise<number> {
  for await (const { n } of log.list({}, { limit: 1, onDamaged() {} })) return n;
  return 0;
}

/** The flags that select deliveries. */
export interface FilterOptions {
  readonly product?: string;
  readonly event?: readonly string[];
  readonly status?: string;
  readonly since?: string;
  readonly failed?: boolean;
  readonly rejected?: boolean;
  readonly invalid?: boolean;
  readonly duplicates?: boolean;
  readonly search?: string;
  readonly where?: readonly string[];
}

export function addFilters(command: Command): Command {
  return command
    .option("-p, --product <product>", "only this product")
    .option("-e, --event <pattern>", "only these events, such as 'crm:Leads.*' (repeatable)", collect)
    .option("--status <status>", "only what was answered with this status: 401, 4xx or 400-499")
    .option("--rejected", "only what was rejected: your app did not get it")
    .option("--invalid", "only invalid bodies: not as the schema says, unreadable, or of an unknown event")
    .option("--duplicates", "only what had come before: the same event, or the same bytes")
    .option("--search <text>", "only with this text in the body or URL")
    .option(
      "--where <path=value>",
      "only with this value at this place, such as data.Email=a@b.c (repeatable)",
      collect,
    )
    .option("--since <time>", "only what came in the last 10m, 2h or 7d, or since 2026-05-01T10:00")
    .option("--failed", "only what failed: your app did not accept it, and no attempt follows");
}

const FILTER_FLAGS = [
  "product",
  "event",
  "status",
  "since",
  "failed",
  "rejected",
  "invalid",
  "duplicates",
  "search",
  "where",
] as const;

/** Throws a UserError for a flag that cannot be read. */
export function readFilter(options: FilterOptions, now: Date, products: readonly Product[]): LogFilter {
  const { product, event, status, since, failed, rejected, invalid, duplicates, search, where } = options;
  if (search === "") throw usageError("--search: the text is empty", "leave the flag out to find everything");
  const events = event?.flatMap((each) => each.split(",")).map((each) => each.trim());
  for (const each of events ?? []) patternProducts(products, each, "--event");
  return {
    product: product === undefined ? undefined : requireProduct(products, product).id,
    events,
    status: status === undefined ? undefined : parseStatus(status),
    since: since === undefined ? undefined : parseSince(since, now),
    failed,
    rejected,
    invalid,
    duplicates,
    search,
    where: where?.map(parseWhere),
  };
}

export function isFiltered(options: FilterOptions): boolean {
  return FILTER_FLAGS.some((flag) => options[flag] !== undefined);
}

function parseStatus(text: string): { min: number; max: number } {
  const hundred = /^([1-5])xx$/i.exec(text);
  if (hundred !== null) return { min: Number(hundred[1]) * 100, max: Number(hundred[1]) * 100 + 99 };
  const range = /^(\d{3})(?:-(\d{3}))?$/.exec(text);
  if (range === null) {
    throw usageError(`--status: ${JSON.stringify(text)} is not a status`, "write it as 401, 4xx or 400-499");
  }
  const [, min, max = min] = range;
  if (Number(min) > Number(max)) {
    throw usageError(`--status: ${JSON.stringify(text)} is an empty range`, `write the lower one first: ${max}-${min}`);
  }
  return { min: Number(min), max: Number(max) };
}

/** A duration ago, or a date and time; without a zone it is local. */
export function parseSince(text: string, now: Date): Date {
  const [, year, month, day = "01"] = /^(\d{4})-(\d{2})(?:-(\d{2}))?/.exec(text) ?? [];
  if (year === undefined) {
    const agoMs = readDuration(text);
    const ago = new Date(now.getTime() - (agoMs ?? Number.NaN));
    // Further back than a Date can go.
    if (Number.isNaN(ago.getTime())) throw notATime(text);
    return ago;
  }
  // JavaScript reads a date alone as UTC; people mean their own day.
  const isDate = /^\d{4}-\d{2}(?:-\d{2})?$/.test(text);
  const time = Date.parse(isDate ? `${year}-${month}-${day}T00:00` : text);
  // JavaScript takes the 30th of February for the 2nd of March.
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  if (Number.isNaN(time) || !isDay) throw notATime(text);
  return new Date(time);
}

function notATime(text: string): Error {
  return usageError(`--since: ${JSON.stringify(text)} is not a time`, "write it as 10m, 2h, 7d or 2026-05-01T10:00");
}
