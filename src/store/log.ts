import type { Delivery } from "../core/delivery.ts";
import type { LogStatsReport } from "../core/log-report.ts";
import type { Verdict } from "../core/product.ts";
import type { Receipt } from "../core/receive.ts";
import type { SchemaIssue } from "../core/schema-check.ts";
import type { LogFilter } from "./filter.ts";
import type {
  Attempt,
  Claimed,
  ClaimRef,
  ClaimRequest,
  FollowedAttempt,
  Forward,
  ForwardRequest,
  NewAttempt,
  NextDue,
  Outcome,
  WaitingCount,
} from "./forward.ts";

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
  settle(claim: ClaimRef, attempt: NewAttempt, outcome: Outcome): Promise<void>;
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
