import type { Time } from "../util/json-line.ts";

/** An attempt to forward a delivery. @printedBy listen */
export interface ForwardLine {
  readonly type: "forward";
  /** Number of the event. */
  readonly n: number;
  readonly at: Time;
  readonly attempt: number;
  readonly target: string;
  /** Null if no answer came. Of a queue (`bullmq://`), 200 once Redis has the job; the terminal shows `queued`. */
  readonly status: number | null;
  readonly latency_ms: number;
  readonly error: string | null;
  readonly hint: string | null;
  /**
   * `mirrored`: the sender got this answer, and retrying is up to it. `single`: not made by the queue: of a mirrored or replayed
   * delivery that is read from the log.
   */
  readonly state: "delivered" | "failed" | "retry" | "mirrored" | "single";
  readonly retry_in_ms: number | null;
}

export interface ForwardReport extends ForwardLine {
  readonly person: {
    /** False where there is only one target. */
    readonly showTarget: boolean;
    /** The start of the answer. */
    readonly reply: string;
    /** The first of a row of equal failures, which was shown with all there is to say. */
    readonly sameAs?: number;
    /** Sends a failed delivery again. */
    readonly replayCommand?: string;
    /** Lists all failed deliveries; set on the first of them. */
    readonly failedList?: string;
  };
}

/** Your app has gone or come back. Once, however many deliveries wait for it. @printedBy listen */
export interface TargetLine {
  readonly type: "target";
  readonly at: Time;
  readonly state: "down" | "up";
  readonly target: string;
  readonly reason: string | null;
  /** How many deliveries wait in the log for it. */
  readonly waiting: number | null;
  readonly down_ms: number | null;
}
