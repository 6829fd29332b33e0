import { requireProduct } from "../contract/named.ts";
import type { Product } from "../contract/product.ts";
import { patternProducts } from "../custom/project-products.ts";
import { parseWhere } from "../log/filter.ts";
import type { LogFilter } from "../log/log.ts";
import { usageError } from "../util/errors.ts";
import { readDuration } from "../util/units.ts";

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
  const { product, event, status, since, failed, rejected, invalid, duplicates, search, where } = options;
  const flags = [product, event, status, since, failed, rejected, invalid, duplicates, search, where];
  return flags.some((flag) => flag !== undefined);
}

/** Why nothing is shown. */
export function emptyMessage(options: FilterOptions, path: string): string {
  return isFiltered(options)
    ? "no delivery in the log matches"
    : `the event log ${path} is empty: nothing has been received yet, or everything was pruned`;
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
