import { randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { errorText, usageError } from "../core/errors.ts";
import { makeFolder } from "../files/make-folder.ts";

/**
 * A device or a pipe, such as /dev/null: what is written goes through it. A file in its place would be none any more, and
 * root may put one there.
 */
export function isThrough(path: string): boolean {
  try {
    const found = statSync(path);
    return !found.isFile() && !found.isDirectory();
  } catch {
    // It is not there; and where it cannot be looked at, the writing says why.
    return false;
  }
}

/** Where a link leads, if nothing is there: a file that is put in its place would take the place of the link. */
export function danglingTarget(path: string): string | undefined {
  try {
    return existsSync(path) ? undefined : resolve(dirname(path), readlinkSync(path));
  } catch {
    // It is no link; and where it cannot be looked at, the writing says why.
    return undefined;
  }
}

/**
 * Writes a whole file or nothing: beside it first, then in its place. A link stays a link. `mode` is for a new file, and
 * for one that is there where it does not keep its own.
 */
export function writeWholeFile(path: string, content: string | Buffer, mode = 0o666, keepsMode = true): void {
  let temporary: string | undefined;
  try {
    if (isThrough(path)) {
      writeFileSync(path, content);
      return;
    }
    const target = danglingTarget(path);
    if (target !== undefined) throw new Error(`it is a link to ${target}, which is not there`);
    makeFolder(dirname(path));
    const old = statSync(path, { throwIfNoEntry: false });
    if (old?.isFile() === false) throw new Error("it exists, but is not a file");
    const place = old === undefined ? path : realpathSync(path);
    temporary = `${place}.${randomUUID()}.tmp`;
    const file = openSync(temporary, "wx", mode);
    try {
      writeFileSync(file, content);
      // The umask has had its say in what a new file may; an old one keeps what it has.
      if (old !== undefined && keepsMode) fchmodSync(file, old.mode & 0o777);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, place);
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    throw usageError(`${path} cannot be written: ${errorText(error)}`);
  }
}
