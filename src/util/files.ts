import { randomUUID } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
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
import { chmod, type FileHandle, open, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { getuid } from "node:process";
import { errorCode, errorText, UserError, usageError } from "./errors.ts";
import { locate, parseJson } from "./json.ts";
import { rejectLinks } from "./links.ts";
import { sleepRealTime } from "./timing.ts";

/** The bytes of a file; undefined where there is none. Throws a usage error for one that cannot be read, or is too large. */
export function readBytes(path: string, maxBytes?: number): Buffer | undefined {
  try {
    // Most files that are asked for do not exist, and throwing ENOENT for each takes longer than a stat.
    return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : readRegularFile(path, maxBytes);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw usageError(`${path} cannot be read: ${errorText(error)}`);
  }
}

export const NOT_A_FILE = "it is a device or a pipe, not a file";
/** Far more than any body has. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** A settings file, or a `.env`. */
export const MAX_SETTINGS_BYTES = 1024 * 1024;

/**
 * The bytes of a file that is no device or pipe, which may have no end: reading one never returns, or fills the memory. Throws
 * before reading.
 */
export function readRegularFile(path: string, maxBytes = MAX_FILE_BYTES): Buffer {
  const stats = statSync(path);
  if (!stats.isFile() && !stats.isDirectory()) throw new Error(NOT_A_FILE);
  if (stats.size > maxBytes) throw new Error(`it has ${stats.size} bytes, and the limit is ${maxBytes}`);
  return readFileSync(path);
}

/** The bytes of a file that the user named on the command line: also of a pipe, which `<(…)` of a shell is. */
export function readNamedFile(path: string): Buffer {
  return statSync(path).isFIFO() ? readFileSync(path) : readRegularFile(path);
}

/** Reads a file like `readBytes`, as text without the byte order mark that some editors on Windows write and JSON.parse rejects. */
export function readText(path: string, maxBytes?: number): string | undefined {
  return readBytes(path, maxBytes)
    ?.toString("utf8")
    .replace(/^\uFEFF/, "");
}

/** The file was deleted meanwhile, or one of its folders is a file, as with `HOME=/dev/null`. */
function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "");
}

/** Throws a usage error with the position of what is not JSON. */
export function parseJsonFile(text: string, path: string, hint?: string): unknown {
  const parsed = parseJson(text);
  if (parsed.ok) return parsed.value;
  const { line = 1, column = 1 } = parsed.position ?? {};
  throw usageError(`${path}:${line}:${column}: not valid JSON: ${parsed.reason}`, hint);
}

/** A usage error about one value of a JSON file, with its position. */
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
 * Creates a folder and its parents; true when there was one to create. Node's own `recursive` loops forever on file systems
 * such as /proc, which report ENOENT for what cannot be created, and reports that of a read-only disk.
 */
export function makeFolder(folder: string, mode = 0o777): boolean {
  if (existsSync(folder)) return false;
  if (dirname(folder) !== folder) makeFolder(dirname(folder), mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Another process may have created it meanwhile.
    if (!existsSync(folder)) throw error;
  }
  return true;
}

/** Makes a folder, and its parent, that others can neither look into nor write to, whatever the umask and an earlier run left. */
export function makePrivateFolder(folder: string): void {
  makeFolder(dirname(folder), PRIVATE_FOLDER_MODE);
  makeFolder(folder, PRIVATE_FOLDER_MODE);
  try {
    chmodSync(folder, PRIVATE_FOLDER_MODE);
  } catch {
    // Another owner, or a file system without modes.
  }
}

export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Whether a path is a device or a pipe, such as /dev/null: it is written to, never replaced, which root could do. */
export function isDevice(path: string): boolean {
  try {
    const found = statSync(path);
    return !found.isFile() && !found.isDirectory();
  } catch {
    // Where it cannot be examined, writing reports why.
    return false;
  }
}

/** The target of a link to nothing: renaming a file over it would replace the link. */
function danglingLinkTarget(path: string): string | undefined {
  try {
    return existsSync(path) ? undefined : resolve(dirname(path), readlinkSync(path));
  } catch {
    // Not a link; and where it cannot be examined, writing reports why.
    return undefined;
  }
}

interface FileMode {
  /** Permissions of a new file. Default: what the umask leaves of 0666. */
  readonly mode?: number | undefined;
  /** Whether a file that is replaced keeps its own permissions. Default: true. */
  readonly keepMode?: boolean;
}

/**
 * Writes beside a file and renames over it, so that a crash leaves the old content or the new one and no reader ever sees a
 * part. A link stays a link. Devices and pipes are written to directly.
 */
export class AtomicFile {
  readonly #path: string;
  /** Undefined for a device or pipe. */
  readonly #temporary: string | undefined;
  /** Undefined for what the umask leaves. */
  readonly #mode: number | undefined;
  #descriptor: number | undefined;

  constructor(path: string, { mode = 0o666, keepMode = true }: FileMode = {}) {
    if (isDevice(path)) {
      this.#path = path;
      this.#descriptor = openSync(path, "w");
      return;
    }
    const old = statSync(path, { throwIfNoEntry: false });
    this.#path = old === undefined ? path : realpathSync(path);
    this.#temporary = `${this.#path}.${randomUUID()}.tmp`;
    if (!keepMode) this.#mode = mode;
    else if (old !== undefined) this.#mode = old.mode & 0o777;
    this.#descriptor = openSync(this.#temporary, "wx", this.#mode ?? mode);
  }

  write(content: string | Buffer): void {
    if (this.#descriptor === undefined) throw new Error(`${this.#path} is closed`);
    writeFileSync(this.#descriptor, content);
  }

  /** Puts the file in its place. May be called again after a failed rename. */
  commit(): void {
    if (this.#descriptor !== undefined && this.#temporary !== undefined) {
      // The umask applies to the mode that a file is opened with.
      if (this.#mode !== undefined) fchmodSync(this.#descriptor, this.#mode);
      fsyncSync(this.#descriptor);
    }
    this.#close();
    if (this.#temporary !== undefined) renameSync(this.#temporary, this.#path);
  }

  /** Closes the file and removes what was not committed. */
  discard(): void {
    this.#close();
    if (this.#temporary !== undefined) rmSync(this.#temporary, { force: true });
  }

  #close(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Writes a whole file with `AtomicFile`, and its folder where there is none. */
export function writeFileAtomically(path: string, content: string | Buffer, mode?: FileMode): void {
  let file: AtomicFile | undefined;
  try {
    const target = danglingLinkTarget(path);
    if (target !== undefined) throw new Error(`it is a link to ${target}, which does not exist`);
    if (isFolder(path)) throw new Error("it is a folder");
    makeFolder(dirname(path));
    file = new AtomicFile(path, mode);
    file.write(content);
    file.commit();
  } catch (error) {
    file?.discard();
    throw usageError(`${path} cannot be written: ${writeErrorText(error)}`);
  }
}

/** Why a file could not be written, by the name that the user knows. */
function writeErrorText(error: unknown): string {
  return errorText(error).replace(/\.[0-9a-f-]{36}\.tmp(?=')/g, "");
}

/**
 * Writes a file of the tool in a project, readable by its user alone. Never through a link: nobody named the file, and a
 * cloned project may have brought the link with it.
 */
export function writePrivateFile(root: string, path: string, content: string): void {
  rejectLinks(root, path);
  writeFileAtomically(path, content, PRIVATE);
}

/** Windows has no such mode: there the folder under APPDATA is the user's own. */
const PRIVATE = { mode: 0o600, keepMode: false };
const PRIVATE_FOLDER_MODE = 0o700;

/** The JSON of a file in the user's own folder; undefined where there is none. */
export async function readPrivateJson(path: string): Promise<unknown> {
  let text: string;
  try {
    // Opening a pipe waits for its writer.
    if (isDevice(path)) throw new Error(NOT_A_FILE);
    const file = await open(path, "r");
    try {
      await restrictAccess(path, file);
      text = await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isAbsent(error)) return undefined;
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
 * A restored backup or a loose umask may have opened the file or its folder to others. The user's own are closed again
 * silently, since a message would help nobody; those of others cannot be changed.
 */
async function restrictAccess(path: string, file: FileHandle): Promise<void> {
  const folder = dirname(path);
  const isLoose = ({ uid, mode }: Stats, bits: number): boolean => uid === getuid?.() && (mode & bits) !== 0;
  const stats = await file.stat();
  // A file system without modes is no reason to reject a readable file.
  if (stats.isFile() && isLoose(stats, 0o077)) await file.chmod(PRIVATE.mode).catch(() => undefined);
  if (isLoose(await stat(folder), 0o022)) await chmod(folder, PRIVATE_FOLDER_MODE).catch(() => undefined);
}

/** Replaces a file in the user's own folder. A link, as to a folder of dotfiles, stays one, so its target has no old secrets. */
export async function writePrivateJson(path: string, value: unknown): Promise<void> {
  let file: AtomicFile | undefined;
  try {
    makeFolder(dirname(path), PRIVATE_FOLDER_MODE);
    file = new AtomicFile(path, PRIVATE);
    file.write(`${JSON.stringify(value, null, 2)}\n`);
    await commitWithRetries(file);
  } catch (error) {
    file?.discard();
    throw privateFileError(path, "written", error);
  }
}

/** On Windows a rename fails for as long as a virus scanner or another process has the target open. */
async function commitWithRetries(file: AtomicFile): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return file.commit();
    } catch (error) {
      const mayPass = ["EPERM", "EACCES", "EBUSY"].includes(errorCode(error) ?? "");
      if (!mayPass || attempt === 10) throw error;
      await sleepRealTime(20 * attempt);
    }
  }
}

/** A file in the user's own folder that the system does not let be read or written. */
export class FileError extends UserError {}

export function privateFileError(path: string, verb: string, error: unknown): FileError {
  return new FileError(
    "credentials",
    `${path} could not be ${verb}: ${writeErrorText(error)}`,
    "check that you own the folder and that the disk has space; to use another folder, set XDG_CONFIG_HOME (APPDATA on Windows)",
  );
}

/** Reads a file that the user named. */
export function readUserFile(cwd: string, path: string): Buffer {
  try {
    return readNamedFile(resolve(cwd, path));
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") throw usageError(`${path}: no such file`);
    if (code === "EISDIR") throw usageError(`${path} is a folder, not a file`);
    throw usageError(`${path} cannot be read: ${errorText(error)}`);
  }
}
