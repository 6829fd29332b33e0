import { errorText, UserError } from "../core/errors.ts";
import { faultKind } from "./fault.ts";

/** Why something that stands in the log cannot be read. */
export class Damage {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }

  get reason(): string {
    return errorText(this.cause);
  }
}

/**
 * What SQLite finds damaged, or gives as it is where a disk or another program has changed a value: it is no fault of ours,
 * and says nothing of what stands beside it. Any other error is thrown.
 */
export function orDamage<T>(read: () => T): T | Damage {
  try {
    return read();
  } catch (error) {
    const kind = faultKind(error);
    if (kind !== undefined && kind !== "damaged") throw error;
    return new Damage(error);
  }
}

/** Throws a UserError for a delivery that cannot be read. */
export function orThrow<T>(n: number, read: () => T): T {
  const found = orDamage(read);
  if (found instanceof Damage) throw damaged(n, found.reason);
  return found;
}

export function damaged(n: number, reason: string): UserError {
  return new UserError(
    "usage",
    `#${n} is damaged in the event log: ${reason}`,
    "the others can be read by their numbers, such as zoho-hooks events show 42",
    "log-damaged",
  );
}
