import { parseAssignment } from "../contract/edit-body.ts";
import type { Product } from "../contract/product.ts";
import { type FilterOptions, isFiltered, readFilter } from "../events/filter.ts";
import { type LogOptions, parseNumber } from "../events/open-log.ts";
import { parseTimeout } from "../util/units.ts";
import { parseExpectedStatus, refuse } from "./flags.ts";

/** The flags as they were typed. */
export interface ReplayOptions extends FilterOptions, LogOptions {
  readonly to?: string;
  readonly set?: readonly string[];
  readonly edit?: boolean;
  /** Body to send instead; no flag, the inspector sets it. */
  readonly body?: Buffer;
  readonly exact?: boolean;
  readonly timeout: string;
  readonly expectStatus?: string;
  /** Undefined: as in the settings. */
  readonly insecure?: boolean;
  readonly dryRun?: boolean;
}

export type ReplayPlan = ReturnType<typeof readReplayPlan>;

/** The flags, parsed. Contradictions are found before the log is opened. */
export function readReplayPlan(n: string | undefined, options: ReplayOptions, now: Date, products: readonly Product[]) {
  return {
    ...options,
    /** Undefined where the filter selects. */
    n: n === undefined ? undefined : parseNumber(n),
    filter: readFilter(options, now, products),
    assignments: (options.set ?? []).map(parseAssignment),
    timeoutMs: parseTimeout(options.timeout, "--timeout"),
    expectStatus: parseExpectedStatus(options.expectStatus),
  };
}

/** Throws a usage error for flags that exclude one another. */
export function refuseContradictions(n: string | undefined, o: ReplayOptions): void {
  const filtered = isFiltered(o);
  refuse([
    [
      n === undefined && !filtered,
      "replay needs to know what to send",
      "such as: zoho-hooks replay last, replay 42, replay --failed, replay --since 10m",
    ],
    [
      n !== undefined && !/^(?:#?\d+|last)$/i.test(n),
      `the event's number: ${JSON.stringify(n)} is not a whole number`,
      "such as 42, or last; to send a file: zoho-hooks send crm --data @payload.json; to verify it: zoho-hooks verify payload.json",
    ],
    [n !== undefined && filtered, "a number and filters cannot be combined", "leave one of them out"],
    [o.exact && o.set !== undefined, "--exact and --set cannot be combined"],
    [o.exact && o.edit, "--exact and --edit cannot be combined"],
    [o.set !== undefined && o.edit, "--edit and --set cannot be combined", "make the change in the editor"],
    [o.edit && n === undefined, "--edit changes one delivery", "name it: zoho-hooks replay last --edit"],
    [o.expectStatus !== undefined && o.dryRun, "--expect-status needs an answer, and --dry-run sends nothing"],
  ]);
}
