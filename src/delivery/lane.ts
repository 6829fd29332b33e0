import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { errorText } from "../core/errors.ts";
import type { ForwardReport } from "../core/forward-report.ts";
import { formatDuration } from "../core/units.ts";
import type { Claim, ClaimRef, NewAttempt, Outcome } from "../store/forward.ts";
import type { Log } from "../store/log.ts";
import { createAlarm } from "./alarm.ts";
import { SLOWEST_ANSWER_MS } from "./answer-hint.ts";
import type { AppHealth } from "./app-health.ts";
import { type ForwardSource, forwardRequest } from "./forward-request.ts";
import type { Places } from "./places.ts";
import type { Poster, PostResult } from "./post.ts";
import { type AttemptOutcome, afterAttempt, type RetryPolicy } from "./retry.ts";

export interface LaneOptions {
  /** The part of the log that a lane works on. */
  readonly log: Pick<Log, "claimWaiting" | "nextDue" | "settle" | "release">;
  readonly poster: Poster;
  readonly retry: RetryPolicy;
  /** How long a claim lasts: longer than any attempt. */
  readonly leaseMs: number;
  /** How long an answer may take before it is said that Zoho would not have waited. */
  readonly slowMs?: number;
  now(): Date;
  onReport(report: ForwardReport): void;
  onTrouble(message: string): void;
}

/** The app that a target belongs to, which other targets may share. */
export interface LaneApp {
  readonly health: AppHealth;
  readonly places: Places;
}

/** The way to one target. Holds only what is on its way: what waits is in the log. */
export interface Lane {
  /** Takes a place for a delivery that is about to be kept; false where there is none, or others wait for it. */
  reserve(): boolean;
  giveBack(): void;
  /** Delivers what was claimed for a place that was taken. */
  deliver(claim: ClaimRef, source: ForwardSource): void;
  /** Something waits in the log. */
  wake(): void;
  /** Begins nothing more and lets what is under way end; what has not ended after `graceMs` waits in the log. */
  close(graceMs: number): Promise<void>;
}

const AFTER_TROUBLE_MS = 5000;

export function createLane(target: string, { health, places }: LaneApp, options: LaneOptions): Lane {
  const { log, poster, retry, leaseMs, slowMs = SLOWEST_ANSWER_MS, now, onReport, onTrouble } = options;
  const underWay = new Set<Promise<void>>();
  const alarm = createAlarm(now, wake);
  const closing = new AbortController();
  const cut = new AbortController();
  // Until the log has been asked, an earlier run may have left something that goes first.
  let waiting = true;
  let claiming = false;
  /** Something is due that has to wait for an earlier delivery of its record. */
  let heldUp = false;
  setMaxListeners(0, closing.signal, cut.signal);
  health.onBack(wake);
  places.onFree(pump);

  const isOpen = (): boolean => !closing.signal.aborted && !health.isDown() && places.free() > 0;

  function track(work: Promise<void>): void {
    const tracked = work.catch((error: unknown) => onTrouble(`forwarding to ${target}: ${errorText(error)}`));
    underWay.add(tracked);
    void tracked.then(() => underWay.delete(tracked));
  }

  function wake(): void {
    waiting = true;
    pump();
  }

  function pump(): void {
    if (waiting && !claiming && isOpen()) track(claimMore());
  }

  async function claimMore(): Promise<void> {
    const limit = places.free();
    places.take(limit);
    claiming = true;
    // A wake from here on means something that this claim may not have seen.
    waiting = false;
    let claims: readonly Claim[] = [];
    try {
      claims = await log.claimWaiting({ target, limit, now: now(), leaseMs });
      if (claims.length === limit) waiting = true;
      else await lookAhead();
    } catch (error) {
      alarm.set(new Date(now().getTime() + AFTER_TROUBLE_MS));
      throw error;
    } finally {
      for (const claim of claims) begin(claim, claim.attempts, claim);
      claiming = false;
      // Also with nothing to give back: it is how this lane goes on.
      places.give(limit - claims.length);
    }
  }

  /** Nothing more can be claimed now: when can it? */
  async function lookAhead(): Promise<void> {
    const { held, at } = await log.nextDue(target, now());
    heldUp ||= held;
    if (at !== undefined) alarm.set(at);
  }

  function begin(claim: ClaimRef, attemptsBefore: number, source: ForwardSource): void {
    const work = async (): Promise<void> => {
      try {
        // What was claimed while the target went away keeps its place in the log.
        if (closing.signal.aborted || health.isDown()) await putBack(claim);
        else await attempt(claim, attemptsBefore, source);
      } finally {
        waiting ||= heldUp;
        heldUp = false;
        places.give(1);
      }
    };
    track(work());
  }

  async function putBack(claim: ClaimRef): Promise<void> {
    await insist(() => log.release([claim]));
    waiting = true;
  }

  async function attempt(claim: ClaimRef, attemptsBefore: number, source: ForwardSource): Promise<void> {
    const at = now();
    const slow = setTimeout(() => onTrouble(slowText(claim.n)), slowMs);
    const result = await poster.post(forwardRequest(source, target), { signal: cut.signal });
    clearTimeout(slow);
    // An attempt that our own end has cut short is none.
    if (result.error?.code === "interrupted") return putBack(claim);
    const outcome = afterAttempt(result, attemptsBefore, retry, poster.isDirect(target));
    if (outcome.state === "down") {
      health.wentDown(result.error?.message ?? "it is not there");
      return putBack(claim);
    }
    const next = settlement(outcome);
    await insist(() => log.settle(claim, attemptRecord(at, result), next));
    if (next.state === "retry") alarm.set(next.at);
    onReport({
      type: "forward",
      n: claim.n,
      attempt: attemptsBefore + 1,
      target,
      status: result.status,
      latencyMs: result.latencyMs,
      error: result.error?.message,
      hint: result.error?.hint,
      replyPreview: result.replyPreview,
      state: outcome.state,
      retryInMs: outcome.state === "retry" ? outcome.afterMs : undefined,
    });
  }

  /** The log may refuse for a while, full or locked: it is told what became of a delivery until it takes it. */
  async function insist(tell: () => Promise<void>): Promise<void> {
    for (let said = false; ; said = true) {
      try {
        return await tell();
      } catch (error) {
        if (closing.signal.aborted) throw error;
        if (!said) onTrouble(`forwarding to ${target}: ${errorText(error)}`);
      }
      await delay(AFTER_TROUBLE_MS, undefined, { signal: closing.signal }).catch(() => {});
    }
  }

  function settlement(outcome: Exclude<AttemptOutcome, { state: "down" }>): Outcome {
    if (outcome.state !== "retry") return outcome;
    return { state: "retry", at: new Date(now().getTime() + outcome.afterMs) };
  }

  function attemptRecord(at: Date, { status, latencyMs, error, replyPreview }: PostResult): NewAttempt {
    return { target, at, status, latencyMs, error: error?.message, reply: replyPreview };
  }

  function slowText(n: number): string {
    return `#${n}: ${target} has not answered for ${formatDuration(slowMs)}: Zoho would take this delivery for failed`;
  }

  return {
    reserve() {
      if (waiting || !isOpen()) return false;
      places.take(1);
      return true;
    },
    giveBack: () => places.give(1),
    deliver: (claim, source) => begin(claim, 0, source),
    wake,
    async close(graceMs) {
      closing.abort();
      alarm.clear();
      const patience = setTimeout(() => cut.abort(), graceMs);
      while (underWay.size > 0) await Promise.all(underWay);
      clearTimeout(patience);
    },
  };
}
