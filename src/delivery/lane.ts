import { setMaxListeners } from "node:events";
import { errorText } from "../core/errors.ts";
import { maskUrl } from "../core/mask.ts";
import type { Claimed, ClaimRef, Unreadable } from "../store/forward.ts";
import type { Log } from "../store/log.ts";
import { createAlarm } from "./alarm.ts";
import type { AppHealth } from "./app-health.ts";
import { type AttemptOptions, attempt, type Held } from "./attempt.ts";
import type { ForwardSource } from "./forward-request.ts";
import { createHand } from "./hand.ts";
import { createInsist } from "./insist.ts";
import type { Places } from "./places.ts";
import { longestPause } from "./retry.ts";

export interface LaneOptions extends AttemptOptions {
  /** The part of the log that a lane works on. */
  readonly log: Pick<Log, "claimWaiting" | "nextDue" | "settle" | "release">;
  /** How many deliveries are on their way to one app at the same time, at most. */
  readonly concurrency: number;
  /** How long to leave a log alone that has refused. */
  readonly afterTroubleMs?: number;
}

/** The app that a target belongs to, which other targets may share. */
export interface LaneApp {
  readonly health: AppHealth;
  readonly places: Places;
}

/** The way to one target: a handful of claimed deliveries, and all others in the log. */
export interface Lane {
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

export function createLane(target: string, { health, places }: LaneApp, options: LaneOptions): Lane {
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
  const hand = createHand(mostHeld);
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
  places.onFree(go);

  const insist = createInsist(afterTroubleMs, closing.signal, sayTrouble);
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
      const next = hand.next();
      if (next === undefined) break;
      track(send(next));
    }
    const wanted = waiting && !claiming && !resting ? hand.wanted() : 0;
    if (wanted > 0) track(claimMore(wanted));
  }

  /** What was claimed while the target went away keeps its place in the log. */
  function dropHand(): void {
    if (hand.isEmpty() || !(closing.signal.aborted || health.isDown())) return;
    const dropped = hand.drop();
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
    await insist(() => log.settle(claim, attempt, { state: "failed" }));
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

  async function send(next: Held): Promise<void> {
    places.take(1);
    unsettled++;
    const onSent = (): void => places.give(1);
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
      hand.giveBack(bytes);
      go();
    },
    deliver(claim, source) {
      hand.put({ claim, attemptsBefore: 0, source });
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
