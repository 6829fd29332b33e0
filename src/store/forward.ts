import type { Delivery } from "../core/delivery.ts";

/** In the place of a record's id in an order key: the delivery is about several records, and goes before or after each of them. */
export const EVERY_RECORD = "*";

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
