export const MAX_ATTEMPTS = 4;
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 8_000;
/** Longer ones are not waited for: failing with the time to wait says more than hanging. */
export const MAX_RETRY_AFTER_MS = 60_000;

/** Milliseconds before the next attempt: what the server asked for, else exponential with a jitter of one half. */
export function backoffMs(attempt: number, random: number, askedMs: number | undefined): number {
  if (askedMs !== undefined) return askedMs;
  const full = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), MAX_WAIT_MS);
  return Math.round(full * (0.5 + random / 2));
}

/** An HTTP status, or a failure before or after the request was sent. */
export type AttemptOutcome = { readonly status: number; readonly unreadable: boolean } | { readonly failure: unknown };

/** A request that was certainly not carried out (no connection, 429) may be retried; any other only if it is repeatable. */
export function mayRetry(outcome: AttemptOutcome, repeatable: boolean): boolean {
  if ("failure" in outcome) return repeatable || neverSent(outcome.failure);
  if (outcome.status === 429) return true;
  return repeatable && (outcome.status >= 500 || (outcome.unreadable && outcome.status < 300));
}

const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ENETUNREACH", "EHOSTUNREACH"]);

/** Whether a failure proves that the request was not sent. */
export function neverSent(failure: unknown): boolean {
  if (failure instanceof AggregateError) return failure.errors.every(neverSent);
  const code = failure instanceof Error && "code" in failure ? failure.code : undefined;
  return typeof code === "string" && (NEVER_SENT.has(code) || code === "UND_ERR_CONNECT_TIMEOUT");
}
