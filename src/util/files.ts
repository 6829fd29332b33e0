import { randomBytes, randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { chmod, type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { getuid } from "node:process";
import { errorCode, errorText, UserError, usageError } from "./errors.ts";
import { locate, parseJson } from "./json.ts";
import { sleepRealTime } from "./timing.ts";

/**
 * Makes a folder and those that it lies in; whether there was one to make. One by one: Node's own `recursive` tries for ever
 * where a file system such as /proc says that what is to be made is not there, and says so of a disk that is read-only.
 */
export function makeFolder(folder: string, mode = 0o777): boolean {
  if (existsSync(folder)) return false;
  if (dirname(folder) !== folder) makeFolder(dirname(folder), mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!existsSync(folder)) throw error;
  }
  return true;
}

/** It went away since it was asked for, or one of its folders is a file. */
const ABSENT = ["ENOENT", "ENOTDIR"];

/** A text file of the user's; undefined where there is none. */
export function readText(path: string): string | undefined {
  try {
    // Asked first: an error for each file that a project does not have takes longer.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    // Some editors on Windows put a byte order mark in front, which JSON.parse refuses.
    return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    if (ABSENT.includes(errorCode(error) ?? "")) return undefined;
    throw usageError(`${path} cannot be read: ${errorText(error)}`);
  }
}

/** Throws a usage error that names the place for what is not JSON. */
export function parseJsonFile(text: string, path: string): unknown {
  const parsed = parseJson(text);
  if (parsed.ok) return parsed.value;
  const { line = 1, column = 1 } = parsed.position ?? {};
  throw usageError(`${path}:${line}:${column}: not valid JSON: ${parsed.reason}`);
}

/** What is wrong with one value of a file, with its place. */
export function fileError(
  text: string,
  path: string,
  keys: readonly PropertyKey[],
  message: string,
  hint?: string,
): UserError {
  const { line, column } = locate(text, keys);
  const name = keys.length === 0 ? "the file" : keys.map(String).join(".");
  return usageError(`${path}:${line}:${column}: ${name}: ${message}`, hint);
}

/**
 * A device or a pipe, such as /dev/null: what is written goes through it. A file in its place would be none any more, and
 * root may put one there.
 */
export function isDevice(path: string): boolean {
  try {
    const found = statSync(path);
    return !found.isFile() && !found.isDirectory();
  } catch {
    // It is not there; and where it cannot be looked at, the writing says why.
    return false;
  }
}

/** Where a link leads, if nothing is there: a file that is put in its place would take the place of the link. */
export function danglingLinkTarget(path: string): string | undefined {
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
export function writeFileAtomically(path: string, content: string | Buffer, mode = 0o666, keepsMode = true): void {
  let temporary: string | undefined;
  try {
    if (isDevice(path)) {
      writeFileSync(path, content);
      return;
    }
    const target = danglingLinkTarget(path);
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

/**
 * Writes a file that the tool has of its own in a project, for its user alone, whoever could read an older one. Never
 * through a link: nobody has named the file, and a link may have come with a project that was cloned.
 */
export function writePrivateFile(root: string, path: string, content: string): void {
  rejectLinks(root, path);
  writeFileAtomically(path, content, 0o600, false);
}

/** Throws a usage error where a folder below the project's, or the file itself, is a link. */
export function rejectLinks(root: string, path: string): void {
  const link = findLink(root, path);
  if (link === undefined) return;
  throw usageError(
    `${link} is a link, so a file outside the project could be overwritten`,
    "check where it leads; replace it by a folder or file of the project, or delete it",
  );
}

/** The first link on the way from the project's folder to a path. Folders above the project are the user's to choose. */
export function findLink(root: string, path: string): string | undefined {
  const parts = relative(root, path).split(sep);
  const places = parts.map((_, i) => join(root, ...parts.slice(0, i + 1)));
  return places.find((place, i) => parts[i] !== ".." && isLink(place));
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch {
    // What cannot be looked at cannot be written either, and the writing says why.
    return false;
  }
}

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
    throw privateFileError(path, "read", error);
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
    throw privateFileError(path, "written", error);
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

export function privateFileError(path: string, verb: string, error: unknown): FileError {
  return new FileError(
    "credentials",
    `${path} could not be ${verb}: ${errorText(error)}`,
    "check that the folder is yours and that the disk has room; XDG_CONFIG_HOME (APPDATA on Windows) names another one",
  );
}
