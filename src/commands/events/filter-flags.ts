import type { Command } from "commander";
import { usageError } from "../../core/errors.ts";
import type { Product } from "../../core/product.ts";
import { readDuration } from "../../core/units.ts";
import type { LogFilter } from "../../store/filter.ts";
import { parseWhere } from "../../store/where.ts";
import { collect, requireProduct } from "../options.ts";
import { patternProducts } from "../pattern-products.ts";

/** Which deliveries of the log are meant, as flags. */
export interface FilterOptions {
  readonly product?: string;
  readonly event?: readonly string[];
  readonly status?: string;
  readonly since?: string;
  readonly failed?: boolean;
  readonly invalid?: boolean;
  readonly search?: string;
  readonly where?: readonly string[];
}

/** The flags that tell at once, when a delivery arrives, whether it is meant. */
export function addArrivalFilters(command: Command): Command {
  return command
    .option("-p, --product <product>", "only this product")
    .option("-e, --event <pattern>", "only these events, such as 'crm:Leads.*' (repeatable)", collect)
    .option("--status <status>", "only what was answered with this status: 401, 4xx or 400-499")
    .option("--invalid", "only what had a wrong signature or token, did not match its schema, or could not be read")
    .option("--search <text>", "only with this text in the body or URL")
    .option(
      "--where <path=value>",
      "only with this value at this place, such as data.Email=a@b.c (repeatable)",
      collect,
    );
}

export function addFilters(command: Command): Command {
  return addArrivalFilters(command)
    .option("--since <time>", "only what came in the last 10m, 2h or 7d, or since 2026-05-01T10:00")
    .option("--failed", "only what your app never accepted");
}

const FILTER_FLAGS = ["product", "event", "status", "since", "failed", "invalid", "search", "where"] as const;

/** Throws a UserError for a flag that cannot be read. */
export function readFilter(options: FilterOptions, now: Date, products: readonly Product[]): LogFilter {
  const { product, event, status, since, failed, invalid, search, where } = options;
  if (search === "") throw usageError("--search: the text is empty", "leave the flag out to find everything");
  const events = event?.flatMap((each) => each.split(",")).map((each) => each.trim());
  for (const each of events ?? []) patternProducts(products, each, "--event");
  return {
    product: product === undefined ? undefined : requireProduct(products, product).id,
    events,
    status: status === undefined ? undefined : parseStatus(status),
    since: since === undefined ? undefined : parseSince(since, now),
    failed,
    invalid,
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

/** A time ago, or a date and time; without a zone it is this machine's. */
function parseSince(text: string, now: Date): Date {
  const [, year, month, day = "01"] = /^(\d{4})-(\d{2})(?:-(\d{2}))?/.exec(text) ?? [];
  if (year === undefined) {
    const agoMs = readDuration(text);
    const ago = new Date(now.getTime() - (agoMs ?? Number.NaN));
    // Before the first day that the language knows, nothing would be found.
    if (Number.isNaN(ago.getTime())) throw noTime(text);
    return ago;
  }
  // A month or a date alone is read as UTC by the language; people mean their own day.
  const isDate = /^\d{4}-\d{2}(?:-\d{2})?$/.test(text);
  const time = Date.parse(isDate ? `${year}-${month}-${day}T00:00` : text);
  // The language takes the 30th of February for the 2nd of March.
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  if (Number.isNaN(time) || !isDay) throw noTime(text);
  return new Date(time);
}

function noTime(text: string): Error {
  return usageError(`--since: ${JSON.stringify(text)} is not a time`, "write it as 10m, 2h, 7d or 2026-05-01T10:00");
}
