import { isSuccess } from "../core/status.ts";
import type { PostResult } from "./post.ts";

export interface RetryPolicy {
  /** Tries after the first one; with 0 a delivery has one try, also where the target is not there. */
  readonly retries: number;
  /** The first pause; each next one is twice as long (2, 4, 8 s: the guide's two, and one more). */
  readonly baseMs: number;
}

export type AttemptOutcome =
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
