/** An error that an app can act upon: by `code`, `isSignIn` and `retryAfterMs`. Its message never holds a secret. */
export class ZohoError extends Error {
  override readonly name = "ZohoError";
  /**
   * Zoho's code in lower case, such as `invalid_code` and `oauth_scope_mismatch`; or `token_throttled` (no access token for some
   * minutes), `unreachable` (nothing was sent), `no_answer` (it may have been carried out), `misuse` (a mistake in the call).
   */
  readonly code: string;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** Of Zoho's answer. */
  readonly status: number | undefined;
  /** From `Retry-After`. */
  readonly retryAfterMs: number | undefined;
  /** The credentials do not work: trying again does not help, somebody has to make new ones or allow more. */
  readonly isSignIn: boolean;
  /** Of `missed`: where it can continue. */
  readonly resume: string | undefined;

  constructor(
    message: string,
    facts: {
      readonly code: string;
      readonly hint?: string | undefined;
      readonly status?: number | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly isSignIn?: boolean;
      readonly resume?: string | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: facts.cause });
    this.code = facts.code;
    this.hint = facts.hint;
    this.status = facts.status;
    this.retryAfterMs = facts.retryAfterMs;
    this.isSignIn = facts.isSignIn ?? false;
    this.resume = facts.resume;
  }
}

/** A mistake in a call. */
export function misuse(message: string, hint?: string): ZohoError {
  return new ZohoError(message, { code: "misuse", hint });
}
