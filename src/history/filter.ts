import { parseWhere } from "../log/filter.ts";
import type { DeliveryKind, LogFilter } from "../log/log.ts";
import { requireProduct } from "../model/named.ts";
import type { Product } from "../model/product.ts";
import { patternProducts } from "../own-products/project-products.ts";
import { usageError } from "../util/errors.ts";
import { formatDay, readDuration } from "../util/units.ts";

/** The flags that select deliveries. */
export interface FilterOptions {
  readonly product?: string;
  readonly event?: readonly string[];
  readonly only?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly search?: string;
  readonly where?: readonly string[];
}

/** Throws a UserError for a flag that cannot be read. */
export function readFilter(options: FilterOptions, now: Date, products: readonly Product[]): LogFilter {
  const { product, event, only, search, where } = options;
  if (search === "") throw usageError("--search: the text is empty", "leave the flag out to find everything");
  const events = event && words(event);
  for (const each of events ?? []) patternProducts(products, each, "--event");
  return {
    product: product === undefined ? undefined : requireProduct(products, product).id,
    events,
    only: only && words(only).map(parseKind),
    ...readRange(options, now),
    search,
    where: where?.map(parseWhere),
  };
}

export function isFiltered(options: FilterOptions): boolean {
  const { product, event, only, since, until, search, where } = options;
  return [product, event, only, since, until, search, where].some((flag) => flag !== undefined);
}

/** Why nothing is shown. */
export function emptyMessage(options: FilterOptions, filter: LogFilter, path: string): string {
  return isFiltered(options) || (filter.after ?? 0) > 0
    ? noMatch(filter)
    : `the event log ${path} is empty: nothing has been received yet, or everything was pruned`;
}

/** With the times and their zone, since a person may have meant others. */
export function noMatch({ since, until }: LogFilter): string {
  const none = "no delivery in the log matches";
  if (since !== undefined && until !== undefined)
    return `${none} from ${localTime(since)} to ${localTime(until)} (${timeZone()})`;
  if (since !== undefined) return `${none} since ${localTime(since)} (${timeZone()})`;
  return until === undefined ? none : `${none} before ${localTime(until)} (${timeZone()})`;
}

/** The parts of repeatable flags, which may also be separated by commas. */
function words(flags: readonly string[]): readonly string[] {
  return flags.flatMap((each) => each.split(",")).map((each) => each.trim());
}

const KINDS = ["failed", "rejected", "invalid", "duplicate"] as const;

function parseKind(text: string): DeliveryKind {
  const kind = KINDS.find((each) => each === text.toLowerCase());
  if (kind !== undefined) return kind;
  const hundred = /^([1-5])xx$/i.exec(text);
  if (hundred !== null) return { minStatus: Number(hundred[1]) * 100, maxStatus: Number(hundred[1]) * 100 + 99 };
  const range = /^(\d{3})(?:-(\d{3}))?$/.exec(text);
  if (range === null) {
    throw usageError(
      `--only: ${JSON.stringify(text)} is unknown`,
      `write it as ${KINDS.join(", ")}, or as a status such as 401, 4xx or 400-499`,
    );
  }
  const [, min, max = min] = range;
  if (Number(min) > Number(max)) {
    throw usageError(`--only: ${JSON.stringify(text)} is an empty range`, `write the lower one first: ${max}-${min}`);
  }
  return { minStatus: Number(min), maxStatus: Number(max) };
}

function readRange(options: FilterOptions, now: Date): Pick<LogFilter, "since" | "until"> {
  const since = options.since === undefined ? undefined : parseTime(options.since, "--since", now);
  const until = options.until === undefined ? undefined : parseTime(options.until, "--until", now);
  if (since !== undefined && until !== undefined && since >= until) {
    throw usageError(
      `--until (${localTime(until)}) is not after --since (${localTime(since)})`,
      `a span such as 2h is that long ago, and a day is its 00:00, in ${timeZone()}: --since 3h --until 2h, --since yesterday --until today`,
    );
  }
  return { since, until };
}

/** A duration ago, `today`, `yesterday`, or a date and time. A day is its 00:00; without a zone a time is local. */
export function parseTime(text: string, name: string, now: Date): Date {
  const word = text.trim().toLowerCase();
  if (word === "today") return dayOf(now, 0);
  if (word === "yesterday") return dayOf(now, -1);
  const [, year, month, day = "01"] = /^(\d{4})-(\d{2})(?:-(\d{2}))?/.exec(text) ?? [];
  if (year === undefined) {
    const agoMs = readDuration(text);
    const ago = new Date(now.getTime() - (agoMs ?? Number.NaN));
    // Further back than a Date can go.
    if (Number.isNaN(ago.getTime())) throw notATime(text, name);
    return ago;
  }
  // JavaScript reads a date alone as UTC; people mean their own day.
  const isDate = /^\d{4}-\d{2}(?:-\d{2})?$/.test(text);
  const time = Date.parse(isDate ? `${year}-${month}-${day}T00:00` : text);
  // JavaScript takes the 30th of February for the 2nd of March.
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  if (Number.isNaN(time) || !isDay) throw notATime(text, name);
  return new Date(time);
}

function dayOf(now: Date, days: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);
}

function notATime(text: string, name: string): Error {
  // `+02:00` in a query that was not encoded.
  const hasLostPlus = /T[\d:.]+ \d\d:?\d\d$/.test(text);
  return usageError(
    `${name}: ${JSON.stringify(text)} is not a time`,
    hasLostPlus
      ? "a + in a URL is read as a space: encode it as %2B, or write the time in UTC, with Z at its end"
      : `write it as today, yesterday, 10m, 2h, 7d, 2026-05-01 or 2026-05-01T10:00, in ${timeZone()}`,
  );
}

/** `2026-05-01 10:00` */
function localTime(at: Date): string {
  const part = (value: number): string => String(value).padStart(2, "0");
  return `${formatDay(at)} ${part(at.getHours())}:${part(at.getMinutes())}`;
}

/** Name of the zone in which times are read and shown, such as `Europe/Berlin`. */
function timeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
