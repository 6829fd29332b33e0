import { isSuccess } from "../body/delivery.ts";
import type { Deadline } from "../core/answer-rule.ts";
import { maskUrl } from "../core/mask.ts";
import type { ForwardReport } from "../reports/forward.ts";
import type { ClaimRef, Log, NewAttempt, Outcome } from "../store/log.ts";
import { answerHint, LISTEN_FLAGS } from "./answer-hint.ts";
import type { AppHealth } from "./app-health.ts";
import type { Poster, PostResult } from "./post.ts";
import { type ForwardSource, forwardRequest } from "./request.ts";

export interface AttemptOptions {
  readonly log: Pick<Log, "complete" | "release">;
  readonly poster: Poster;
  readonly retry: RetryPolicy;
  /** How long the sender of such a delivery would have waited for the app. */
  deadlineOf(product: string | undefined, format: string | undefined): Deadline;
  now(): Date;
  /** There are several targets. */
  readonly showTarget: boolean;
  onReport(report: ForwardReport): void;
  onTrouble(message: string): void;
}

/** A claimed delivery, with all that it takes to post it. */
export interface ClaimedDelivery {
  readonly claim: ClaimRef;
  readonly attemptsBefore: number;
  readonly source: ForwardSource;
}

/** What has become of a delivery: it is done with, or waits in the log, until a time or for its app. */
type AfterAttempt = "done" | "waits" | Date;

interface AttemptHooks {
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
  { claim, attemptsBefore, source }: ClaimedDelivery,
  { log, poster, retry, deadlineOf, now, showTarget, onReport, onTrouble }: AttemptOptions,
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
  await insist(() => log.complete(claim, attemptRecord(target, at, result), next));
  onReport({
    type: "forward",
    n: claim.n,
    at,
    attempt: attemptsBefore + 1,
    target,
    showTarget,
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

interface RetryPolicy {
  /** Tries after the first one; with 0 a delivery has one try, also where the target is not there. */
  readonly retries: number;
  /** The first pause; each next one is twice as long (2, 4, 8 s: the guide's two, and one more). */
  readonly baseMs: number;
}

type AttemptOutcome =
  | { readonly state: "delivered" }
  | { readonly state: "failed" }
  /** The target is not there at all: wait until it is, without counting tries. */
  | { readonly state: "down" }
  | { readonly state: "retry"; readonly afterMs: number };

/**
 * What follows from an attempt. `attemptsBefore` counts those that were made before it; `canProbe` says that we could
 * see for ourselves when a target that is down is back.
 */
export function afterAttempt(
  result: PostResult,
  attemptsBefore: number,
  policy: RetryPolicy,
  canProbe: boolean,
): AttemptOutcome {
  const { status, error } = result;
  if (error === undefined && isSuccess(status)) return { state: "delivered" };
  const isWorthRepeating = error !== undefined || status === undefined || status >= 500 || status === 429;
  if (!isWorthRepeating || policy.retries === 0) return { state: "failed" };
  if (canProbe && error !== undefined && DOWN.has(error.code)) return { state: "down" };
  if (attemptsBefore >= policy.retries) return { state: "failed" };
  return { state: "retry", afterMs: policy.baseMs * 2 ** attemptsBefore };
}

/** Of all that a delivery may be put off for. */
export function longestPause({ retries, baseMs }: RetryPolicy): number {
  return baseMs * 2 ** retries;
}

/**
 * Nothing was sent, and a connection that is accepted later shows that the target is back. Not a time-out: a target that
 * accepts connections and then says nothing (a TLS handshake that never ends) would look back at once, and go for ever.
 */
const DOWN: ReadonlySet<string> = new Set([
  ...["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"],
  // Our own want of file descriptors: no fault of the target, which a probe reaches as soon as there are some.
  ...["EMFILE", "ENFILE"],
]);
