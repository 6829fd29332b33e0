import type { Attempt } from "../log/log.ts";

/** One attempt to forward a delivery to the developer's app. */
export interface ForwardReport extends Omit<Attempt, "reply" | "replay"> {
  readonly type: "forward";
  readonly n: number;
  /** A person sees the target; false where there is only one. */
  readonly showTarget: boolean;
  readonly hint: string | undefined;
  readonly replyPreview: string;
  /**
   * `mirrored`: the sender got this answer, and retrying is up to it. `single`: an attempt in the log that was not made
   * by the queue: a mirrored or replayed delivery.
   */
  readonly state: "delivered" | "failed" | "retry" | "mirrored" | "single";
  readonly retryInMs: number | undefined;
  /** The first of a row of equal failures, which was shown with all there is to say. */
  readonly sameAs?: number;
  /** Sends a failed delivery again. */
  readonly replayCommand?: string;
  /** Lists all failed deliveries; set on the first of them. */
  readonly failedList?: string;
}

/** The developer's app has gone or come back: reported once, however many deliveries wait for it. */
export interface TargetReport {
  readonly type: "target";
  readonly at: Date;
  readonly state: "down" | "up";
  readonly target: string;
  readonly reason: string | undefined;
  /** Deliveries that wait in the log for it. */
  readonly waiting: number | undefined;
  readonly downMs: number | undefined;
}
