import { isSuccess } from "../body/delivery.ts";
import { maskUrl } from "../core/mask.ts";
import type { Deadline } from "../core/reply.ts";
import type { ForwardReport } from "../reports/forward.ts";
import type { ClaimRef, Log, Outcome } from "../store/log.ts";
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

/** A claimed delivery, with all that is needed to send it. */
export interface ClaimedDelivery {
  readonly claim: ClaimRef;
  readonly attemptsBefore: number;
  readonly source: ForwardSource;
}

interface Attempt {
  readonly target: string;
  readonly delivery: ClaimedDelivery;
  readonly health: AppHealth;
  /** Interrupts the exchange. */
  readonly signal: AbortSignal;
  /** Repeats a write until the log takes it. */
  writeToLog<T>(write: () => Promise<T>): Promise<T>;
  /** The exchange is over; its outcome is not in the log yet. */
  onSent(): void;
  readonly options: AttemptOptions;
}

/**
 * Sends a delivery to its target once, and records the outcome in the log. Resolves to `due` where the log has something to
 * claim now: the delivery itself, when its app is back, or the next one of its order; to a time when it is due again.
 */
export async function attempt({
  target,
  delivery: { claim, attemptsBefore, source },
  health,
  signal,
  writeToLog,
  onSent,
  options: { log, poster, retry, deadlineOf, now, showTarget, onReport, onTrouble },
}: Attempt): Promise<"done" | "due" | Date> {
  const at = now();
  const { withinMs, statusHint } = deadlineOf(source.product, source.format);
  const slowTimer = setTimeout(() => onTrouble(slowMessage(claim.n, target, withinMs)), withinMs);
  let result: PostResult;
  try {
    result = await poster.post(forwardRequest(source, target), { signal, event: source });
  } finally {
    clearTimeout(slowTimer);
    onSent();
  }
  const { status, latencyMs, error, replyPreview } = result;
  const outcome = outcomeOf(result, attemptsBefore, retry, poster.isDirect(target));
  const isDown = outcome.state === "down";
  if (isDown) health.wentDown(error?.message ?? "connection failed");
  // Neither an interrupted attempt nor one that found nobody listening counts.
  if (isDown || error?.code === "interrupted") {
    await writeToLog(() => log.release([claim]));
    return "due";
  }
  const next: Outcome =
    outcome.state === "retry" ? { state: "retry", at: new Date(now().getTime() + outcome.afterMs) } : outcome;
  const made = { target, at, status, latencyMs, error: error?.message, reply: replyPreview };
  const completed = await writeToLog(() => log.complete(claim, made, next));
  if (completed === "lost") {
    const why = "this process was held up for longer than its claim lasts, so another may have sent it as well";
    onTrouble(`#${claim.n} to ${maskUrl(target)}: ${why}`);
    return "done";
  }
  // A retry may succeed: only a delivery that is given up needs something to be done.
  const hint = outcome.state === "failed" ? answerHint(result, LISTEN_FLAGS) : undefined;
  onReport({
    type: "forward",
    n: claim.n,
    at,
    attempt: attemptsBefore + 1,
    target,
    showTarget,
    status,
    latencyMs,
    error: error?.message,
    hint: error?.hint ?? statusHint(status) ?? hint,
    replyPreview,
    state: outcome.state,
    retryInMs: outcome.state === "retry" ? outcome.afterMs : undefined,
  });
  if (completed === "due") return "due";
  return next.state === "retry" ? next.at : "done";
}

function slowMessage(n: number, target: string, withinMs: number): string {
  const time = `${withinMs / 1000} s`;
  return `#${n}: ${maskUrl(target)} has taken more than ${time} (Zoho already has its 200; with --respond mirror this would fail)`;
}

interface RetryPolicy {
  /** Attempts after the first one; with 0 there is a single attempt, even when the target is down. */
  readonly retries: number;
  /** The first pause; each further one is twice as long (2, 4, 8 s: the guide's 2 and 4, and one more). */
  readonly baseMs: number;
}

type AttemptOutcome =
  | { readonly state: "delivered" }
  | { readonly state: "failed" }
  /** Nothing listens at the target: wait until it does, without counting attempts. */
  | { readonly state: "down" }
  | { readonly state: "retry"; readonly afterMs: number };

/** `canProbe`: whether we can see for ourselves when a target that is down is back. */
export function outcomeOf(
  { status, error }: Pick<PostResult, "status" | "error">,
  attemptsBefore: number,
  { retries, baseMs }: RetryPolicy,
  canProbe: boolean,
): AttemptOutcome {
  if (error === undefined && isSuccess(status)) return { state: "delivered" };
  const mayRecover = error !== undefined || status === undefined || status >= 500 || status === 429;
  if (!mayRecover || retries === 0) return { state: "failed" };
  if (canProbe && error !== undefined && DOWN.has(error.code)) return { state: "down" };
  if (attemptsBefore >= retries) return { state: "failed" };
  return { state: "retry", afterMs: baseMs * 2 ** attemptsBefore };
}

/** No retry waits longer: a due time further ahead means that the clock was set back. */
export function maxPauseOf({ retries, baseMs }: RetryPolicy): number {
  return baseMs * 2 ** retries;
}

/**
 * Nothing was sent, and a connection that is accepted later shows that the target is back. Timeouts are not among them: a
 * target that accepts connections and stays silent (a TLS handshake that never ends) would seem back at once, forever.
 */
const DOWN: ReadonlySet<string> = new Set([
  ...["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"],
  // This process is out of file descriptors, which is not the target's fault. A probe succeeds as soon as there are some.
  ...["EMFILE", "ENFILE"],
]);
