export const MAX_TRIES = 4;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;
/** Whoever asks for more is not waited for: a command that hangs says less than one that fails and names the time. */
export const MAX_RETRY_AFTER_MS = 60_000;

/**
 * Milliseconds that a `Retry-After` asks for, in seconds or as a date by the clock of whoever has answered; undefined where
 * it says nothing. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function retryAfterMs(header: string | undefined, now: Date | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+(?:\.\d+)?\s*$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) || now === undefined ? undefined : Math.max(0, at - now.getTime());
}

/** Milliseconds before the next try: exponential, between half and all of it by chance, or what the server asked for. */
export function backoffMs(tryNumber: number, random: number, askedMs: number | undefined): number {
  if (askedMs !== undefined) return askedMs;
  const full = Math.min(FIRST_WAIT_MS * 2 ** (tryNumber - 1), LONGEST_WAIT_MS);
  return Math.round(full * (0.5 + random / 2));
}

/** What came of one try: an HTTP status, or a failure before or after the request had left. */
export type TryOutcome = { readonly status: number; readonly unreadable: boolean } | { readonly failure: unknown };

/**
 * Whether another try may follow. Anything may be repeated that was surely not carried out (no connection, 429);
 * what may have been carried out only when a second time does no harm.
 */
export function mayRetry(outcome: TryOutcome, repeatable: boolean): boolean {
  if ("failure" in outcome) return repeatable || neverSent(outcome.failure);
  if (outcome.status === 429) return true;
  return repeatable && (outcome.status >= 500 || (outcome.unreadable && outcome.status < 300));
}

const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ENETUNREACH", "EHOSTUNREACH"]);

/** Whether a failure shows that the request had not left yet. */
export function neverSent(failure: unknown): boolean {
  if (failure instanceof AggregateError) return failure.errors.every(neverSent);
  const code = failure instanceof Error && "code" in failure ? failure.code : undefined;
  return typeof code === "string" && (NEVER_SENT.has(code) || code === "UND_ERR_CONNECT_TIMEOUT");
}
