import { type FilterOptions, isFiltered, isTimeText, readFilter } from "../history/filter.ts";
import { parseNumber } from "../history/open-log.ts";
import type { Product } from "../model/product.ts";
import { parseAssignment } from "../samples/edit-body.ts";
import { usageError } from "../util/errors.ts";
import { parseInteger } from "../util/units.ts";
import { parseExpectedStatus, refuse } from "./flags.ts";

/** The flags as they were typed. */
export interface ReplayOptions extends FilterOptions {
  readonly to?: string;
  readonly set?: readonly string[];
  /** No flag: asks the user for another body. Rejects where nothing is to be sent. */
  edit?(body: Buffer): Promise<Buffer>;
  /** Body to send instead; no flag. */
  readonly body?: Buffer | undefined;
  readonly exact?: boolean;
  readonly expectStatus?: string;
  readonly dryRun?: boolean | undefined;
}

export type ReplayPlan = ReturnType<typeof readReplayPlan>;

/** A number of a delivery, or a range with both ends. */
type Choice = number | "last" | readonly [from: number, to: number];

/** The arguments and flags, parsed. Contradictions are found before the log is opened. */
export function readReplayPlan(
  numbers: readonly string[],
  options: ReplayOptions,
  now: Date,
  products: readonly Product[],
) {
  return {
    ...options,
    /** Empty where the filter selects. */
    choices: numbers.map(parseChoice),
    filter: readFilter(options, now, products),
    assignments: (options.set ?? []).map(parseAssignment),
    expectStatus: parseExpectedStatus(options.expectStatus),
  };
}

const RANGE = /^#?(\d+)\.\.#?(\d+)$/;

function parseChoice(text: string): Choice {
  const [, ...ends] = RANGE.exec(text) ?? [];
  if (ends.length === 0) return parseNumber(text);
  const [from = 0, to = 0] = ends.map((end) => parseInteger(end, "the event's number", 1, Number.MAX_SAFE_INTEGER));
  if (from > to)
    throw usageError(`${JSON.stringify(text)} is an empty range`, `write the lower one first: ${to}..${from}`);
  return [from, to];
}

/** Throws a usage error for flags that exclude one another. */
export function refuseContradictions(numbers: readonly string[], o: ReplayOptions): void {
  const filtered = isFiltered(o);
  const isNumber = (text: string): boolean => /^(?:#?\d+|last)$/i.test(text);
  const unread = numbers.find((text) => !isNumber(text) && !RANGE.test(text));
  const isTime = unread !== undefined && isTimeText(unread);
  refuse([
    [
      numbers.length === 0 && !filtered,
      "replay needs to know what to send",
      "such as: zoho-hooks replay last, replay 3 7..12, replay --only failed, replay --since 10m",
    ],
    [isTime, `${JSON.stringify(unread)} is a time, not an event's number`, `zoho-hooks replay --since ${unread}`],
    [
      unread !== undefined,
      `the event's number: ${JSON.stringify(unread)} is not a whole number`,
      "such as 42, 7..12 or last; to send a file: zoho-hooks send crm --data @payload.json; to verify it: zoho-hooks verify payload.json",
    ],
    [numbers.length > 0 && filtered, "a number and filters cannot be combined", "leave one of them out"],
    [o.exact && o.set !== undefined, "--exact and --set cannot be combined", "leave one of them out"],
    [o.exact && o.edit !== undefined, "--exact and --edit cannot be combined", "leave one of them out"],
    [
      o.set !== undefined && o.edit !== undefined,
      "--edit and --set cannot be combined",
      "make the change in the editor",
    ],
    [
      o.edit !== undefined && (numbers.length !== 1 || !numbers.every(isNumber)),
      "--edit changes one delivery",
      "name it: zoho-hooks replay last --edit",
    ],
    [o.expectStatus !== undefined && o.dryRun, "--expect-status needs an answer, and --dry-run sends nothing"],
  ]);
}
