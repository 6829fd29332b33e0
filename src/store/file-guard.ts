import { closeSync, openSync, readSync, statSync } from "node:fs";
import { UserError } from "../core/errors.ts";
import { logFault } from "./fault.ts";

export interface FileGuard {
  /** Throws a UserError with the code `log-gone` or `log-damaged`. */
  check(): void;
  /** Only after the database, whose locks on the file end with it: https://www.sqlite.org/howtocorrupt.html, section 2.2 */
  close(): void;
}

/** What every SQLite file begins with: https://www.sqlite.org/fileformat.html#magic_header_string */
const MAGIC = Buffer.from("SQLite format 3\0");

/**
 * Checks that the open file is still the one at its path, and still a database. SQLite itself would go on for a long time
 * with what it remembers: a log that was deleted, replaced or overwritten under a running receiver would take every event
 * and keep none.
 */
export function openFileGuard(path: string): FileGuard {
  const opened = statSync(path, { bigint: true });
  // Opened at once: when it is wanted there may be no file handle left.
  const file = openSync(path, "r");
  const start = Buffer.alloc(MAGIC.length);
  let changedAt = opened.mtimeNs;
  return {
    check() {
      const current = statSync(path, { bigint: true, throwIfNoEntry: false });
      if (current?.ino !== opened.ino || current.dev !== opened.dev) {
        throw goneFile(`the event log ${path} was ${current === undefined ? "deleted" : "replaced"}`);
      }
      if (current.mtimeNs === changedAt) return;
      if (readSync(file, start, 0, start.length, 0) < start.length || !start.equals(MAGIC)) {
        throw logFault("damaged", path, "it was overwritten while it was in use");
      }
      changedAt = current.mtimeNs;
    },
    close: () => closeSync(file),
  };
}

export function goneFile(what: string): UserError {
  return new UserError("usage", `${what} while it was in use`, "start listen again to create a new log", "log-gone");
}
