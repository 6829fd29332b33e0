import type { PostResult } from "../forward/post.ts";
import { ExitCode, usageError } from "../util/errors.ts";

/** Flags that `send` and `replay` have in common. */
export const EXPECT_STATUS_FLAG = [
  "--expect-status <codes>",
  "the answer that you want, such as 401, 4xx or 400,401: exit with 0 if every delivery got it, else with 8",
] as const;

/** The statuses that `--expect-status` names. */
export interface ExpectedStatus {
  /** As typed: `401,4xx`. */
  readonly text: string;
  has(status: number | undefined): boolean;
}

/** Codes and classes, separated by commas: `401`, `4xx`, `400,5xx`. Throws a usage error for anything else. */
export function parseExpectedStatus(text: string | undefined): ExpectedStatus | undefined {
  if (text === undefined) return undefined;
  const parts = text.split(",").map((part) => part.trim().toLowerCase());
  if (!parts.every((part) => /^[2-5](?:\d\d|xx)$/.test(part)))
    throw usageError(`--expect-status: ${JSON.stringify(text)} is not a status`, "write it as 401, 4xx or 400,401");
  return {
    text: parts.join(","),
    has: (status) => parts.some((part) => part === String(status) || part === `${String(status)[0]}xx`),
  };
}

/** The error of an answer that was not expected; undefined where none was. */
export function unexpectedStatus({ status }: PostResult, expected: ExpectedStatus | undefined): string | undefined {
  return expected === undefined || expected.has(status) ? undefined : `expected ${expected.text}, got ${status}`;
}

/** 0 if every answer was as wanted; else 8 where --expect-status said what was wanted. */
export function answersExitCode(areAsWanted: boolean, expected: ExpectedStatus | undefined): ExitCode {
  if (areAsWanted) return ExitCode.ok;
  return expected === undefined ? ExitCode.targetFailed : ExitCode.expectation;
}

/** Throws the first usage error that applies. */
export function refuse(contradictions: readonly (readonly [applies: unknown, message: string, hint?: string])[]): void {
  for (const [applies, message, hint] of contradictions) if (applies) throw usageError(message, hint);
}
