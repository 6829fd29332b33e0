import { accessSync, constants, createReadStream, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Runtime } from "../process/runtime.ts";
import { errorCode, errorText, usageError } from "../util/errors.ts";
import { NOT_A_FILE } from "../util/files.ts";
import { type InputPayload, streamVerifyInput } from "./read-input.ts";

interface InputOptions {
  readonly logged?: string;
}

/** `verify 3` and `verify last`, as `replay` takes them, unless a file has this name. */
export function loggedNumber(host: Host, names: readonly string[]): string | undefined {
  const [first] = names;
  const isLogged = (name: string) => /^(?:#?\d+|last)$/i.test(name) && kindOf(host, name) === "no such file";
  if (first === undefined || !names.every(isLogged)) return undefined;
  if (names.length > 1)
    throw usageError(
      `verify takes one delivery of the event log at a time, and there are ${names.length}`,
      `give one number: zoho-hooks verify ${first}`,
    );
  return first;
}

/** The names of the files, none for `--logged`; `-` is standard input. */
export function inputNames(
  context: Pick<Runtime, "stdin">,
  files: readonly string[],
  options: InputOptions,
): readonly string[] {
  if (options.logged !== undefined) {
    if (files.length > 0) throw usageError("--logged and a file cannot be combined", "leave one of them out");
    return [];
  }
  const names = files.length > 0 ? files : ["-"];
  if (!names.includes("-")) return names;
  if (files.length === 0 && context.stdin.isTTY) {
    throw usageError("there is nothing to verify", "name a file, or pipe a payload in: zoho-hooks verify payload.json");
  }
  return names;
}

type Host = Pick<Runtime, "cwd" | "platform">;

/**
 * Expands patterns, which the shell of Windows never does: `*` and `?` match within a name, `**` folders at any depth; hidden
 * names are skipped. A name that exists is that file, whatever characters it has. One error names everything that is missing.
 */
export function expandPaths(host: Host, names: readonly string[]): readonly string[] {
  const missing: string[] = [];
  const found = names.flatMap((name) => {
    const kind = name === "-" ? "file" : kindOf(host, name);
    if (kind === "file") return [name];
    const isPattern = kind !== "folder" && /[*?]/.test(name);
    const files = isPattern ? matchingFiles(host, name) : [];
    // A payload given as a name must not fill the screen.
    const short = name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH - 1)}…` : name;
    if (kind === "folder")
      missing.push(`${name} is a folder: name its files, such as ${name.replace(/[/\\]+$/, "")}/*.json`);
    else if (files.length === 0) missing.push(`${short}: ${isPattern ? "no file matches" : kind}`);
    return files;
  });
  if (missing.length > 0) {
    const isPayload = names.some((name) => /^\s*[{[]/.test(name));
    throw usageError(
      missing.join("; "),
      isPayload
        ? "to verify a payload itself, pipe it in: zoho-hooks verify - < payload.json"
        : "nothing was checked; to verify a delivery of the event log, give its number: zoho-hooks verify 3",
    );
  }
  return [...new Set(found)];
}

const MAX_NAME_LENGTH = 80;

/** `file`, `folder`, or why there is neither. */
function kindOf({ cwd }: Host, path: string): string {
  try {
    const stats = statSync(resolve(cwd, path), { throwIfNoEntry: false });
    if (stats === undefined) return "no such file";
    return stats.isDirectory() ? "folder" : "file";
  } catch (error) {
    // ENAMETOOLONG, ELOOP, ENOTDIR, EACCES. The full message would repeat the name.
    return `cannot be read (${errorCode(error) ?? errorText(error)})`;
  }
}

function matchingFiles(host: Host, pattern: string): readonly string[] {
  const parts = (host.platform === "win32" ? pattern.replaceAll("\\", "/") : pattern).split("/");
  const first = parts.findIndex((part) => /[*?]/.test(part));
  const base = parts.slice(0, first).join("/") || (pattern.startsWith("/") ? "/" : "");
  return walk(host, base, parts.slice(first)).toSorted();
}

function walk(host: Host, folder: string, [part = "", ...rest]: readonly string[]): readonly string[] {
  const entries = entriesOf(host, folder);
  const under = (name: string): string => (folder === "" ? name : join(folder, name));
  if (part === "**") {
    const here = walk(host, folder, rest.length === 0 ? ["*"] : rest);
    const below = entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules")
      .flatMap((entry) => walk(host, under(entry.name), ["**", ...rest]));
    return [...here, ...below];
  }
  const wanted = rest.length === 0 ? "file" : "folder";
  const matches = entries
    .filter((entry) => matcher(part).test(entry.name))
    .map((entry) => under(entry.name))
    .filter((path) => kindOf(host, path) === wanted);
  return rest.length === 0 ? matches : matches.flatMap((path) => walk(host, path, rest));
}

function entriesOf({ cwd }: Host, folder: string) {
  try {
    return readdirSync(resolve(cwd, folder), { withFileTypes: true });
  } catch {
    // As in a shell, a folder that cannot be listed matches nothing.
    return [];
  }
}

function matcher(part: string): RegExp {
  const source = part
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(part.startsWith(".") ? `^${source}$` : `^(?!\\.)${source}$`, "s");
}

/** So that nothing is checked before all files can be. */
export function requireReadable(cwd: string, path: string): void {
  const full = resolve(cwd, path);
  try {
    // A device may have no end.
    const stats = statSync(full);
    if (!stats.isFile() && !stats.isFIFO()) throw new Error(NOT_A_FILE);
    accessSync(full, constants.R_OK);
  } catch (error) {
    throw usageError(`${path} cannot be read: ${errorText(error)}`);
  }
}

/** A file of payloads, or standard input. */
export interface InputFile {
  /** As the user wrote it; `-` for standard input. */
  readonly name: string;
  chunks(): AsyncIterable<Buffer>;
}

export function inputFile({ stdin, cwd }: Pick<Runtime, "stdin" | "cwd">, name: string): InputFile {
  const chunks = () => createReadStream(resolve(cwd, name), { highWaterMark: CHUNK_BYTES });
  return { name, chunks: name === "-" ? stdin.chunks : chunks };
}

/** A payload, a line without one, or the end of a file. */
export interface InputItem {
  readonly file: string;
  readonly payload: InputPayload | undefined;
  readonly isLast: boolean;
}

const CHUNK_BYTES = 262_144;

export async function* inputItems(
  files: readonly InputFile[],
  contentType: string | undefined,
): AsyncGenerator<InputItem, void> {
  for (const file of files) {
    for await (const payload of streamVerifyInput(chunksOf(file), contentType))
      yield { file: file.name, payload, isLast: false };
    yield { file: file.name, payload: undefined, isLast: true };
  }
}

async function* chunksOf({ name, chunks }: InputFile): AsyncGenerator<Buffer, void> {
  try {
    yield* chunks();
  } catch (error) {
    throw usageError(`${name === "-" ? "standard input" : name} cannot be read: ${errorText(error)}`);
  }
}
