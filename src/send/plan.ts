import { type HeaderPair, parseHeader } from "../delivery/delivery.ts";
import { isHopByHop } from "../forward/request.ts";
import { parseAssignment } from "../samples/edit-body.ts";
import { usageError } from "../util/errors.ts";
import { parseInteger, parseTimeout } from "../util/units.ts";
import { parseExpectedStatus, refuse } from "./flags.ts";
import type { SentCount } from "./tally.ts";

/** The flags as they were typed. */
export interface SendFlags {
  readonly all?: boolean;
  readonly to?: string;
  readonly timeout: string;
  readonly expectStatus?: string;
  readonly insecure?: boolean;
  readonly dryRun?: boolean;
  /** No flag: the inspector shows what `dryRun` prints. */
  readonly maskSecrets?: boolean;
  readonly curl?: boolean;
  readonly format?: string;
  readonly set?: readonly string[];
  readonly data?: string;
  readonly header?: readonly string[];
  readonly fresh?: boolean;
  readonly seed?: string;
  /** `true`: a random value. */
  readonly challenge?: string | true;
  readonly count: string;
  readonly concurrency: string;
  readonly badSignature?: boolean;
  readonly signature: boolean;
  readonly badToken?: boolean;
  readonly junit?: string;
  /** No flag: reads standard input, for `--data -`. */
  readInput?(): Promise<Buffer>;
  /** No flag: receives the results. */
  onEnd?(results: readonly SentCount[], seconds: number): void;
}

export type SendPlan = ReturnType<typeof readPlan>;

/** The flags, parsed. Contradictions are found before anything is read or sent. */
export function readPlan(product: string | undefined, event: string | undefined, options: SendFlags) {
  refuseContradictions(product, event, options);
  const { data, seed, badSignature, badToken } = options;
  return {
    ...options,
    product,
    event,
    timeoutMs: parseTimeout(options.timeout, "--timeout"),
    expectStatus: parseExpectedStatus(options.expectStatus),
    assignments: (options.set ?? []).map(parseAssignment),
    headers: (options.header ?? []).map(readHeader),
    /** A body of the user's own is left as it is, unless it is seeded. */
    fresh: options.fresh !== false && (data === undefined || seed !== undefined),
    seed: seed === undefined ? undefined : parseInteger(seed, "--seed", 0, 4_294_967_295),
    count: parseInteger(options.count, "--count", 1, 1_000_000_000),
    concurrency: parseInteger(options.concurrency, "--concurrency", 1, 256),
    faults: { badSignature, noSignature: !options.signature, badToken },
  };
}

/** Without a target, or with a path alone, it is a `listen` on this machine that gets the deliveries. */
export function goesToListener({ to }: Pick<SendPlan, "to">): boolean {
  return to === undefined || to.trim().startsWith("/");
}

function refuseContradictions(product: string | undefined, event: string | undefined, o: SendFlags): void {
  // Products have no such characters in their names: `crm.Leads.create`.
  const namesEvent = event !== undefined || /[.:]/.test(product ?? "");
  const sendsNothing = o.curl ? "--curl" : o.dryRun ? "--dry-run" : undefined;
  refuse([
    [
      product === undefined && !o.all && o.data === undefined,
      "send needs a product and an event",
      "such as: zoho-hooks send crm Leads.create; zoho-hooks products lists them, --all sends every one",
    ],
    [o.all && namesEvent, "--all and an event name cannot be combined", "leave one of them out"],
    [o.all && o.data !== undefined, "--all and --data cannot be combined", "leave one of them out"],
    [o.all && o.challenge !== undefined, "--all and --challenge cannot be combined", "leave one of them out"],
    [o.challenge !== undefined && namesEvent, "a challenge is not an event: leave the event's name out"],
    [
      o.challenge !== undefined && o.data !== undefined,
      "--challenge and --data cannot be combined",
      "leave one of them out",
    ],
    [
      o.challenge !== undefined && o.set !== undefined,
      "--challenge and --set cannot be combined",
      "leave one of them out",
    ],
    [o.challenge === "", "--challenge: the value is empty", "leave the value out for a random one"],
    [o.badSignature && !o.signature, "--bad-signature and --no-signature cannot be combined", "leave one of them out"],
    [o.seed !== undefined && o.fresh === false, "--seed does nothing with --no-fresh"],
    [
      o.badToken && o.data !== undefined && o.set === undefined && o.seed === undefined,
      "--bad-token would change the body given with --data, which is sent byte for byte",
      "put the wrong token into the body yourself",
    ],
    [
      sendsNothing !== undefined && o.expectStatus !== undefined,
      `--expect-status needs an answer, and ${sendsNothing} sends nothing`,
    ],
    [sendsNothing !== undefined && o.junit !== undefined, `--junit needs answers, and ${sendsNothing} sends nothing`],
  ]);
}

function readHeader(text: string): HeaderPair {
  const header = parseHeader(text);
  const [name, value] = header;
  if (isHopByHop(name)) {
    throw usageError(
      `-H ${name}: this header is set by the connection and cannot be chosen`,
      name.toLowerCase() === "host" ? "it comes from the URL of --to" : undefined,
    );
  }
  if (/[^\t\x20-\x7e]/.test(value)) {
    throw usageError(`-H ${name}: a header's value can hold printable ASCII only`, "percent-encode or base64 the rest");
  }
  return header;
}
