import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { maskUrl } from "../delivery/mask.ts";
import type { Claim, Claimed, ClaimRef, Log, Unreadable } from "../log/log.ts";
import { errorText } from "../util/errors.ts";
import { MAX_TIMER_MS } from "../util/timing.ts";
import type { Down, Health, StillDown } from "./app-health.ts";
import { type AttemptOptions, attempt, type ClaimedDelivery, maxPauseOf } from "./attempt.ts";
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

export type TargetQueue = ReturnType<typeof createTargetQueue>;

/** Claimed at once for each delivery that may be sent at the same time, so that the log is not queried for every single one. */
const CLAIMED_PER_SLOT = 16;
/** A burst that is in memory anyway need not be read from the log again. */
const MAX_BUFFERED = 2_048;
/** Bodies may be large: only the first delivery may take the buffer past this. */
const MAX_BUFFERED_BYTES = 2_097_152;
/** How long to leave a log alone that has failed. */
const LOG_RETRY_MS = 5000;

/**
 * Sends the deliveries of one target, of which the log is the queue: claims a few at a time into a buffer, sends as many
 * as the app's semaphore allows, and completes them in the log.
 */
export function createTargetQueue(
  target: string,
  { health: app, semaphore, watch }: TargetApp,
  options: TargetQueueOptions,
) {
  const { log, concurrency, retry, now, onTrouble, onUnreadable } = options;
  const maxClaimed = concurrency * CLAIMED_PER_SLOT;
  const maxBuffered = Math.max(maxClaimed, MAX_BUFFERED);
  const maxPauseMs = maxPauseOf(retry);
  const pending = new Set<Promise<void>>();
  const closing = new AbortController();
  const interrupting = new AbortController();
  const own = watch(target, probe);

  /** Claimed and not sent yet. Count and bytes include room that is reserved. */
  let buffer: ClaimedDelivery[] = [];
  let bufferedCount = 0;
  let bufferedBytes = 0;
  /** Deliveries that are being sent, or that the log has not completed yet. */
  let uncompleted = 0;
  /** Something may be due in the log. True at first, since an earlier run may have left deliveries that go first. */
  let mayHaveDue = true;
  let claiming = false;
  /** The last claim left some in the log. They go first: new ones must not overtake them. */
  let hasBacklog = true;
  /** The log has failed, and is left alone until the timer fires. */
  let logFailed = false;
  let timer: NodeJS.Timeout | undefined;
  let timerAtMs = Number.POSITIVE_INFINITY;

  // A listener for each write that is retried is no leak.
  setMaxListeners(0, closing.signal);
  // An app that was restarted answers otherwise now.
  app.onBack(() => (own.isDown() ? own.probeNow() : wake()));
  own.onBack(wake);
  semaphore.onRelease(work);

  function wake(): void {
    mayHaveDue = true;
    work();
  }

  /** Sends and claims whatever is possible now. */
  function work(): void {
    if (closing.signal.aborted || isDown()) releaseBuffer();
    if (!isOpen()) return;
    const lapsed: ClaimedDelivery[] = [];
    while (semaphore.hasFree()) {
      const next = buffer.shift();
      if (next === undefined) break;
      freeRoom(next.source.delivery.body.length);
      if (next.claim.isValid()) track(send(next));
      else lapsed.push(next);
    }
    // Another process may have them by now, or else they are due again.
    giveBack(lapsed);
    const hasRoom = bufferedCount < maxClaimed / 2 && bufferedBytes < MAX_BUFFERED_BYTES;
    if (mayHaveDue && !claiming && !logFailed && hasRoom) track(claim(maxClaimed - bufferedCount));
  }

  function isDown(): boolean {
    return app.isDown() || own.isDown();
  }

  function isOpen(): boolean {
    return !closing.signal.aborted && !isDown() && uncompleted < maxBuffered;
  }

  function takeRoom(bytes: number): void {
    bufferedCount++;
    bufferedBytes += bytes;
  }

  function freeRoom(bytes: number): void {
    bufferedCount--;
    bufferedBytes -= bytes;
  }

  async function send(claimed: ClaimedDelivery): Promise<Down | undefined> {
    semaphore.acquire();
    uncompleted++;
    try {
      const { next, down } = await attempt({
        target,
        delivery: claimed,
        health: { app, own },
        signal: interrupting.signal,
        writeToLog: retryUntilClosed,
        onSent: () => semaphore.release(),
        options,
      });
      if (next === "due") mayHaveDue = true;
      else if (next !== "done") wakeAt(next);
      return down;
    } finally {
      uncompleted--;
      work();
    }
  }

  async function claim(limit: number): Promise<void> {
    claiming = true;
    // A `wake` from here on may be about something that this claim does not see.
    mayHaveDue = false;
    const at = now();
    let claimed: Claimed = { claims: [], unreadable: [], hasMore: false, nextAt: undefined };
    try {
      const maxBytes = MAX_BUFFERED_BYTES - bufferedBytes;
      claimed = await log.queue.claim({ target, limit, maxPauseMs, maxBytes, now: at });
      hasBacklog = claimed.hasMore;
      mayHaveDue ||= claimed.hasMore;
      // As of the claim's time: the timer fires for what has become due since.
      if (claimed.nextAt !== undefined) wakeAt(claimed.nextAt);
    } catch (error) {
      hasBacklog = true;
      mayHaveDue = true;
      logFailed = true;
      wakeAt(new Date(now().getTime() + LOG_RETRY_MS));
      throw error;
    } finally {
      for (const each of claimed.claims) {
        takeRoom(each.delivery.body.length);
        buffer.push(claimedDelivery(each));
      }
      for (const each of claimed.unreadable) track(giveUp(each));
      claiming = false;
      work();
    }
  }

  /** Sends the delivery that is due for the longest time to a target that is down. Where none is, another process may have it. */
  function probe(): Promise<StillDown | undefined> {
    const probing = claimOne().then((claimed) => (claimed === undefined ? {} : send(claimed)));
    // Its health reports a failure.
    track(probing.catch(() => {}));
    return probing;
  }

  async function claimOne(): Promise<ClaimedDelivery | undefined> {
    if (closing.signal.aborted || app.isDown()) return undefined;
    const { claims, unreadable } = await log.queue.claim({ target, limit: 1, maxPauseMs, now: now() });
    for (const each of unreadable) track(giveUp(each));
    const [claimed] = claims.map(claimedDelivery);
    if (claimed === undefined || !closing.signal.aborted) return claimed;
    giveBack([claimed]);
    return undefined;
  }

  /** A damaged delivery must not block the others. */
  async function giveUp({ reason, ...ref }: Unreadable): Promise<void> {
    const error = `it is damaged in the event log: ${reason}`;
    reportTrouble(new Error(`#${ref.n} failed: ${error}`));
    const failed = { target, at: now(), status: undefined, latencyMs: 0, error };
    const completed = await retryUntilClosed(() => log.queue.complete(ref, failed, { state: "failed" }));
    onUnreadable?.({ n: ref.n, target, reason: error });
    if (completed === "due") wake();
  }

  /** Claimed deliveries go back to the log when the app is down or the queue closes. */
  function releaseBuffer(): void {
    const released = buffer;
    buffer = [];
    for (const { source } of released) freeRoom(source.delivery.body.length);
    giveBack(released);
  }

  function giveBack(released: readonly ClaimedDelivery[]): void {
    if (released.length > 0)
      track(retryUntilClosed(() => log.queue.release(released.map(({ claim: ref }) => ref))).then(wake));
  }

  /** Wakes at the earliest of the times it is called with; sooner when that is beyond the reach of a timer. */
  function wakeAt(at: Date): void {
    if (at.getTime() >= timerAtMs) return;
    clearTimeout(timer);
    timerAtMs = at.getTime();
    const onTimer = (): void => {
      timerAtMs = Number.POSITIVE_INFINITY;
      logFailed = false;
      wake();
    };
    timer = setTimeout(onTimer, Math.min(Math.max(0, timerAtMs - now().getTime()), MAX_TIMER_MS));
  }

  /** The log may be full or locked for a while, and what it has to record must not be lost. */
  async function retryUntilClosed<T>(write: () => Promise<T>): Promise<T> {
    for (let retries = 0; ; retries++) {
      try {
        return await write();
      } catch (error) {
        if (closing.signal.aborted) throw error;
        if (retries === 0) reportTrouble(error);
      }
      await delay(LOG_RETRY_MS, undefined, { signal: closing.signal }).catch(() => {});
    }
  }

  function track(task: Promise<unknown>): void {
    // `then`, not `finally`, which allocates more promises per task.
    const tracked = task.catch(reportTrouble).then(() => void pending.delete(tracked));
    pending.add(tracked);
  }

  function reportTrouble(error: unknown): void {
    onTrouble(`forwarding to ${maskUrl(target)}: ${errorText(error)}`);
  }

  /** A claim that is under way has read the log already, so what is recorded from now on need not wait for its end. */
  function reserve(bytes: number): boolean {
    if (mayHaveDue || (claiming && hasBacklog) || !isOpen() || bufferedCount >= maxBuffered) return false;
    if (bufferedCount > 0 && bufferedBytes + bytes > MAX_BUFFERED_BYTES) return false;
    takeRoom(bytes);
    return true;
  }

  function release(bytes: number): void {
    freeRoom(bytes);
    work();
  }

  function deliver(ref: ClaimRef, source: ForwardSource): void {
    buffer.push({ claim: ref, attemptsBefore: 0, source });
    work();
  }

  return {
    /** Reserves room for a delivery that is about to be recorded; false when there is none, or others wait for it. */
    reserve,
    /** Frees room that was reserved. */
    release,
    /** Sends a delivery that was claimed when it was recorded, into room that was reserved. */
    deliver,
    /** Something waits in the log. */
    wake,
    /** Nothing is being sent, buffered or due: what is left waits for its app, or for a time. */
    isIdle: (): boolean => isDown() || (pending.size === 0 && buffer.length === 0 && !mayHaveDue),
    /** Starts nothing more and lets deliveries end; those that have not after `graceMs` stay in the log. */
    async close(graceMs: number): Promise<void> {
      closing.abort();
      own.close();
      clearTimeout(timer);
      timerAtMs = Number.POSITIVE_INFINITY;
      releaseBuffer();
      const timeout = setTimeout(() => interrupting.abort(), graceMs);
      while (pending.size > 0) await Promise.all(pending);
      clearTimeout(timeout);
    },
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
