import { randomUUID } from "node:crypto";
import { closeSync, existsSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errorText, usageError } from "../../core/errors.ts";

/** A file that is written piece by piece and is there only once it is whole. */
export interface WholeFile {
  write(text: string): void;
  /** Puts it in its place. */
  finish(): void;
  /** Leaves nothing behind, unless it is finished. */
  dispose(): void;
}

/** Only its owner may read it: deliveries hold data of people. Never takes the place of another file unasked. */
export function createWholeFile(cwd: string, name: string, overwrite: boolean): WholeFile {
  const path = resolve(cwd, name);
  if (!overwrite && existsSync(path)) throw usageError(`${name} is there already`, "--force overwrites it");
  const temporary = `${path}.${randomUUID()}.tmp`;
  const orExplain = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!existsSync(dirname(path)))
        throw usageError(
          `${name} cannot be written: there is no folder ${dirname(path)}`,
          "make it, or name another file",
        );
      throw usageError(
        `${name} cannot be written: ${errorText(error).replaceAll(temporary, path)}`,
        "name another file with --out",
      );
    }
  };
  let file: number | undefined = orExplain(() => openSync(temporary, "wx", 0o600));
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
      orExplain(() => renameSync(temporary, path));
      finished = true;
    },
    dispose() {
      close();
      if (!finished) rmSync(temporary, { force: true });
    },
  };
}
