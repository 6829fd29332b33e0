import type { Deadline } from "../core/answer-rule.ts";
import type { ForwardReport } from "../core/forward-report.ts";
import { maskUrl } from "../core/mask.ts";
import type { ClaimRef, NewAttempt, Outcome } from "../store/forward.ts";
import type { Log } from "../store/log.ts";
import { answerHint, LISTEN_FLAGS } from "./answer-hint.ts";
import type { AppHealth } from "./app-health.ts";
import { type ForwardSource, forwardRequest } from "./forward-request.ts";
import type { Poster, PostResult } from "./post.ts";
import { type AttemptOutcome, afterAttempt, type RetryPolicy } from "./retry.ts";

export interface AttemptOptions {
  readonly log: Pick<Log, "settle" | "release">;
  readonly poster: Poster;
  readonly retry: RetryPolicy;
  /** How long the sender of such a delivery would have waited for the app. */
  deadlineOf(product: string | undefined, format: string | undefined): Deadline;
  now(): Date;
  onReport(report: ForwardReport): void;
  onTrouble(message: string): void;
}

/** A claimed delivery, with all that it takes to post it. */
export interface Held {
  readonly claim: ClaimRef;
  readonly attemptsBefore: number;
  readonly source: ForwardSource;
}

/** What has become of a delivery: it is done with, or waits in the log, until a time or for its app. */
export type AfterAttempt = "done" | "waits" | Date;

export interface AttemptHooks {
  readonly health: AppHealth;
  /** Cuts the exchange short. */
  readonly cut: AbortSignal;
  /** Tells the log until it takes it. */
  insist(tell: () => Promise<void>): Promise<void>;
  /** The exchange is over, whatever came of it; the log is still to be told. */
  onSent(): void;
}

/** One try at handing a delivery to its target, to the end: what came of it is in the log when this resolves. */
export async function attempt(
  target: string,
  { claim, attemptsBefore, source }: Held,
  { log, poster, retry, deadlineOf, now, onReport, onTrouble }: AttemptOptions,
  { health, cut, insist, onSent }: AttemptHooks,
): Promise<AfterAttempt> {
  const at = now();
  const { withinMs, reason, takes } = deadlineOf(source.product, source.format);
  const slow = setTimeout(() => onTrouble(`#${claim.n}: ${maskUrl(target)} has not answered yet: ${reason}`), withinMs);
  let result: PostResult;
  try {
    result = await poster.post(forwardRequest(source, target), { signal: cut });
  } finally {
    clearTimeout(slow);
    onSent();
  }
  const outcome = afterAttempt(result, attemptsBefore, retry, poster.isDirect(target));
  const isDown = outcome.state === "down";
  if (isDown) health.wentDown(result.error?.message ?? "it is not there");
  // An attempt that our own end has cut short is none, nor is one that found nobody there.
  if (isDown || result.error?.code === "interrupted") {
    await insist(() => log.release([claim]));
    return "waits";
  }
  const next = settlement(outcome, now());
  await insist(() => log.settle(claim, attemptRecord(target, at, result), next));
  onReport({
    type: "forward",
    n: claim.n,
    attempt: attemptsBefore + 1,
    target,
    status: result.status,
    latencyMs: result.latencyMs,
    error: result.error?.message,
    hint: result.error?.hint ?? takes(result.status) ?? hintAfter(outcome, result),
    replyPreview: result.replyPreview,
    state: outcome.state,
    retryInMs: outcome.state === "retry" ? outcome.afterMs : undefined,
  });
  return next.state === "retry" ? next.at : "done";
}

/** What is tried again may yet be taken: only of what is given up there is something to be done. */
function hintAfter({ state }: AttemptOutcome, result: PostResult): string | undefined {
  return state === "failed" ? answerHint(result, LISTEN_FLAGS) : undefined;
}

function settlement(outcome: Exclude<AttemptOutcome, { state: "down" }>, now: Date): Outcome {
  if (outcome.state !== "retry") return outcome;
  return { state: "retry", at: new Date(now.getTime() + outcome.afterMs) };
}

function attemptRecord(target: string, at: Date, result: PostResult): NewAttempt {
  const { status, latencyMs, error, replyPreview } = result;
  return { target, at, status, latencyMs, error: error?.message, reply: replyPreview };
}
