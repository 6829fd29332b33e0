import { randomUUID } from "node:crypto";
import { closeSync, existsSync, openSync, realpathSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { danglingTarget, isThrough } from "../../config/write-file.ts";
import { errorText, usageError } from "../../core/errors.ts";

/** A file that is written piece by piece and is there only once it is whole. */
export interface WholeFile {
  write(text: string): void;
  /** Puts it in its place. */
  finish(): void;
  /** Leaves nothing behind, unless it is finished. */
  dispose(): void;
}

/**
 * Only its owner may read it: deliveries hold data of people. Never takes the place of another file unasked, nor of a folder, a
 * device or a pipe at all: what is written goes through the latter. A link stays a link.
 */
export function createWholeFile(cwd: string, name: string, overwrite: boolean): WholeFile {
  const given = resolve(cwd, name);
  const through = isThrough(given);
  const old = existsSync(given) ? statSync(given) : undefined;
  if (old?.isDirectory()) throw usageError(`${name} is a folder`, "name a file, or write to standard output: --out -");
  const target = danglingTarget(given);
  if (target !== undefined)
    throw usageError(`${name} is a link to ${target}, which is not there`, "make that file, or name another one");
  if (!overwrite && !through && old !== undefined) throw usageError(`${name} exists already`, "--force overwrites it");
  const path = old === undefined || through ? given : realpathSync(given);
  const temporary = through ? path : `${path}.${randomUUID()}.tmp`;
  const orExplain = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!existsSync(dirname(path)))
        throw usageError(
          `${name} cannot be written: there is no folder ${dirname(path)}`,
          "create it, or choose another file",
        );
      throw usageError(
        `${name} cannot be written: ${errorText(error).replaceAll(temporary, path)}`,
        "choose another file with --out",
      );
    }
  };
  let file: number | undefined = orExplain(() => openSync(temporary, through ? "w" : "wx", 0o600));
  let finished = false;
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return {
    write(text) {
      const open = file;
      if (open === undefined) throw new Error(`${name} is closed`);
      let rest = Buffer.from(text);
      while (rest.length > 0) rest = rest.subarray(orExplain(() => writeSync(open, rest)));
    },
    finish() {
      orExplain(close);
      if (!through) orExplain(() => renameSync(temporary, path));
      finished = true;
    },
    dispose() {
      close();
      if (!finished && !through) rmSync(temporary, { force: true });
    },
  };
}
