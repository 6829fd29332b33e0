import type { Claimed, Log } from "../log/log.ts";
import { MAX_TIMER_MS } from "../util/timing.ts";

interface BacklogOptions {
  readonly target: string;
  readonly log: Pick<Log, "queue">;
  /** No delivery waits longer; see `ClaimRequest`. */
  readonly maxPauseMs: number;
  now(): Date;
  /** The time of a `wakeAt` has come. */
  onDue(): void;
}

interface ClaimLimits {
  readonly limit: number;
  readonly maxBytes: number;
}

/** How long to leave a log alone that has failed. */
export const LOG_RETRY_MS = 5000;

const NOTHING: Claimed = { claims: [], unreadable: [], hasMore: false, nextAt: undefined };

/** The deliveries of one target that wait in the log: whether some may be due, and when they are claimed. */
export class Backlog {
  readonly #options: BacklogOptions;
  /** True at first, since an earlier run may have left deliveries that go first. */
  #mayHaveDue = true;
  #isClaiming = false;
  /** The last claim left some in the log, which go first. */
  #leftMore = true;
  /** The log has failed, and is left alone until the timer fires. */
  #logFailed = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** Something may be due, and no claim is looking for it. */
  get mayHaveDue(): boolean {
    return this.#mayHaveDue;
  }

  get canClaim(): boolean {
    return this.#mayHaveDue && !this.#isClaiming && !this.#logFailed;
  }

  /**
   * New deliveries must not overtake what waits. A claim that is under way has read the log already, so what is recorded from now
   * on need not wait for its end.
   */
  get goesFirst(): boolean {
    return this.#mayHaveDue || (this.#isClaiming && this.#leftMore);
  }

  /** Something may be due now. */
  markDue(): void {
    this.#mayHaveDue = true;
  }

  /** Calls `onDue` at the earliest of the times it is called with; sooner when that is beyond the reach of a timer. */
  wakeAt(at: Date): void {
    if (at.getTime() >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = at.getTime();
    const inMs = Math.max(0, this.#timerAtMs - this.#options.now().getTime());
    this.#timer = setTimeout(() => this.#onTimer(), Math.min(inMs, MAX_TIMER_MS));
  }

  #onTimer(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#logFailed = false;
    this.#mayHaveDue = true;
    this.#options.onDue();
  }

  /** Claims what is due and passes it on before the next claim can begin, as nothing when the log fails; rejects then. */
  async claim(limits: ClaimLimits, onClaimed: (claimed: Claimed) => void): Promise<void> {
    const { target, log, maxPauseMs, now } = this.#options;
    this.#isClaiming = true;
    // A `markDue` from here on may be about something that this claim does not see.
    this.#mayHaveDue = false;
    const at = now();
    let claimed = NOTHING;
    try {
      claimed = await log.queue.claim({ target, ...limits, maxPauseMs, now: at });
      this.#leftMore = claimed.hasMore;
      this.#mayHaveDue ||= claimed.hasMore;
      // As of the claim's time: the timer fires for what has become due since.
      if (claimed.nextAt !== undefined) this.wakeAt(claimed.nextAt);
    } catch (error) {
      this.#leftMore = true;
      this.#mayHaveDue = true;
      this.#logFailed = true;
      this.wakeAt(new Date(now().getTime() + LOG_RETRY_MS));
      throw error;
    } finally {
      this.#isClaiming = false;
      onClaimed(claimed);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }
}
