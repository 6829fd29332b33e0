import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { chmod, type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { getuid } from "node:process";
import { errorCode, errorText, UserError } from "../core/errors.ts";
import { parseJson } from "../core/json-text.ts";
import { makeFolder } from "../files/make-folder.ts";
import { sleepRealTime } from "./backoff.ts";

/** Readable by the user alone. Windows has no such mode: there the folder under APPDATA is the user's own. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** The JSON in a file; undefined when there is no such file. A damaged one is an error that names it. */
export async function readPrivateJson(path: string): Promise<unknown> {
  let text: string;
  try {
    const file = await open(path, "r");
    try {
      await closeToOthers(path, file);
      text = await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    // Nor is there one where its folder is a file, as `HOME=/dev/null` has it.
    if (["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "")) return undefined;
    throw fileError(path, "read", error);
  }
  const parsed = parseJson(text);
  if (parsed.ok) return parsed.value;
  throw new UserError(
    "credentials",
    `${path} is damaged: ${parsed.reason}`,
    "delete the file and sign in again (zoho-hooks login)",
  );
}

/**
 * A restored copy or a loose umask has opened it to others: they could read what is in it, or put a file of their own in
 * its place. What is the user's own is mended, since a word about it helps nobody; what is not may not be changed.
 */
async function closeToOthers(path: string, file: FileHandle): Promise<void> {
  const folder = dirname(path);
  const isLoose = ({ uid, mode }: Stats, bits: number): boolean => uid === getuid?.() && (mode & bits) !== 0;
  const ofFile = await file.stat();
  // A file system that takes no modes is no reason to refuse what can be read.
  if (ofFile.isFile() && isLoose(ofFile, 0o077)) await file.chmod(FILE_MODE).catch(() => undefined);
  if (isLoose(await stat(folder), 0o022)) await chmod(folder, FOLDER_MODE).catch(() => undefined);
}

/**
 * Replaces a file as a whole: another process sees the old content or the new one, never a part. A link stays one, as to
 * a folder of dotfiles: what it points to would keep secrets that are over.
 */
export async function writePrivateJson(path: string, value: unknown): Promise<void> {
  let temporary: string | undefined;
  try {
    makeFolder(dirname(path), FOLDER_MODE);
    const place = await realpath(path).catch(() => path);
    temporary = `${place}.${randomBytes(6).toString("hex")}.tmp`;
    const file = await open(temporary, "wx", FILE_MODE);
    try {
      await file.writeFile(`${JSON.stringify(value, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(temporary, FILE_MODE);
    await replace(temporary, place);
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { force: true });
    throw fileError(path, "written", error);
  }
}

/** On Windows a rename fails while a virus scanner or another process has the target open, which passes. */
async function replace(from: string, to: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await rename(from, to);
    } catch (error) {
      const passing = ["EPERM", "EACCES", "EBUSY"].includes(errorCode(error) ?? "");
      if (!passing || tries === 10) throw error;
      await sleepRealTime(20 * tries);
    }
  }
}

/** A file that the system does not let be read or written. */
export class FileError extends UserError {}

export function fileError(path: string, verb: string, error: unknown): FileError {
  return new FileError(
    "credentials",
    `${path} could not be ${verb}: ${errorText(error)}`,
    "check that the folder is yours and that the disk has room; XDG_CONFIG_HOME (APPDATA on Windows) names another one",
  );
}
