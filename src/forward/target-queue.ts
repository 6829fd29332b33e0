import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { maskUrl } from "../delivery/mask.ts";
import type { Claim, ClaimRef, Log, Unreadable } from "../log/log.ts";
import { errorText } from "../util/errors.ts";
import type { Down, Health, StillDown } from "./app-health.ts";
import { type AttemptOptions, attempt, type ClaimedDelivery, type Destination, maxPauseOf } from "./attempt.ts";
import { Backlog, LOG_RETRY_MS } from "./backlog.ts";
import { BoundedBuffer } from "./bounded-buffer.ts";
import type { ForwardSource } from "./request.ts";

export interface TargetQueueOptions extends AttemptOptions {
  readonly log: Pick<Log, "queue">;
  /** The most deliveries that are sent to one app at the same time. */
  readonly concurrency: number;
  /** A delivery was given up unsent, because the log cannot read it. */
  readonly onUnreadable?: (failure: { readonly n: number; readonly target: string; readonly reason: string }) => void;
}

/** The app behind a target, which other targets may share. */
export interface TargetApp {
  readonly health: Health;
  readonly semaphore: Semaphore;
  /** The health of one of its targets, which the delivery that `probe` sends shows. */
  watch(target: string, probe: () => Promise<StillDown | undefined>): Health;
}

/** Claimed at once for each delivery that may be sent at the same time, so that the log is not queried for every single one. */
const CLAIMED_PER_SLOT = 16;
/** A burst that is in memory anyway need not be read from the log again. */
const MAX_BUFFERED = 2_048;
const MAX_BUFFERED_BYTES = 2_097_152;

/**
 * Sends the deliveries of one target, of which the log is the queue: claims a few at a time into a buffer, sends as many
 * as the app's semaphore allows, and completes them in the log.
 */
export class TargetQueue {
  readonly #target: string;
  readonly #app: Health;
  readonly #own: Health;
  readonly #semaphore: Semaphore;
  readonly #options: TargetQueueOptions;
  readonly #maxClaimed: number;
  readonly #maxBuffered: number;
  readonly #maxPauseMs: number;
  /** Claimed and not sent yet. */
  readonly #buffer: BoundedBuffer<ClaimedDelivery>;
  readonly #backlog: Backlog;
  readonly #destination: Destination;
  /** Deliveries that are being sent, or that the log has not completed yet. */
  #uncompleted = 0;
  readonly #pending = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #interrupting = new AbortController();

  constructor(target: string, { health: app, semaphore, watch }: TargetApp, options: TargetQueueOptions) {
    const { log, concurrency, retry, now } = options;
    this.#target = target;
    this.#app = app;
    this.#own = watch(target, () => this.#probe());
    this.#semaphore = semaphore;
    this.#options = options;
    this.#maxClaimed = concurrency * CLAIMED_PER_SLOT;
    this.#maxBuffered = Math.max(this.#maxClaimed, MAX_BUFFERED);
    this.#maxPauseMs = maxPauseOf(retry);
    this.#buffer = new BoundedBuffer({
      maxCount: this.#maxBuffered,
      maxBytes: MAX_BUFFERED_BYTES,
      sizeOf: ({ source }) => source.delivery.body.length,
    });
    this.#backlog = new Backlog({ target, log, maxPauseMs: this.#maxPauseMs, now, onDue: () => this.#work() });
    this.#destination = {
      target,
      health: { app, own: this.#own },
      signal: this.#interrupting.signal,
      writeToLog: (write) => this.#retryUntilClosed(write),
      onSent: () => semaphore.release(),
      options,
    };
    // A listener for each write that is retried is no leak.
    setMaxListeners(0, this.#closing.signal);
    // An app that was restarted answers otherwise now.
    app.onBack(() => (this.#own.isDown() ? this.#own.probeNow() : this.wake()));
    this.#own.onBack(() => this.wake());
    semaphore.onRelease(() => this.#work());
  }

  /** Reserves room for a delivery that is about to be recorded; false when there is none, or others wait for it. */
  reserve(bytes: number): boolean {
    return !this.#backlog.goesFirst && this.#isOpen() && this.#buffer.reserve(bytes);
  }

  /** Frees room that was reserved. */
  release(bytes: number): void {
    this.#buffer.unreserve(bytes);
    this.#work();
  }

  /** Sends a delivery that was claimed when it was recorded, into room that was reserved. */
  deliver(claim: ClaimRef, source: ForwardSource): void {
    this.#buffer.pushReserved({ claim, attemptsBefore: 0, source });
    this.#work();
  }

  /** Something waits in the log. */
  wake(): void {
    this.#backlog.markDue();
    this.#work();
  }

  /** Nothing is being sent, buffered or due: what is left waits for its app, or for a time. */
  isIdle(): boolean {
    return this.#isDown() || (this.#pending.size === 0 && this.#buffer.length === 0 && !this.#backlog.mayHaveDue);
  }

  /** Starts nothing more and lets deliveries end; those that have not after `graceMs` stay in the log. */
  async close(graceMs: number): Promise<void> {
    this.#closing.abort();
    this.#own.close();
    this.#backlog.close();
    this.#giveBack(this.#buffer.clear());
    const timeout = setTimeout(() => this.#interrupting.abort(), graceMs);
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    clearTimeout(timeout);
  }

  /** Sends and claims whatever is possible now. */
  #work(): void {
    if (this.#closing.signal.aborted || this.#isDown()) this.#giveBack(this.#buffer.clear());
    if (!this.#isOpen()) return;
    this.#sendBuffered();
    const { usedCount, freeBytes } = this.#buffer;
    const hasRoom = usedCount < this.#maxClaimed / 2 && freeBytes > 0;
    if (hasRoom && this.#backlog.canClaim)
      this.#track(this.#claim({ limit: this.#maxClaimed - usedCount, maxBytes: freeBytes }));
  }

  #sendBuffered(): void {
    const lapsed: ClaimedDelivery[] = [];
    while (this.#semaphore.hasFree()) {
      const next = this.#buffer.shift();
      if (next === undefined) break;
      if (next.claim.isValid()) this.#track(this.#send(next));
      else lapsed.push(next);
    }
    // Another process may have them by now, or else they are due again.
    this.#giveBack(lapsed);
  }

  async #send(claimed: ClaimedDelivery): Promise<Down | undefined> {
    this.#semaphore.acquire();
    this.#uncompleted++;
    try {
      const { next, down } = await attempt(this.#destination, claimed);
      if (next === "due") this.#backlog.markDue();
      else if (next !== "done") this.#backlog.wakeAt(next);
      return down;
    } finally {
      this.#uncompleted--;
      this.#work();
    }
  }

  #claim(limits: { readonly limit: number; readonly maxBytes: number }): Promise<void> {
    return this.#backlog.claim(limits, ({ claims, unreadable }) => {
      for (const each of claims) this.#buffer.push(claimedDelivery(each));
      for (const each of unreadable) this.#track(this.#giveUp(each));
      this.#work();
    });
  }

  /** A damaged delivery must not block the others. */
  async #giveUp({ reason, ...ref }: Unreadable): Promise<void> {
    const { log, now, onUnreadable } = this.#options;
    const target = this.#target;
    const error = `it is damaged in the event log: ${reason}`;
    this.#reportTrouble(new Error(`#${ref.n} failed: ${error}`));
    const failed = { target, at: now(), status: undefined, latencyMs: 0, error };
    await this.#retryUntilClosed(() => log.queue.complete(ref, failed, { state: "failed" }));
    onUnreadable?.({ n: ref.n, target, reason: error });
  }

  /** Claimed deliveries go back to the log when the app is down, the queue closes or their claims have ended. */
  #giveBack(claimed: readonly ClaimedDelivery[]): void {
    if (claimed.length === 0) return;
    const { queue } = this.#options.log;
    const claims = claimed.map(({ claim }) => claim);
    this.#track(this.#retryUntilClosed(() => queue.release(claims)).then(() => this.wake()));
  }

  /** Sends the delivery that is due for the longest time to a target that is down. Where none is, another process may have it. */
  #probe(): Promise<StillDown | undefined> {
    const probing = this.#claimOne().then((claimed) => (claimed === undefined ? {} : this.#send(claimed)));
    // Its health reports a failure.
    this.#track(probing.catch(() => {}));
    return probing;
  }

  async #claimOne(): Promise<ClaimedDelivery | undefined> {
    if (this.#closing.signal.aborted || this.#app.isDown()) return undefined;
    const { log, now } = this.#options;
    const request = { target: this.#target, limit: 1, maxPauseMs: this.#maxPauseMs, now: now() };
    const { claims, unreadable } = await log.queue.claim(request);
    for (const each of unreadable) this.#track(this.#giveUp(each));
    const [claimed] = claims.map(claimedDelivery);
    if (claimed === undefined || !this.#closing.signal.aborted) return claimed;
    this.#giveBack([claimed]);
    return undefined;
  }

  #isDown(): boolean {
    return this.#app.isDown() || this.#own.isDown();
  }

  #isOpen(): boolean {
    return !this.#closing.signal.aborted && !this.#isDown() && this.#uncompleted < this.#maxBuffered;
  }

  /** The log may be full or locked for a while, and what it has to record must not be lost. */
  async #retryUntilClosed<T>(write: () => Promise<T>): Promise<T> {
    const { signal } = this.#closing;
    for (let retries = 0; ; retries++) {
      try {
        return await write();
      } catch (error) {
        if (signal.aborted) throw error;
        if (retries === 0) this.#reportTrouble(error);
      }
      await delay(LOG_RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  #track(task: Promise<unknown>): void {
    // `then`, not `finally`, which allocates more promises per task.
    const tracked = task.catch(this.#reportTrouble).then(() => void this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }

  /** A field, so that `#track` needs no new function for each task. */
  readonly #reportTrouble = (error: unknown): void => {
    this.#options.onTrouble(`forwarding to ${maskUrl(this.#target)}: ${errorText(error)}`);
  };
}

function claimedDelivery(claim: Claim): ClaimedDelivery {
  return { claim, attemptsBefore: claim.attempts, source: claim };
}

/** Limits the deliveries that are sent to one app at the same time, whatever their paths. */
export class Semaphore {
  readonly #listeners: (() => void)[] = [];
  #free: number;
  #first = 0;

  constructor(count: number) {
    this.#free = count;
  }

  hasFree(): boolean {
    return this.#free > 0;
  }

  acquire(): void {
    this.#free--;
  }

  /** Calls the listeners, beginning with another one each time, so that all targets of an app get their turn. */
  release(): void {
    this.#free++;
    const count = this.#listeners.length;
    this.#first = (this.#first + 1) % count;
    for (let i = 0; i < count; i++) this.#listeners[(this.#first + i) % count]?.();
  }

  onRelease(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
