import type { HeaderPair, Time } from "../util/json-line.ts";

/** What a delivery shows by itself. */
export interface ReceiptMembers {
  readonly product: string | null;
  readonly format: string | null;
  readonly event: string | null;
  /** False if product and format are recognised, but the event is none of theirs. */
  readonly known: boolean;
  /** A body without a schema, since its user designed it. */
  readonly custom: boolean;
  /** Other products and events that fit. */
  readonly ambiguous_with: readonly string[];
  /** The event that an unrecognised body is closest to, or that a custom one could have been meant as. */
  readonly nearest: Nearest | null;
  /** Ids of the records. */
  readonly records: readonly string[];
  /** Its signatures and tokens. */
  readonly signatures: readonly Signature[];
  /** Null if no schema was checked. */
  readonly schema: SchemaResult | null;
  /** Why the body is unreadable; in `verified`, why it is not an event. */
  readonly problem: string | null;
  /** A second delivery with the same one is a duplicate. */
  readonly identity: string | null;
  /** A known pitfall of such a delivery. */
  readonly hint: string | null;
}

interface Nearest {
  readonly product: string;
  readonly format: string;
  readonly events: readonly string[];
  /** Required members that it lacks. */
  readonly missing: readonly string[];
}

export interface Signature {
  readonly id: string;
  /** `nothing`: an address of `--allow-ip`. */
  readonly covers: "body" | "sender" | "nothing";
  /**
   * `missing_signature`: there is none, although a key is set; `no_key`: there is no key to verify it with; `unsigned`: there is
   * none, and none is required.
   */
  readonly result: "verified" | "wrong_signature" | "missing_signature" | "no_key" | "unsigned";
  readonly reason: string;
  /** A known cause of a failure. */
  readonly match?: "reserialised" | "changed" | "unknown_key" | "too_old" | "too_new" | "seconds";
}

interface SchemaResult {
  readonly ok: boolean;
  readonly issues: readonly SchemaIssue[];
}

interface SchemaIssue {
  /** `data.ids[0]`; empty for the payload itself. */
  readonly path: string;
  readonly expected: string;
  readonly received: string;
  /** Of `verified`: the place in the file, counted from 1. */
  readonly line?: number;
  /** Of `verified`: the place in the file, counted from 1. */
  readonly column?: number;
}

/**
 * A delivery, received now or read from the log. It is valid input for [`verify`](verifying.md). From the log, it also has `state`,
 * `remote`, `reconstructed`, `masked`, `bytes`, `cut`, `attempts` and `forwards`.
 * @printedBy listen, events
 */
export interface EventLine extends ReceiptMembers, Partial<LoggedMembers> {
  readonly type: "event";
  /** Its number in the log; 0 if it could not be recorded. */
  readonly n: number;
  readonly at: Time;
  readonly method: string;
  readonly path: string;
  /** Pairs of a name and a value. */
  readonly headers: readonly HeaderPair[];
  /** The exact bytes, except masked secrets. */
  readonly body_b64: string;
  /** Parsed, long ids as text; null if it could not be read. */
  readonly body: unknown;
  /** Number of the delivery that this one repeats. */
  readonly duplicate_of: number | null;
  /** The answer to the sender; null while your app is still to give it, with `--respond mirror`. */
  readonly status: number | null;
  /** Why the answer was not a plain 200. */
  readonly refusal: string | null;
}

/** Facts that only the log has about a delivery: members of an `event` line from there. */
export interface LoggedMembers {
  /** [What the words mean](receiving.md#what-the-sender-is-answered). */
  readonly state: "received" | "waiting" | "delivered" | "failed" | "duplicate" | "rejected";
  /** The sender's address. */
  readonly remote: string | null;
  /** [`reconcile`](missed.md) made it: nobody sent it. */
  readonly reconstructed: boolean;
  /** Secrets in path, headers or body are masked, so they are not exactly what came. */
  readonly masked: boolean;
  /** Length of the body as received. */
  readonly bytes: number;
  /** `body_b64` is only its start, since it was rejected. */
  readonly cut: boolean;
  /** Oldest first. */
  readonly attempts: readonly AttemptMembers[];
  /** One for each target. */
  readonly forwards: readonly ForwardMembers[];
}

/** A request to a target. */
export interface AttemptMembers {
  /** Counts from 1 for each delivery and target. */
  readonly attempt: number;
  readonly target: string;
  readonly at: Time;
  /** Null if no answer came. Of a queue (`bullmq://`), 200 once Redis has the job; the terminal shows `queued`. */
  readonly status: number | null;
  readonly latency_ms: number;
  readonly error: string | null;
  /** The start of the answer. */
  readonly reply: string | null;
  /** Whether `replay` made it, with the `same` bytes that came or with `edited` ones. */
  readonly replay: "same" | "edited" | null;
}

export interface ForwardMembers {
  readonly target: string;
  readonly state: "waiting" | "delivered" | "failed";
  readonly attempts: number;
  /** When the next attempt is due. */
  readonly due_at: Time | null;
}
