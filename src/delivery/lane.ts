import { setMaxListeners } from "node:events";
import { errorText } from "../core/errors.ts";
import type { ForwardReport } from "../core/forward-report.ts";
import type { Claim, ClaimRef, Outcome } from "../store/forward.ts";
import type { Log } from "../store/log.ts";
import type { AppHealth } from "./app-health.ts";
import { type ForwardSource, forwardRequest } from "./forward-request.ts";
import type { Poster, PostResult } from "./post.ts";
import { type AttemptOutcome, afterAttempt, type RetryPolicy } from "./retry.ts";

export interface LaneOptions {
  /** The part of the log that a lane works on. */
  readonly log: Pick<Log, "claimWaiting" | "settle" | "release">;
  readonly poster: Poster;
  readonly retry: RetryPolicy;
  /** How many deliveries are on their way to one target at the same time, at most. */
  readonly concurrency: number;
  /** How long a claim lasts: longer than any attempt. */
  readonly leaseMs: number;
  now(): Date;
  onReport(report: ForwardReport): void;
  onTrouble(message: string): void;
}

/** The way to one target: its free places and what waits for it. */
export interface Lane {
  /** A place is free and nothing that waits would be overtaken. */
  hasRoom(): boolean;
  /** Takes a place for a delivery that is about to be kept. */
  take(): void;
  giveBack(): void;
  /** Delivers what was claimed for a place that was taken. */
  deliver(claim: ClaimRef, source: ForwardSource): void;
  /** Something waits in the log. */
  wake(): void;
  /** Begins nothing more and lets what is under way end; what has not ended after `graceMs` waits in the log. */
  close(graceMs: number): Promise<void>;
}

const AFTER_TROUBLE_MS = 5000;
/** What found the app gone was the first of those that wait: it goes first again. */
const FIRST = new Date(0);

export function createLane(target: string, health: AppHealth, options: LaneOptions): Lane {
  const { log, poster, retry, concurrency, leaseMs, now, onReport, onTrouble } = options;
  const underWay = new Set<Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();
  const cut = new AbortController();
  let taken = 0;
  let waiting = false;
  let claiming = false;
  let closing = false;
  setMaxListeners(0, cut.signal);
  health.onBack(wake);

  const isOpen = (): boolean => !closing && !health.isDown() && taken < concurrency;

  function track(work: Promise<void>): void {
    const tracked = work.catch((error: unknown) => onTrouble(`forwarding to ${target}: ${errorText(error)}`));
    underWay.add(tracked);
    void tracked.then(() => underWay.delete(tracked));
  }

  function later(work: () => void, afterMs: number): void {
    if (closing) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, afterMs);
    timers.add(timer);
  }

  function wake(): void {
    waiting = true;
    pump();
  }

  function pump(): void {
    if (!waiting || claiming || !isOpen()) return;
    track(claimMore());
  }

  async function claimMore(): Promise<void> {
    const limit = concurrency - taken;
    taken += limit;
    claiming = true;
    // A wake from here on means something that this claim may not have seen.
    waiting = false;
    let claims: readonly Claim[] = [];
    try {
      claims = await log.claimWaiting({ target, limit, now: now(), leaseMs });
      if (claims.length === limit) waiting = true;
    } catch (error) {
      later(wake, AFTER_TROUBLE_MS);
      throw error;
    } finally {
      claiming = false;
      taken -= limit - claims.length;
    }
    for (const claim of claims) begin(claim, claim.attempts, claim);
    pump();
  }

  function begin(claim: ClaimRef, attemptsBefore: number, source: ForwardSource): void {
    const work = async (): Promise<void> => {
      try {
        // What was claimed while the target went away keeps its place in the log.
        if (closing || health.isDown()) await putBack(claim);
        else await attempt(claim, attemptsBefore, source);
      } finally {
        taken--;
        pump();
      }
    };
    track(work());
  }

  async function putBack(claim: ClaimRef): Promise<void> {
    await log.release([claim]);
    waiting = true;
  }

  async function attempt(claim: ClaimRef, attemptsBefore: number, source: ForwardSource): Promise<void> {
    const at = now();
    const result = await poster.post(forwardRequest(source, target), { signal: cut.signal });
    // An attempt that our own end has cut short is none.
    if (result.error?.code === "interrupted") return putBack(claim);
    const outcome = afterAttempt(result, attemptsBefore, retry);
    await log.settle(claim, attemptRecord(at, result), settlement(outcome));
    if (outcome.state === "down") {
      waiting = true;
      return health.wentDown(result.error?.message ?? "it is not there");
    }
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
    if (outcome.state === "retry") later(wake, outcome.afterMs);
  }

  function attemptRecord(at: Date, { status, latencyMs, error, replyPreview }: PostResult) {
    return { target, at, status, latencyMs, error: error?.message, reply: replyPreview };
  }

  function settlement(outcome: AttemptOutcome): Outcome {
    if (outcome.state === "down") return { state: "retry", at: FIRST };
    if (outcome.state === "retry") return { state: "retry", at: new Date(now().getTime() + outcome.afterMs) };
    return { state: outcome.state };
  }

  return {
    hasRoom: () => isOpen() && !waiting,
    take: () => {
      taken++;
    },
    giveBack: () => {
      taken--;
      pump();
    },
    deliver: (claim, source) => begin(claim, 0, source),
    wake,
    async close(graceMs) {
      closing = true;
      for (const timer of timers) clearTimeout(timer);
      const patience = setTimeout(() => cut.abort(), graceMs);
      while (underWay.size > 0) await Promise.all(underWay);
      clearTimeout(patience);
    },
  };
}
