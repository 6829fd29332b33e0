/** Published in the README and pinned by a test. */
export const ExitCode = {
  ok: 0,
  bug: 1,
  usage: 2,
  proofFailed: 3,
  schemaInvalid: 4,
  targetFailed: 5,
  credentials: 6,
  zohoApi: 7,
  expectation: 8,
  connectionLost: 9,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Stable, lower-case codes in `{"error":{"code":…}}` for scripts to match on. */
export type ErrorCode = keyof typeof ExitCode | (string & {});

/**
 * An error that the user can fix. `message` says what happened and why, `hint` what to do about it. Anything else that is
 * thrown is a bug.
 */
export class UserError extends Error {
  readonly code: ErrorCode;
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(exit: Exclude<keyof typeof ExitCode, "ok" | "bug">, message: string, hint?: string, code?: string) {
    super(message);
    this.name = "UserError";
    this.code = code ?? exit;
    this.exitCode = ExitCode[exit];
    this.hint = hint;
  }
}

/** The error code after Ctrl-C at a prompt: the shell gets the status of an interrupted program. */
export const CANCELLED = "cancelled";

/** The remedy that an error names. */
export function hintOf(error: unknown): string | undefined {
  return error instanceof UserError ? error.hint : undefined;
}

/** An error about an argument, flag, file or setting: exit code 2. */
export function usageError(message: string, hint?: string): UserError {
  return new UserError("usage", message, hint);
}

/** The code that the system or a library gave an error (`ENOENT`, `UND_ERR_SOCKET`). */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** The message of anything that was thrown. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The AggregateError of a failed dual-stack connect has an empty message; its parts say what happened.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(errorText).join("; ");
  return error.message || error.name;
}

/** Returns what `read` returns; undefined where it throws, because whoever needs the file reports the error. */
export function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
