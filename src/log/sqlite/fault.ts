import { closeSync, openSync, readSync, statSync } from "node:fs";
import { errorText, UserError } from "../../util/errors.ts";
import { Damage, DamagedValue } from "../damage.ts";

/** Why SQLite or the file system failed. */
type FaultKind = "locked" | "full" | "damaged" | "read-only" | "unreachable" | "handles" | "io";

// Primary result codes: https://www.sqlite.org/rescode.html
const KIND_BY_CODE: Readonly<Record<number, FaultKind>> = {
  3: "unreachable",
  5: "locked",
  6: "locked",
  8: "read-only",
  10: "io",
  11: "damaged",
  13: "full",
  14: "unreachable",
  26: "damaged",
};

const KIND_BY_NAME: readonly (readonly [prefix: string, kind: FaultKind])[] = [
  ["SQLITE_BUSY", "locked"],
  ["SQLITE_LOCKED", "locked"],
  ["SQLITE_FULL", "full"],
  ["SQLITE_CORRUPT", "damaged"],
  ["SQLITE_NOTADB", "damaged"],
  ["SQLITE_READONLY", "read-only"],
  ["SQLITE_CANTOPEN", "unreachable"],
  ["SQLITE_PERM", "unreachable"],
  ["SQLITE_IOERR", "io"],
  ["ENOSPC", "full"],
  ["EIO", "io"],
  ["EDQUOT", "full"],
  ["EROFS", "read-only"],
  ["EACCES", "read-only"],
  ["EPERM", "read-only"],
  ["ENOENT", "unreachable"],
  ["ENOTDIR", "unreachable"],
  ["EISDIR", "unreachable"],
  ["EEXIST", "unreachable"],
  ["ENAMETOOLONG", "unreachable"],
  ["EMFILE", "handles"],
  ["ENFILE", "handles"],
  // node:sqlite, for a number beyond what a double holds exactly.
  ["ERR_OUT_OF_RANGE", "damaged"],
];

/** SQLite has no code of its own for a header with another schema format. */
const DAMAGED_HEADER = "unsupported file format";

/** better-sqlite3 names its result codes, node:sqlite numbers them. Undefined for other errors. */
export function faultKind(error: unknown): FaultKind | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.message === DAMAGED_HEADER) return "damaged";
  if ("errcode" in error && typeof error.errcode === "number") return KIND_BY_CODE[error.errcode & 0xff];
  if (!("code" in error) || typeof error.code !== "string") return undefined;
  const { code } = error;
  return KIND_BY_NAME.find(([prefix]) => code.startsWith(prefix))?.[1];
}

const MESSAGES: Readonly<
  Record<FaultKind, (path: string, reason: string) => readonly [message: string, hint: string]>
> = {
  locked: (path) => [
    `the event log ${path} is locked by another program`,
    "close the program that is writing to it, or use another log with ZOHO_HOOKS_STORE",
  ],
  full: (path, reason) => [
    `there is no room left for the event log ${path} (${reason})`,
    "free some disk space; then `zoho-hooks events prune` can free more",
  ],
  damaged: (path, reason) => [
    `the event log ${path} is damaged, or is not an event log (${reason})`,
    `move ${path}, ${path}-wal and ${path}-shm away together to keep their content; the next run starts a new log`,
  ],
  "read-only": (path, reason) => [
    `the event log ${path} cannot be written (${reason})`,
    "make its folder and file writable for you (reading needs that as well), use another log with ZOHO_HOOKS_STORE, or listen without one: --no-store",
  ],
  unreachable: (path, reason) => [
    `the event log ${path} cannot be opened (${reason})`,
    "check that the path is that of a file, in a folder that exists or can be created; or use another log with ZOHO_HOOKS_STORE",
  ],
  handles: (path, reason) => [
    `the event log ${path} cannot be opened (${reason})`,
    "raise the limit of open files (ulimit -n 4096), or close programs that have many open",
  ],
  io: (path, reason) => [
    `the disk failed while the event log ${path} was used (${reason})`,
    "check the disk and its connection, then start again; do not put the log in a network folder",
  ],
};

/** Explains a fault of the log to the user; returns any other error as it is. */
export function logError(error: unknown, path: string): unknown {
  const kind = error instanceof DamagedValue ? "damaged" : faultKind(error);
  return kind === undefined || error instanceof UserError ? error : logFault(kind, path, errorText(error));
}

export function logFault(kind: FaultKind, path: string, reason: string): UserError {
  const [message, hint] = MESSAGES[kind](path, reason);
  return new UserError("usage", message, hint, `log-${kind}`);
}

/** Throws a UserError for a log that is not all regular files: SQLite would wait forever for the other end of a pipe. */
export function rejectIrregular(path: string): void {
  for (const file of ["", "-wal", "-shm", "-journal"].map((suffix) => path + suffix)) {
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === false) {
      throw logFault("unreachable", file, "it is not a regular file");
    }
  }
}

/**
 * Returns damage that SQLite finds, and values of a wrong type that a disk or another program has changed: what is stored
 * beside it may still be readable. Any other error is thrown.
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

export interface FileGuard {
  /** Throws a UserError with the code `log-gone` or `log-damaged`. */
  check(): void;
  /** After the database: closing the file ends its locks, see https://www.sqlite.org/howtocorrupt.html, section 2.2 */
  close(): void;
}

/** The start of every SQLite file: https://www.sqlite.org/fileformat.html#magic_header_string */
const MAGIC = Buffer.from("SQLite format 3\0");

/**
 * Checks that the open file is still the one at its path, and still a database. SQLite itself works on from its cache: a log
 * that was deleted, replaced or overwritten would accept every event and lose them all.
 */
export function openFileGuard(path: string): FileGuard {
  const opened = statSync(path, { bigint: true });
  // Opened now: later there may be no file descriptor left.
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

export function goneFile(cause: string): UserError {
  return new UserError("usage", `${cause} while it was in use`, "start listen again to create a new log", "log-gone");
}
