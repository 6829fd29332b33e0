import { readFileSync } from "node:fs";
import { errorCode, errorText, usageError } from "../core/errors.ts";

/** A text file of lines that belongs to the user: read to be added to, every byte of theirs kept. */
export interface LineFile {
  readonly path: string;
  /** Undefined where there is no such file. */
  readonly bytes: Buffer | undefined;
}

export function readLineFile(path: string): LineFile {
  try {
    return { path, bytes: readFileSync(path) };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { path, bytes: undefined };
    throw usageError(`${path} cannot be read: ${errorText(error)}`);
  }
}

/** The lines without their ends. */
export function linesOf({ bytes }: LineFile): readonly string[] {
  return (bytes?.toString("utf8") ?? "").split(/\r?\n/);
}

/** The file with lines at its end, in the kind of line end that it has. */
export function withLines({ bytes = Buffer.alloc(0) }: LineFile, lines: readonly string[]): Buffer {
  const end = bytes.includes("\r\n") ? "\r\n" : "\n";
  const unfinished = bytes.length > 0 && bytes.at(-1) !== 0x0a;
  const added = lines.map((line) => line + end).join("");
  return Buffer.concat([bytes, Buffer.from((unfinished && added !== "" ? end : "") + added)]);
}
