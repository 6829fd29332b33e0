import { parseAssignment } from "../contract/edit-body.ts";
import type { Product } from "../contract/product.ts";
import { type FilterOptions, isFiltered, readFilter } from "../events/filter.ts";
import { type LogOptions, parseNumber } from "../events/open-log.ts";
import type { SecretOptions } from "../project/given-secrets.ts";
import { usageError } from "../util/errors.ts";
import { parseTimeout } from "../util/units.ts";
import { parseExpectedStatus } from "./expect-status.ts";

/** The flags as they were typed. */
export interface ReplayOptions extends FilterOptions, LogOptions, SecretOptions {
  readonly to?: string;
  readonly set?: readonly string[];
  readonly edit?: boolean;
  /** What takes the place of the body; no flag, the inspector sets it. */
  readonly body?: Buffer;
  readonly exact?: boolean;
  readonly timeout: string;
  readonly expectStatus?: string;
  readonly insecure?: boolean;
  readonly dryRun?: boolean;
}

export type ReplayPlan = ReturnType<typeof readReplayPlan>;

/** The flags, parsed. Contradictions are found before the log is opened. */
export function readReplayPlan(n: string | undefined, options: ReplayOptions, now: Date, products: readonly Product[]) {
  refuseContradictions(n, options);
  return {
    /** Undefined where the filter selects. */
    n: n === undefined ? undefined : parseNumber(n),
    filter: readFilter(options, now, products),
    to: options.to,
    assignments: (options.set ?? []).map(parseAssignment),
    edit: options.edit ?? false,
    body: options.body,
    exact: options.exact ?? false,
    timeoutMs: parseTimeout(options.timeout, "--timeout"),
    expectStatus: options.expectStatus === undefined ? undefined : parseExpectedStatus(options.expectStatus),
    /** Undefined: as in the settings. */
    insecure: options.insecure,
    dryRun: options.dryRun ?? false,
    showSecrets: options.showSecrets ?? false,
  };
}

function refuseContradictions(n: string | undefined, o: ReplayOptions): void {
  const filtered = isFiltered(o);
  const contradictions: readonly (readonly [wrong: boolean, message: string, hint?: string])[] = [
    [
      n === undefined && !filtered,
      "replay needs to know what to send",
      "such as: zoho-hooks replay last, replay 42, replay --failed, replay --since 10m",
    ],
    [n !== undefined && filtered, "a number and filters cannot be combined", "leave one of them out"],
    [o.exact === true && o.set !== undefined, "--exact and --set cannot be combined"],
    [o.exact === true && o.edit === true, "--exact and --edit cannot be combined"],
    [o.set !== undefined && o.edit === true, "--edit and --set cannot be combined", "make the change in the editor"],
    [o.edit === true && n === undefined, "--edit changes one delivery", "name it: zoho-hooks replay last --edit"],
    [o.expectStatus !== undefined && o.dryRun === true, "--expect-status needs an answer, and --dry-run sends nothing"],
    [
      o.exact === true && (o.secretFile !== undefined || o.tokenFile !== undefined),
      "--exact signs nothing, so it takes no secret",
    ],
    [o.tokenFile !== undefined, "replay does not change the token in the body", "change it with --set token=…"],
  ];
  const found = contradictions.find(([wrong]) => wrong);
  if (found !== undefined) throw usageError(found[1], found[2]);
}
