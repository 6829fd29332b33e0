import { errorText, UserError } from "../util/errors.ts";

/** A value that only damage or another program puts into the log. */
export class DamagedValue extends Error {}

/** Why something in the log cannot be read. */
export class Damage {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }

  get reason(): string {
    return errorText(this.cause);
  }
}

export function damaged(n: number, reason: string): UserError {
  return new UserError(
    "usage",
    `#${n} is damaged in the event log: ${reason}`,
    "the others can be read by their numbers, such as zoho-hooks events show 42",
    "log-damaged",
  );
}
