import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Context } from "../../context.ts";
import type { VerifiedReport } from "../../reports/verified.ts";
import { errorCode, errorText, usageError } from "../../util/errors.ts";
import type { SecretOptions } from "../helpers/options.ts";

interface InputOptions extends SecretOptions {
  readonly logged?: string;
  readonly store?: string;
}

/** Loaded only then: nothing else that checks a payload needs a log. */
export async function readLogged(context: Context, files: readonly string[], { logged, store }: InputOptions) {
  if (logged === undefined && store !== undefined) throw usageError("--store does nothing without --logged");
  if (logged === undefined) return undefined;
  if (files.length > 0) throw usageError("--logged and a file exclude each other", "leave one of them out");
  const { loggedPayload, withoutSecrets } = await import("./logged.ts");
  const { file, payload } = await loggedPayload(context, logged, store);
  return { file, payload, shown: (report: VerifiedReport) => withoutSecrets(report, payload) };
}

/** The files that are named, `-` for standard input. */
export function inputNames(context: Context, files: readonly string[], options: InputOptions): readonly string[] {
  const names = files.length > 0 ? files : ["-"];
  if (!names.includes("-")) return names;
  if (files.length === 0 && context.stdin.isTTY) {
    throw usageError("there is nothing to verify", "name a file, or pipe a payload in: zoho-hooks verify payload.json");
  }
  if (options.secretFile === "-" || options.tokenFile === "-")
    throw usageError("standard input cannot be both the payload and a secret", "put one of them into a file");
  return names;
}

/** Where names are looked up. */
interface PathWorld {
  readonly cwd: string;
  readonly platform: string;
}

/**
 * The files that names and patterns stand for, each once, in order. A shell has mostly expanded patterns already; that of
 * Windows never does. `*` and `?` stand for characters of one name, `**` for folders at any depth; hidden names
 * are left out. A name that exists is that file, whatever signs are in it. All that is not there is told at once.
 */
export function expandPaths(world: PathWorld, names: readonly string[]): readonly string[] {
  const missing: string[] = [];
  const found = names.flatMap((name) => {
    const kind = name === "-" ? "file" : kindOf(world, name);
    if (kind === "file") return [name];
    if (kind === "folder") {
      missing.push(`${name} is a folder: name its files, such as ${name.replace(/[/\\]+$/, "")}/*.json`);
      return [];
    }
    const files = /[*?]/.test(name) ? matchingFiles(world, name) : [];
    if (files.length === 0) missing.push(`${short(name)}: ${/[*?]/.test(name) ? "no file matches" : noFile(kind)}`);
    return files;
  });
  if (missing.length > 0) {
    const isPayload = names.some((name) => /^\s*[{[]/.test(name));
    throw usageError(
      missing.join("; "),
      isPayload
        ? "a payload itself comes from standard input: zoho-hooks verify - < payload.json"
        : "nothing was checked",
    );
  }
  return [...new Set(found)];
}

/** A whole payload that was given as a name would fill the screen. */
const LONGEST_NAME = 80;

function short(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
}

type Kind = "file" | "folder" | undefined | { readonly error: string };

function noFile(kind: Kind): string {
  return typeof kind === "object" ? `cannot be looked for (${kind.error})` : "no such file";
}

function kindOf({ cwd }: PathWorld, path: string): Kind {
  try {
    const stats = statSync(resolve(cwd, path), { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    return stats.isDirectory() ? "folder" : "file";
  } catch (error) {
    // ENAMETOOLONG, ELOOP, ENOTDIR, EACCES: the message would repeat the name.
    return { error: errorCode(error) ?? errorText(error) };
  }
}

function matchingFiles(world: PathWorld, pattern: string): readonly string[] {
  const parts = (world.platform === "win32" ? pattern.replaceAll("\\", "/") : pattern).split("/");
  const first = parts.findIndex((part) => /[*?]/.test(part));
  const base = parts.slice(0, first).join("/") || (pattern.startsWith("/") ? "/" : "");
  return walk(world, base, parts.slice(first)).toSorted();
}

function walk(world: PathWorld, folder: string, [part = "", ...rest]: readonly string[]): readonly string[] {
  const entries = entriesOf(world, folder);
  const under = (name: string): string => (folder === "" ? name : join(folder, name));
  if (part === "**") {
    const here = walk(world, folder, rest.length === 0 ? ["*"] : rest);
    const below = entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules")
      .flatMap((entry) => walk(world, under(entry.name), ["**", ...rest]));
    return [...here, ...below];
  }
  const matches = entries.filter((entry) => matcher(part).test(entry.name));
  if (rest.length === 0)
    return matches.map((entry) => under(entry.name)).filter((path) => kindOf(world, path) === "file");
  return matches
    .map((entry) => under(entry.name))
    .filter((path) => kindOf(world, path) === "folder")
    .flatMap((path) => walk(world, path, rest));
}

function entriesOf({ cwd }: PathWorld, folder: string) {
  try {
    return readdirSync(resolve(cwd, folder), { withFileTypes: true });
  } catch {
    // What cannot be listed matches nothing, as in a shell.
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
