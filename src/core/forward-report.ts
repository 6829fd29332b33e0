/** One try at handing a delivery to the developer's app. */
export interface ForwardReport {
  readonly type: "forward";
  readonly n: number;
  /** Counts from 1 for each delivery and target. */
  readonly attempt: number;
  readonly target: string;
  readonly status: number | undefined;
  readonly latencyMs: number;
  /** Why no whole answer came. */
  readonly error: string | undefined;
  readonly hint: string | undefined;
  readonly replyPreview: string;
  /**
   * `mirrored`: the sender got this answer, and trying again is up to it. `single`: an attempt that the log tells of and
   * that was outside of its queue, a mirrored or a repeated delivery.
   */
  readonly state: "delivered" | "failed" | "retry" | "mirrored" | "single";
  readonly retryInMs: number | undefined;
  /** The command that sends it again, of what was given up. */
  readonly replayCommand?: string | undefined;
  /** The command that lists all that was given up: said once. */
  readonly failedList?: string | undefined;
}

/** The developer's app has gone or come back: said once, however many deliveries wait for it. */
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

/** The connection that makes the receiver reachable from outside. */
export interface TunnelReport {
  readonly type: "tunnel";
  readonly at: Date;
  readonly state: "up" | "down" | "reconnected" | "lost";
  readonly url: string | undefined;
  /** The URL before, where the tunnel came back under another one. */
  readonly previousUrl: string | undefined;
  readonly reason: string | undefined;
  readonly downMs: number | undefined;
}
