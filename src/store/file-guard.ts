import { statSync } from "node:fs";
import { UserError } from "../core/errors.ts";

/**
 * A check that the open file is still the one at its path. Without it a log that was deleted or replaced under a
 * running receiver would take every event and keep none. Throws a UserError with the code `log-gone`.
 */
export function fileGuard(path: string): () => void {
  const opened = statSync(path, { bigint: true });
  return () => {
    const current = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (current?.ino === opened.ino && current.dev === opened.dev) return;
    throw new UserError(
      "usage",
      `the event log ${path} was ${current === undefined ? "deleted" : "replaced"} while it was in use`,
      "start again to make a new log",
      "log-gone",
    );
  };
}
