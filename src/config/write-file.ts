import { randomUUID } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { errorText, usageError } from "../core/errors.ts";

/**
 * Writes a whole file or nothing: beside it first, then in its place. A link stays a link. `mode` is for a new file, and
 * for one that is there where it does not keep its own.
 */
export function writeWholeFile(path: string, content: string | Buffer, mode = 0o666, keepsMode = true): void {
  let temporary: string | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const old = statSync(path, { throwIfNoEntry: false });
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
