import type { Delivery } from "../body/delivery.ts";
import type { Verdict } from "../core/product.ts";
import type { Receipt } from "../core/receive.ts";
import type { SchemaIssue } from "../core/schema.ts";
import type { LogStatsReport } from "../reports/log.ts";

/**
 * The memory of a receiver: every delivery with its receipt, what became of it, and which ones still wait for a target.
 * Small enough that another database is one more file. Every method may reject with a UserError whose code begins with
 * `log-` (`log-full`, `log-locked`, `log-damaged`, `log-read-only`, `log-gone`, `log-handles`, `log-io`).
 */
export interface Log {
  /** Where it is, for a person. */
  readonly path: string;

  /** Keeps a delivery. When this resolves the delivery is on the disk, and only then may it be answered with a yes. */
  append(entry: NewEntry): Promise<Appended>;
  /** The answer that the sender got, where it was not known at `append`. */
  setAnswer(n: number, answer: Answer): Promise<void>;

  /** Only for the holder of the log, which every claim ends with. Takes deliveries that are due for a target, the longest due first; of those in order, only the first of each key. */
  claimWaiting(request: ClaimRequest): Promise<Claimed>;
  /** When a claim would find more for a target, after one that found less than it asked for. */
  nextDue(request: Pick<ClaimRequest, "target" | "now" | "longestPauseMs">): Promise<NextDue>;
  /** What came of a claim: the attempt is recorded and the claim given up, in one step. */
  complete(claim: ClaimRef, attempt: NewAttempt, outcome: Outcome): Promise<void>;
  /** Gives claims back without an attempt: the target was found to be down before its turn came. */
  release(claims: readonly ClaimRef[]): Promise<void>;
  /**
   * What a run before this one has left without an answer counts as failed: its sender got none. Only for the holder of the
   * log. Resolves to how many that are.
   */
  endUnanswered(): Promise<number>;
  /** What waits, for each target. */
  waiting(): Promise<readonly WaitingCount[]>;
  /** An attempt outside of the queue: a replay, a mirrored answer. Returns its number. */
  recordAttempt(n: number, attempt: NewAttempt): Promise<number>;
  /** Attempts that were recorded after the one with this id, in order, some hundreds at a time. */
  attemptsAfter(id: number): Promise<readonly FollowedAttempt[]>;
  /** The id of the last attempt that was recorded; 0 when there is none. */
  lastAttempt(): Promise<number>;

  get(n: number | "last"): Promise<LogEntry | undefined>;
  /** Newest first unless `order` says otherwise; read in pages, so a long one costs no memory. */
  list(filter?: LogFilter, options?: ListOptions): AsyncIterable<LogRecord>;
  /** The same with bytes and attempts. */
  entries(filter?: LogFilter, options?: ListOptions): AsyncIterable<LogEntry>;
  stats(filter?: LogFilter): Promise<LogStats>;

  /** Removes what is past the age and size that the log was opened with, never what still waits for a target; ends early on abort. */
  prune(limits?: Retention, signal?: AbortSignal): Promise<Pruned>;
  /** Holds what waits for a target no longer: it counts as failed. Resolves to how many that were. */
  giveUp(target: string): Promise<number>;
  /** Claims the log for one receiver. The hold ends with `release`, or with the process however it ends. */
  hold(holder: Holder): Promise<Hold>;
  /** Commits what was asked for before it, then closes the file. */
  close(): Promise<void>;
}

export interface NewEntry {
  readonly receivedAt: Date;
  readonly delivery: Delivery;
  /** The address that the delivery came from. */
  readonly remote: string | undefined;
  readonly receipt: Receipt;
  /** Whether it is answered with a yes. What is refused is never the original of a duplicate. */
  readonly accepted: boolean;
  readonly status: number | undefined;
  readonly refusal: string | undefined;
  readonly forward?: ForwardRequest | undefined;
}

export interface Appended {
  /** Counts from 1 and is never used again, also with several receivers on one log. */
  readonly n: number;
  /** The accepted delivery of the same identity within the last 24 hours that was not answered with a no. */
  readonly duplicateOf: number | undefined;
  /** One for each target; `claimed` says that the caller is to deliver it now. */
  readonly forwards: readonly (ClaimRef & { readonly target: string; readonly claimed: boolean })[];
}

interface Answer {
  readonly status: number;
  readonly refusal: string | undefined;
}

export type DeliveryState = "received" | "waiting" | "processed" | "failed" | "duplicate" | "rejected";

export interface LogRecord {
  readonly n: number;
  readonly receivedAt: Date;
  readonly method: string;
  readonly url: string;
  readonly remote: string | undefined;
  readonly product: string | undefined;
  readonly format: string | undefined;
  readonly event: string | undefined;
  readonly known: boolean;
  readonly records: readonly string[];
  readonly verdicts: readonly Verdict[];
  readonly issues: readonly SchemaIssue[];
  /** False when there was no schema to check with, so that no issues mean nothing. */
  readonly schemaChecked: boolean;
  readonly identity: string | undefined;
  readonly duplicateOf: number | undefined;
  readonly accepted: boolean;
  readonly status: number | undefined;
  readonly refusal: string | undefined;
  readonly state: DeliveryState;
}

export interface LogEntry extends LogRecord {
  readonly delivery: Delivery;
  readonly attempts: readonly Attempt[];
  readonly forwards: readonly Forward[];
}

export interface ListOptions {
  readonly order?: "newest" | "oldest";
  readonly limit?: number;
  /** Told of each delivery that cannot be read, in place of it; the first one is thrown unless it is given. */
  readonly onDamaged?: (n: number, reason: string) => void;
}

export type LogStats = Omit<LogStatsReport, "type">;

export interface Retention {
  readonly keepMs?: number | undefined;
  readonly maxBytes?: number | undefined;
}

export interface Pruned {
  readonly removed: number;
  /** What the log takes afterwards. */
  readonly bytes: number;
}

export interface Holder {
  readonly pid: number;
  readonly url: string | undefined;
  readonly since: Date;
}

export type Hold =
  | { readonly held: true; setUrl(url: string): Promise<void>; release(): Promise<void> }
  | { readonly held: false; readonly by: Holder | undefined };

export interface ForwardRequest {
  readonly targets: readonly string[];
  /**
   * `product:record`, or `EVERY_RECORD` for the record: deliveries of one key reach a target one after the other. Undefined
   * where order does not matter.
   */
  readonly orderKey?: string | undefined;
  /** Claims at once, for a caller that has a free place. */
  readonly claim?: boolean;
}

/** One delivery on its way to one target. */
export interface ClaimRef {
  readonly id: number;
  readonly n: number;
}

export interface ClaimRequest {
  readonly target: string;
  readonly limit: number;
  /** Of the bodies together; one is claimed whatever its size. No limit unless it is given. */
  readonly maxBytes?: number | undefined;
  readonly now: Date;
  /** What seems to wait for longer was put off by a clock that has been set back since, and is due. */
  readonly longestPauseMs: number;
}

/** What a claim finds damaged: it can be given up and nothing else. */
export interface Unreadable extends ClaimRef {
  readonly reason: string;
}

export interface Claimed {
  readonly claims: readonly Claim[];
  readonly unreadable: readonly Unreadable[];
}

export interface NextDue {
  /** Something is due and not claimed: it waits for an earlier delivery of its order key, or there was no room for it. */
  readonly left: boolean;
  /** When the next one becomes due; undefined when there is none. */
  readonly at: Date | undefined;
}

export interface Claim extends ClaimRef {
  readonly target: string;
  /** Attempts made before this one. */
  readonly attempts: number;
  readonly receivedAt: Date;
  /** The address that the delivery came from. */
  readonly remote: string | undefined;
  readonly duplicateOf: number | undefined;
  readonly product: string | undefined;
  readonly format: string | undefined;
  readonly event: string | undefined;
  readonly delivery: Delivery;
}

export interface NewAttempt {
  readonly target: string;
  readonly at: Date;
  /** Undefined when no answer came; `error` then says why. */
  readonly status: number | undefined;
  readonly latencyMs: number;
  readonly error: string | undefined;
  /** The start of the target's answer. */
  readonly reply?: string | undefined;
  /** The target has the delivery after all: one that was given up, or waits, is so no longer. */
  readonly mends?: boolean;
}

export interface Attempt extends Omit<NewAttempt, "mends"> {
  /** Counts from 1 for each delivery and target. */
  readonly attempt: number;
}

/** An attempt as it is met by one who follows the log. */
export interface FollowedAttempt extends Attempt {
  /** Where to go on from. */
  readonly id: number;
  readonly n: number;
}

export type Outcome =
  | { readonly state: "delivered" }
  | { readonly state: "failed" }
  | { readonly state: "retry"; readonly at: Date };

export type ForwardState = "waiting" | "delivered" | "failed";

export interface Forward {
  readonly target: string;
  readonly state: ForwardState;
  readonly attempts: number;
  /** When it is tried next. Only of those that wait. */
  readonly dueAt: Date | undefined;
}

export interface WaitingCount {
  readonly target: string;
  /** Those that are under way included. */
  readonly waiting: number;
  /** The earliest time at which one of them is due; undefined when none waits. */
  readonly nextAt: Date | undefined;
}

/** Which deliveries of the log are meant. Every part that is given must fit. */
export interface LogFilter {
  readonly product?: string | undefined;
  /** Patterns such as `Leads.*` or `crm:Leads.*` (`eventPattern`); one of them must fit. */
  readonly events?: readonly string[] | undefined;
  /** The answer to the sender, both ends included: 400 to 499. */
  readonly status?: { readonly min: number; readonly max: number } | undefined;
  readonly since?: Date | undefined;
  /** Only those numbered higher: what came after the last look. */
  readonly after?: number | undefined;
  /** Given up on by at least one target. */
  readonly failed?: boolean | undefined;
  /** A proof failed, the schema was not met, or the body could not be read. */
  readonly invalid?: boolean | undefined;
  /** Text that stands in the body or the URL, case and all. */
  readonly search?: string | undefined;
  readonly where?: readonly WhereClause[] | undefined;
}

/** `data.Email=jane@example.com`: a place in the payload and the text of the value that must stand there. */
export interface WhereClause {
  readonly path: readonly string[];
  readonly value: string;
}
