import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { maskUrl } from "../core/mask.ts";
import type { Claimed, ClaimRef, Log, Unreadable } from "../store/log.ts";
import { errorText } from "../util/errors.ts";
import { MAX_TIMER_MS } from "../util/timing.ts";
import type { AppHealth } from "./app-health.ts";
import { type AttemptOptions, attempt, type ClaimedDelivery, longestPause } from "./attempt.ts";
import type { ForwardSource } from "./request.ts";

export interface TargetQueueOptions extends AttemptOptions {
  /** The part of the log that a lane works on. */
  readonly log: Pick<Log, "claimWaiting" | "nextDue" | "complete" | "release">;
  /** How many deliveries are on their way to one app at the same time, at most. */
  readonly concurrency: number;
  /** How long to leave a log alone that has refused. */
  readonly afterTroubleMs?: number;
}

/** The app that a target belongs to, which other targets may share. */
export interface TargetApp {
  readonly health: AppHealth;
  readonly places: Semaphore;
}

/** The way to one target: a handful of claimed deliveries, and all others in the log. */
export interface TargetQueue {
  /** Makes room for a delivery that is about to be kept; false where there is none, or others wait for it. */
  reserve(bytes: number): boolean;
  giveBack(bytes: number): void;
  /** Delivers what was claimed for a room that was reserved. */
  deliver(claim: ClaimRef, source: ForwardSource): void;
  /** Something waits in the log. */
  wake(): void;
  /** Nothing is under way, in hand or due: what is left waits for its app, or for a time. */
  isIdle(): boolean;
  /** Begins nothing more and lets what is under way end; what has not ended after `graceMs` waits in the log. */
  close(graceMs: number): Promise<void>;
}

/** In hand for each place on the way, so that the log need not be asked for each delivery by itself. */
const HELD_PER_PLACE = 16;

export function createTargetQueue(
  target: string,
  { health, places }: TargetApp,
  options: TargetQueueOptions,
): TargetQueue {
  const { log, concurrency, retry, afterTroubleMs = 5000, now, onTrouble } = options;
  const mostHeld = concurrency * HELD_PER_PLACE;
  const longestPauseMs = longestPause(retry);
  const underWay = new Set<Promise<void>>();
  const alarm = createAlarm(now, () => {
    resting = false;
    wake();
  });
  const closing = new AbortController();
  const cut = new AbortController();
  const hand = createPrefetchBuffer(mostHeld);
  /** Posted, while the log has still to be told. */
  let unsettled = 0;
  /** How many the log has been told of so far. */
  let settled = 0;
  // Until the log has been asked, an earlier run may have left something that goes first.
  let waiting = true;
  let claiming = false;
  /** The log has refused, and is left alone until the alarm. */
  let resting = false;
  /** All that is due has to wait for an earlier delivery of its record. */
  let blocked = false;
  setMaxListeners(0, closing.signal, cut.signal);
  health.onBack(wake);
  places.onRelease(go);

  const insist = createRetryUntilAborted(afterTroubleMs, closing.signal, sayTrouble);
  const isOpen = (): boolean => !closing.signal.aborted && !health.isDown() && unsettled < mostHeld;

  function sayTrouble(error: unknown): void {
    onTrouble(`forwarding to ${maskUrl(target)}: ${errorText(error)}`);
  }

  function track(work: Promise<void>): void {
    const tracked = work.catch(sayTrouble);
    underWay.add(tracked);
    void tracked.then(() => underWay.delete(tracked));
  }

  function wake(): void {
    waiting = true;
    go();
  }

  /** Does all that can be done now. */
  function go(): void {
    if (!isOpen()) {
      dropHand();
      return;
    }
    while (places.free() > 0) {
      const next = hand.shift();
      if (next === undefined) break;
      track(send(next));
    }
    const wanted = waiting && !claiming && !resting ? hand.wanted() : 0;
    if (wanted > 0) track(claimMore(wanted));
  }

  /** What was claimed while the target went away keeps its place in the log. */
  function dropHand(): void {
    if (hand.isEmpty() || !(closing.signal.aborted || health.isDown())) return;
    const dropped = hand.clear();
    track(insist(() => log.release(dropped.map(({ claim }) => claim))).then(wake));
  }

  async function claimMore(limit: number): Promise<void> {
    claiming = true;
    // A wake from here on means something that this claim may not have seen.
    waiting = false;
    const before = { at: now(), settled };
    let claimed: Claimed = { claims: [], unreadable: [] };
    try {
      claimed = await log.claimWaiting({
        ...{ target, limit, longestPauseMs },
        maxBytes: hand.bytesLeft(),
        now: before.at,
      });
      const found = claimed.claims.length + claimed.unreadable.length;
      if (found === limit) waiting = true;
      else await lookAhead(found > 0, before);
    } catch (error) {
      // What waits still goes first: nothing that comes meanwhile may overtake it.
      waiting = true;
      resting = true;
      alarm.set(new Date(now().getTime() + afterTroubleMs));
      throw error;
    } finally {
      for (const claim of claimed.claims) hand.add({ claim, attemptsBefore: claim.attempts, source: claim });
      for (const each of claimed.unreadable) track(giveUp(each));
      claiming = false;
      go();
    }
  }

  /** What the log can no longer give must not hold up what it can. */
  async function giveUp({ reason, ...claim }: Unreadable): Promise<void> {
    const error = `it is damaged in the event log: ${reason}`;
    sayTrouble(new Error(`#${claim.n} is given up: ${error}`));
    const attempt = { target, at: now(), status: undefined, latencyMs: 0, error };
    await insist(() => log.complete(claim, attempt, { state: "failed" }));
  }

  /**
   * Less could be claimed than was asked for: when is there more? What was held back may have been let go while the claim
   * was under way: then nothing else would tell, and it is asked for again. It is looked at the time of the claim: what
   * has become due since is not held back by anything.
   */
  async function lookAhead(found: boolean, before: { readonly at: Date; readonly settled: number }): Promise<void> {
    const next = await log.nextDue({ target, now: before.at, longestPauseMs });
    if (next.left && (found || settled !== before.settled)) waiting = true;
    else blocked ||= next.left;
    if (next.at !== undefined) alarm.set(next.at);
  }

  async function send(next: ClaimedDelivery): Promise<void> {
    places.acquire(1);
    unsettled++;
    const onSent = (): void => places.release(1);
    try {
      const after = await attempt(target, next, options, { health, cut: cut.signal, insist, onSent });
      if (after === "waits") waiting = true;
      else if (after !== "done") alarm.set(after);
    } finally {
      unsettled--;
      settled++;
      waiting ||= blocked;
      blocked = false;
      go();
    }
  }

  return {
    reserve(bytes) {
      return !waiting && !claiming && isOpen() && hand.reserve(bytes);
    },
    giveBack(bytes) {
      hand.release(bytes);
      go();
    },
    deliver(claim, source) {
      hand.push({ claim, attemptsBefore: 0, source });
      go();
    },
    wake,
    isIdle: () => health.isDown() || (underWay.size === 0 && hand.isEmpty() && !waiting),
    async close(graceMs) {
      closing.abort();
      alarm.clear();
      dropHand();
      const patience = setTimeout(() => cut.abort(), graceMs);
      while (underWay.size > 0) await Promise.all(underWay);
      clearTimeout(patience);
    },
  };
}

/** What a lane has claimed and not sent yet, and what room was made for: a few deliveries, however many wait in the log. */
interface PrefetchBuffer {
  /** How many more are wanted: none where a good part of them is there still. */
  wanted(): number;
  /** What these may come to. */
  bytesLeft(): number;
  /** Makes room for one; false where there is none. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
  /** Takes one in for which room was made. */
  push(one: ClaimedDelivery): void;
  /** Takes in what the log has given. */
  add(one: ClaimedDelivery): void;
  isEmpty(): boolean;
  /** The next to be sent, which leaves the hand. */
  shift(): ClaimedDelivery | undefined;
  /** All of them, which leave the hand. */
  clear(): readonly ClaimedDelivery[];
}

/** Bodies may be large: the hand is never fuller than this, but for one. */
const MOST_BYTES = 2_097_152;

function createPrefetchBuffer(most: number): PrefetchBuffer {
  const hand: ClaimedDelivery[] = [];
  let count = 0;
  let bytesHeld = 0;

  const take = (bytes: number): void => {
    count++;
    bytesHeld += bytes;
  };
  const release = (bytes: number): void => {
    count--;
    bytesHeld -= bytes;
  };
  const leave = ({ source }: ClaimedDelivery): void => release(source.delivery.body.length);
  return {
    wanted: () => (count < most / 2 && bytesHeld < MOST_BYTES ? most - count : 0),
    bytesLeft: () => MOST_BYTES - bytesHeld,
    reserve(bytes) {
      if (count >= most || (count > 0 && bytesHeld + bytes > MOST_BYTES)) return false;
      take(bytes);
      return true;
    },
    release,
    push: (one) => void hand.push(one),
    add(one) {
      take(one.source.delivery.body.length);
      hand.push(one);
    },
    isEmpty: () => hand.length === 0,
    shift() {
      const one = hand.shift();
      if (one !== undefined) leave(one);
      return one;
    },
    clear() {
      const dropped = hand.splice(0);
      for (const one of dropped) leave(one);
      return dropped;
    },
  };
}

/** How many deliveries are on their way to one app at the same time, whatever their paths. */
interface Semaphore {
  free(): number;
  acquire(count: number): void;
  /** Gives places back and calls those who may want one, each first in its turn. */
  release(count: number): void;
  onRelease(work: () => void): void;
}

export function createSemaphore(most: number): Semaphore {
  const waiters: (() => void)[] = [];
  let taken = 0;
  let first = 0;
  return {
    free: () => most - taken,
    acquire(count) {
      taken += count;
    },
    release(count) {
      taken -= count;
      if (waiters.length === 0) return;
      first = (first + 1) % waiters.length;
      for (let i = 0; i < waiters.length; i++) waiters[(first + i) % waiters.length]?.();
    },
    onRelease(work) {
      waiters.push(work);
    },
  };
}

/** Calls once at the earliest of the times that it was set to, or before that where it is more than 24 days away. */
interface Alarm {
  set(at: Date): void;
  clear(): void;
}

function createAlarm(now: () => Date, ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined;
  let setTo = Number.POSITIVE_INFINITY;
  const clear = (): void => {
    clearTimeout(timer);
    setTo = Number.POSITIVE_INFINITY;
  };
  return {
    set(at) {
      if (at.getTime() >= setTo) return;
      clear();
      setTo = at.getTime();
      timer = setTimeout(
        () => {
          clear();
          ring();
        },
        Math.min(Math.max(0, setTo - now().getTime()), MAX_TIMER_MS),
      );
    },
    clear,
  };
}

/** Does a work again and again until it succeeds. Rejects with its last error once `signal` is aborted. */
type RetryUntilAborted = (work: () => Promise<void>) => Promise<void>;

/** For a log that may refuse for a while, full or locked: what it is to be told must not be lost. */
function createRetryUntilAborted(
  everyMs: number,
  signal: AbortSignal,
  onTrouble: (error: unknown) => void,
): RetryUntilAborted {
  return async (work) => {
    for (let said = false; ; said = true) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted) throw error;
        if (!said) onTrouble(error);
      }
      await delay(everyMs, undefined, { signal }).catch(() => {});
    }
  };
}
