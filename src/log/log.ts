import type { Delivery } from "../delivery/delivery.ts";
import type { Signature, Verdict } from "../model/product.ts";
import type { Receipt } from "../model/receipt.ts";
import type { SchemaIssue } from "../model/schema.ts";
import type { LogStatsReport } from "./stats-report.ts";

/**
 * The event log of a receiver: every delivery with its receipt, its attempts, and the targets that it still waits for.
 * Every method may reject with a UserError whose code begins with `log-` (`log-full`, `log-locked`, `log-damaged`, `log-read-only`, `log-gone`, `log-handles`, `log-io`).
 */
export interface Log {
  /** For messages. */
  readonly path: string;

  /** Records a delivery. When this resolves it is on the disk, and only then may it be answered 2xx. */
  append(entry: NewEntry): Promise<Appended>;
  /**
   * Resolves if an append would most likely succeed now: the last one did within 2 s, or else a probe does. Rejects with the
   * reason, after 1 s at the latest.
   */
  checkReady(): Promise<void>;
  /** Records the answer to the sender, when it was not known at `append`. */
  setAnswer(n: number, answer: Answer): Promise<void>;
  /** Records an attempt outside of the queue: a replay, a mirrored answer. Resolves to its number. */
  recordAttempt(n: number, attempt: NewAttempt): Promise<number>;
  /** The deliveries that wait for targets. */
  readonly queue: LogQueue;

  /** Reads one delivery; undefined for one that has been pruned or never existed. */
  get(n: number): Promise<LogEntry | undefined>;
  /** Lists deliveries as rows of a table, newest first by default; read in pages, so memory stays flat. */
  rows(filter?: LogFilter, options?: LogListOptions): AsyncIterable<LogRow>;
  /** Lists deliveries with bodies, headers and attempts. */
  entries(filter?: LogFilter, options?: LogListOptions): AsyncIterable<LogEntry>;
  /** Attempts that were recorded after the one with this id, in order, a few hundred at a time. */
  attemptsAfter(id: number): Promise<readonly FollowedAttempt[]>;
  /** Where the log ends now, also where what is there cannot be read. */
  ends(): Promise<LogEnds>;
  /** Counts the deliveries that `reconcile` made. */
  countReconstructed(): Promise<number>;
  /** Counts by product and period, and latencies. */
  stats(filter?: StatsFilter, options?: StatsOptions): Promise<LogStats>;

  /**
   * Removes deliveries beyond the limits, by default those of `openLog`, except those that still wait (`PRUNING_ORDER`); ends
   * early on abort.
   */
  prune(limits?: Retention, signal?: AbortSignal): Promise<Pruned>;
  /**
   * Registers a process that receives or delivers, until `release` or its end. On SQLite it is the only one, and the log is
   * locked for it.
   */
  lock(owner: LockOwner): Promise<LogLock>;
  /**
   * Takes a duty that only one of all processes on this log has, such as pruning; undefined while another has it. On SQLite the
   * receiver has those of receivers, and other names are for commands.
   */
  takeDuty(name: string): Promise<Duty | undefined>;
  /** What several receivers of one log share; undefined where there can be only one. */
  readonly shared: LogSharing | undefined;
  /** Commits pending writes, then closes the file. */
  close(): Promise<void>;
}

/** A queue for each target. */
export interface LogQueue {
  /**
   * Claims deliveries that are due for a target, the longest due first; of ordered ones only the first of each key. On SQLite
   * only for the owner of the lock, with whose process all claims end; elsewhere a claim is a lease, which the log renews
   * until it is completed or released.
   */
  claim(request: ClaimRequest): Promise<Claimed>;
  /** Records the attempt and releases the claim in one step. */
  complete(claim: ClaimRef, attempt: NewAttempt, outcome: ForwardOutcome): Promise<Completed>;
  /** Releases claims without an attempt, because the target is down. With a time they are due then: behind those that are due before. */
  release(claims: readonly ClaimRef[], dueAt?: Date): Promise<void>;
  /** Marks deliveries that wait for a target as failed. Resolves to their number. */
  giveUp(target: string): Promise<number>;
  /** The deliveries that wait, by target. */
  waiting(): Promise<readonly WaitingCount[]>;
  /** Calls back when another process may have made something due for a target, and when the log cannot be asked. Returns what ends it. */
  onWork(listener: (target: string) => void, onAway?: (error: unknown) => void): () => void;
}

export interface NewEntry {
  readonly receivedAt: Date;
  readonly delivery: Delivery;
  /** The sender's address. */
  readonly remote: string | undefined;
  readonly receipt: Receipt;
  /** A rejected delivery is never the original of a duplicate. */
  readonly accepted: boolean;
  readonly status: number | undefined;
  readonly refusal: string | undefined;
  /** Nobody has sent it: `reconcile` made it for a change that Zoho has told nobody of. */
  readonly reconstructed?: boolean | undefined;
  readonly forward?: ForwardRequest | undefined;
}

export interface Appended {
  /** Counts from 1 and is never reused, even with several receivers on one log. */
  readonly n: number;
  /** The delivery of the same identity within the last 24 hours that was accepted and not answered with an error. */
  readonly duplicateOf: number | undefined;
  /** One for each target. The caller is to deliver now what is claimed. */
  readonly forwards: readonly { readonly target: string; readonly claim: ClaimRef | undefined }[];
}

/** `due`: the next one of its order is due now. `lost`: the claim had ended, and another process may have sent it, too. */
export type Completed = "done" | "due" | "lost";

/** Ends with the process. */
export interface Duty {
  /** Aborts when the duty is lost, and another process may have it. */
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

interface LogSharing {
  /** The processes that receive or deliver now. `lockOwnerAt` tells the one of a SQLite log. */
  receivers(): Promise<readonly LockOwner[]>;
  readonly secrets: SharedSecrets;
}

/** Secrets by name, such as the one that Mail hands out; stored encrypted. */
export interface SharedSecrets {
  /** Rejects with a UserError without the key to decrypt them. */
  all(): Promise<ReadonlyMap<string, string>>;
  set(name: string, value: string): Promise<void>;
  /** Whether there are any, which tells who has no key, too. */
  isUsed(): Promise<boolean>;
}

export interface Answer {
  readonly status: number;
  readonly refusal: string | undefined;
}

export type DeliveryState = "received" | "waiting" | "delivered" | "failed" | "duplicate" | "rejected";

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
  /** False when there was no schema to check, so that an empty list of issues means nothing. */
  readonly schemaChecked: boolean;
  readonly identity: string | undefined;
  readonly duplicateOf: number | undefined;
  readonly accepted: boolean;
  readonly status: number | undefined;
  readonly refusal: string | undefined;
  /** Made by `reconcile`. */
  readonly reconstructed: boolean;
  readonly state: DeliveryState;
}

/** Tells whether the body of an event is custom. */
type IsCustom = (event: Pick<LogRecord, "product" | "format" | "event">) => boolean;

/** The columns of a delivery that a list shows. */
export interface LogRow
  extends Pick<
    LogRecord,
    | "n"
    | "receivedAt"
    | "method"
    | "url"
    | "product"
    | "format"
    | "event"
    | "records"
    | "duplicateOf"
    | "status"
    | "refusal"
    | "reconstructed"
    | "state"
  > {
  /** The result of its signatures and tokens together: see `senderVerdict`. */
  readonly sender: Signature["result"];
  /** Undefined where there was no schema to check. */
  readonly schemaOk: boolean | undefined;
  /** Length of the recorded body, which may be cut. */
  readonly bytes: number;
  /** The last attempt, not counting replays that were edited or failed. Its status is undefined where no answer came. */
  readonly lastAttempt: Pick<Attempt, "status" | "latencyMs"> | undefined;
  /** The user's own names of headers and parameters with a secret. */
  readonly secretFields: readonly string[];
}

export interface LogEntry extends LogRecord {
  /** Its body may be cut: see `isBodyCut`. */
  readonly delivery: Delivery;
  readonly attempts: readonly Attempt[];
  readonly forwards: readonly Forward[];
}

/** Numbers of the first and last delivery, and the id of the last attempt; 0 where there is none. */
export interface LogEnds {
  readonly oldest: number;
  readonly newest: number;
  readonly lastAttempt: number;
}

export interface LogListOptions {
  readonly order?: "newest" | "oldest";
  readonly limit?: number;
  /** Called for each delivery that cannot be read; by default the first one is thrown. */
  readonly onDamaged?: (n: number, reason: string) => void;
  /** Ends the list early. */
  readonly signal?: AbortSignal;
  /** Called while bodies are searched, with how many of the log's numbers have been. */
  readonly onSearched?: (count: number, total: number) => void;
}

export interface LogStats extends Omit<LogStatsReport, "type" | "hours" | "ifEmpty"> {
  /** Those with deliveries, oldest first. */
  readonly periods: LogStatsReport["hours"];
}

/** The filters of counts. */
export type StatsFilter = Pick<LogFilter, "product" | "since" | "until">;

export interface StatsOptions {
  /** Default: none is custom. */
  readonly isCustom?: IsCustom;
  /** The length of a period. Default: an hour. */
  readonly periodMs?: number;
}

export interface Retention {
  readonly keepMs?: number | undefined;
  /** For `keepMs`: only deliveries with higher numbers. */
  readonly after?: number | undefined;
  readonly maxBytes?: number | undefined;
}

export interface Pruned {
  readonly removed: number;
  /** The size of the log afterwards. */
  readonly bytes: number;
}

export interface LockOwner {
  readonly pid: number;
  /** The machine's name, on a log that several machines share. */
  readonly host?: string | undefined;
  readonly url: string | undefined;
  /** Default: both. */
  readonly role?: Role | undefined;
  readonly since: Date;
}

/** Which half of `listen` a process does: receive and record, deliver what waits, or both. */
export type Role = "receive" | "deliver" | "both";

export type LogLock = HeldLock | { readonly held: false; readonly by: LockOwner | undefined };

export interface HeldLock {
  readonly held: true;
  setUrl(url: string): Promise<void>;
  /**
   * Counts as failed what processes that have ended have left without an answer: its senders got none. Resolves to its
   * number.
   */
  endUnanswered(): Promise<number>;
  release(): Promise<void>;
}

export interface ForwardRequest {
  readonly targets: readonly string[];
  /**
   * `product:record`, or `EVERY_RECORD` in place of the record: deliveries of one key reach a target one after the other.
   * Undefined when order does not matter.
   */
  readonly orderKey?: string | undefined;
  /** Those for which the caller has reserved room: claimed at once, unless an earlier delivery has to come first. */
  readonly claim?: readonly string[];
}

/** The right to send one delivery to one target. */
export interface ClaimRef {
  readonly id: number;
  readonly n: number;
  /** Id of this claim alone, where claims are leases. */
  readonly lease?: string | undefined;
  /** False when its lease has ended, as after a pause of the process: another one may have sent the delivery. */
  isValid(): boolean;
}

export interface ClaimRequest {
  readonly target: string;
  readonly limit: number;
  /** For all bodies together; one is claimed whatever its size. Default: no limit. */
  readonly maxBytes?: number | undefined;
  readonly now: Date;
  /** A delivery that seems to wait for longer is due: the clock has been set back. */
  readonly maxPauseMs: number;
}

/** A damaged delivery, which can only be given up. */
export interface Unreadable extends ClaimRef {
  readonly reason: string;
}

export interface Claimed {
  readonly claims: readonly Claim[];
  readonly unreadable: readonly Unreadable[];
  /** More may be due: the limit was reached, or the next one did not fit. */
  readonly hasMore: boolean;
  /** When the next one becomes due after `now`; undefined where there is none, and where the limit was reached. */
  readonly nextAt: Date | undefined;
}

export interface Claim extends ClaimRef {
  readonly target: string;
  /** Attempts made before this one. */
  readonly attempts: number;
  readonly receivedAt: Date;
  /** The sender's address. */
  readonly remote: string | undefined;
  readonly duplicateOf: number | undefined;
  readonly product: string | undefined;
  readonly format: string | undefined;
  readonly event: string | undefined;
  readonly reconstructed: boolean;
  readonly delivery: Delivery;
}

export interface NewAttempt {
  readonly target: string;
  readonly at: Date;
  /** Undefined when no answer came, because of `error`. */
  readonly status: number | undefined;
  readonly latencyMs: number;
  readonly error: string | undefined;
  /** The start of the answer. */
  readonly reply?: string | undefined;
  /** The target has the delivery now: one that had failed, or waits, becomes delivered. */
  readonly resolvesFailure?: boolean;
  /** Undefined for an attempt of `listen`. `edited`: other bytes than those that came, so its answer is about those. */
  readonly replay?: "same" | "edited" | undefined;
}

export interface Attempt extends Omit<NewAttempt, "resolvesFailure" | "replay"> {
  readonly replay: NewAttempt["replay"];
  /** Counts from 1 for each delivery and target. */
  readonly attempt: number;
}

/** An attempt with its position in the log. */
export interface FollowedAttempt extends Attempt {
  /** For `attemptsAfter`. */
  readonly id: number;
  readonly n: number;
}

export type ForwardOutcome =
  | { readonly state: "delivered" }
  | { readonly state: "failed" }
  | { readonly state: "retry"; readonly at: Date };

export type ForwardState = "waiting" | "delivered" | "failed";

export interface Forward {
  readonly target: string;
  readonly state: ForwardState;
  readonly attempts: number;
  /** The next attempt; only for those that wait. */
  readonly dueAt: Date | undefined;
}

export interface WaitingCount {
  readonly target: string;
  /** Including those that are being sent. */
  readonly waiting: number;
  /** When the first of them is due; undefined when none waits. */
  readonly nextAt: Date | undefined;
  /** When the oldest of them was received. */
  readonly oldestAt: Date | undefined;
}

/** Selects deliveries: all conditions that are given must match. */
export interface LogFilter {
  readonly product?: string | undefined;
  /** Patterns such as `Leads.*` or `crm:Leads.*` (`eventPattern`); one of them must match. */
  readonly events?: readonly string[] | undefined;
  readonly since?: Date | undefined;
  /** Exclusive. */
  readonly until?: Date | undefined;
  /** Only higher numbers. */
  readonly after?: number | undefined;
  /** Only lower numbers. */
  readonly before?: number | undefined;
  /** What became of it; one of them must apply. */
  readonly only?: readonly DeliveryKind[] | undefined;
  /** Text in the body or the URL, case-sensitive. */
  readonly search?: string | undefined;
  readonly where?: readonly WhereClause[] | undefined;
}

/**
 * `failed` for at least one target, `invalid` as in `isInvalid`; or the statuses of the answer to the sender, both ends
 * inclusive: 400 to 499.
 */
export type DeliveryKind =
  | "failed"
  | "rejected"
  | "invalid"
  | "duplicate"
  | { readonly minStatus: number; readonly maxStatus: number };

/** `data.Email=jane@example.com`: a path in the payload and the text of the value that it must have. */
export interface WhereClause {
  readonly path: readonly string[];
  readonly value: string;
}
