/** A public interface: the table of docs/json.md is made from these comments. */
export const ExitCode = {
  /** Success; also `listen` or `emulate` ended by Ctrl-C. */
  ok: 0,
  /** A bug of zoho-hooks: please report it. */
  bug: 1,
  /** A wrong flag, file or setting. */
  usage: 2,
  /** A signature or token is wrong or missing. */
  proofFailed: 3,
  /** Unreadable, unknown, or not matching the schema. */
  schemaInvalid: 4,
  /** The target is unreachable or did not answer 2xx, also at the end of `listen --expect` or `--exec`; no emulator runs. */
  targetFailed: 5,
  /** Credentials missing or refused; a delivery that no key here can verify. */
  credentials: 6,
  /** An error of a Zoho API; a channel or webhook not deleted; a delivery not sent again. */
  zohoApi: 7,
  /** An expectation or a time limit was not met; `check` or `doctor` found a failure, `reconcile` something that was missed. */
  expectation: 8,
  /** The tunnel, a channel or a registered webhook was lost. */
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
