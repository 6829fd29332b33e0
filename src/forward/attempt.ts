import { STATUS_CODES } from "node:http";
import { headerValue, isSuccess } from "../delivery/delivery.ts";
import { maskUrl } from "../delivery/mask.ts";
import type { ClaimRef, ForwardOutcome, LogQueue } from "../log/log.ts";
import type { Deadline } from "../model/sender.ts";
import { rounded } from "../util/json-line.ts";
import { retryAfterMs } from "../util/timing.ts";
import { formatDuration } from "../util/units.ts";
import { LISTEN_FLAGS } from "./answer-hint.ts";
import type { Down, Health } from "./app-health.ts";
import type { ForwardReport } from "./lines.ts";
import type { Poster, PostResult } from "./post.ts";
import { answerHint } from "./post-failure.ts";
import { type ForwardSource, forwardRequest } from "./request.ts";

export interface AttemptOptions {
  readonly log: { readonly queue: Pick<LogQueue, "complete" | "release"> };
  readonly poster: Poster;
  readonly retry: RetryPolicy;
  /** How long the sender of such a delivery would have waited for the app. */
  deadlineOf(product: string | undefined, format: string | undefined): Deadline;
  now(): Date;
  /** There are several targets. */
  readonly showTarget: boolean;
  /** Called before the first report about a delivery that `reconcile` made: no receiver has shown it. */
  onReconstructed?(n: number): Promise<void>;
  onReport(report: ForwardReport): void;
  onTrouble(message: string): void;
}

/** A claimed delivery, with all that is needed to send it. */
export interface ClaimedDelivery {
  readonly claim: ClaimRef;
  readonly attemptsBefore: number;
  readonly source: ForwardSource;
}

/** Health of the app and of the target itself: deliveries are sent while neither is down. */
interface TargetHealth {
  readonly app: Health;
  readonly own: Health;
}

/** Where attempts go, and what all those at one target share. */
export interface Destination {
  readonly target: string;
  readonly health: TargetHealth;
  /** Interrupts the exchange. */
  readonly signal: AbortSignal;
  /** Repeats a write until the log takes it. */
  writeToLog<T>(write: () => Promise<T>): Promise<T>;
  /** The exchange is over; its outcome is not in the log yet. */
  onSent(): void;
  readonly options: AttemptOptions;
}

interface Attempted {
  /** `due` where the log has it to claim again now; a time when it is due again. */
  readonly next: "done" | "due" | Date;
  /** The target takes no deliveries now. */
  readonly down?: Down;
}

/** Sends a delivery to its target once, and records the outcome in the log. */
export async function attempt(destination: Destination, delivery: ClaimedDelivery): Promise<Attempted> {
  const { target, health, signal, writeToLog, onSent, options } = destination;
  const { log, poster, retry, deadlineOf, now, showTarget, onReport, onTrouble } = options;
  const { claim, attemptsBefore, source } = delivery;
  const at = now();
  const { withinMs, statusHint } = deadlineOf(source.product, source.format);
  const slowTimer = setTimeout(() => onTrouble(slowMessage(claim.n, target, withinMs)), withinMs);
  let result: PostResult;
  let outcome: AttemptOutcome;
  let down: Down | undefined;
  try {
    result = await poster.post(forwardRequest(source, target), { signal, event: source });
    outcome = outcomeOf(result, attemptsBefore, retry);
    if (outcome.state === "down") {
      down = downOf(result, target, now());
      // A connection to a proxy says nothing about the app behind it.
      (outcome.unit === "app" && poster.isDirect(target) ? health.app : health.own).wentDown(down);
    }
  } finally {
    clearTimeout(slowTimer);
    // The next one is sent from here, unless the app is down.
    onSent();
  }
  const { status, latencyMs, error, replyPreview } = result;
  // Neither an attempt at a target that is down nor an interrupted one counts.
  if (outcome.state === "down" || error?.code === "interrupted") {
    const isAnswered = outcome.state === "down" && outcome.unit === "target";
    const behindMs = Math.min(maxPauseOf(retry), health.own.behindMs());
    const dueAt = isAnswered ? new Date(now().getTime() + behindMs) : undefined;
    await writeToLog(() => log.queue.release([claim], dueAt));
    return { next: "due", down };
  }
  const next: ForwardOutcome =
    outcome.state === "retry" ? { state: "retry", at: new Date(now().getTime() + outcome.afterMs) } : outcome;
  const made = { target, at, status, latencyMs, error: error?.message, reply: replyPreview };
  const completed = await writeToLog(() => log.queue.complete(claim, made, next));
  if (completed === "lost") {
    const why = "this process was held up for longer than its claim lasts, so another may have sent it as well";
    onTrouble(`#${claim.n} to ${maskUrl(target)}: ${why}`);
    return { next: "done" };
  }
  // A retry may succeed: only a delivery that is given up needs something to be done.
  const hint = outcome.state === "failed" ? answerHint(result, LISTEN_FLAGS) : undefined;
  if (source.reconstructed && attemptsBefore === 0) await options.onReconstructed?.(claim.n);
  onReport({
    type: "forward",
    n: claim.n,
    at: at.toJSON(),
    attempt: attemptsBefore + 1,
    target,
    status: status ?? null,
    latency_ms: rounded(latencyMs),
    error: error?.message ?? null,
    hint: error?.hint ?? statusHint(status) ?? hint ?? null,
    state: outcome.state,
    retry_in_ms: outcome.state === "retry" ? outcome.afterMs : null,
    person: { showTarget, reply: replyPreview },
  });
  return { next: next.state === "retry" ? next.at : "done" };
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
  /** The target takes no deliveries now, whatever they are: wait until it does, without counting attempts. */
  | { readonly state: "down"; readonly unit: "app" | "target" }
  | { readonly state: "retry"; readonly afterMs: number };

export function outcomeOf(
  { status, error }: Pick<PostResult, "status" | "error">,
  attemptsBefore: number,
  { retries, baseMs }: RetryPolicy,
): AttemptOutcome {
  if (error === undefined && isSuccess(status)) return { state: "delivered" };
  const mayRecover = error !== undefined || status === undefined || status >= 500 || status === 429;
  if (!mayRecover || retries === 0) return { state: "failed" };
  if (error !== undefined && UNREACHABLE.has(error.code)) return { state: "down", unit: "app" };
  if (error === undefined ? UNAVAILABLE.has(status) : UNAVAILABLE_QUEUE.has(error.code))
    return { state: "down", unit: "target" };
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
const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  // This process is out of file descriptors, which is not the target's fault. A probe succeeds as soon as there are some.
  "EMFILE",
  "ENFILE",
]);

/** Too Many Requests, and what a proxy answers while the app behind it restarts, besides the app's own Service Unavailable. */
const UNAVAILABLE: ReadonlySet<number | undefined> = new Set([429, 502, 503, 504]);

/** Redis's words while it fails over, starts, or has no memory or disk left. */
const UNAVAILABLE_QUEUE: ReadonlySet<string> = new Set(["READONLY", "LOADING", "OOM", "MISCONF"]);

/** An app that asks for a longer pause is tried after an hour all the same. */
const MAX_RETRY_AFTER_MS = 3_600_000;

function downOf(result: PostResult, target: string, now: Date): Down {
  const { status, headers, error } = result;
  if (error !== undefined)
    return { reason: UNREACHABLE.has(error.code) ? error.message : `${error.message} (${error.hint})` };
  const date = Date.parse(headerValue({ headers }, "date") ?? "");
  const asked = retryAfterMs(headerValue({ headers }, "retry-after"), Number.isNaN(date) ? now : new Date(date));
  const askedMs = asked === undefined ? undefined : Math.min(asked, MAX_RETRY_AFTER_MS);
  const name = STATUS_CODES[status ?? 0] ?? "";
  const after = askedMs === undefined ? "" : `, Retry-After ${formatDuration(askedMs)}`;
  const hint = status === 429 ? ` (${answerHint(result, LISTEN_FLAGS)})` : "";
  return { reason: `${new URL(target).host} answered ${status} ${name}${after}${hint}`, retryAfterMs: askedMs };
}
