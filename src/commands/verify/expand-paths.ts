import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { usageError } from "../../core/errors.ts";

/** Where names are looked up. */
export interface PathWorld {
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
    if (name === "-" || kindOf(world, name) === "file") return [name];
    if (kindOf(world, name) === "folder") {
      missing.push(`${name} is a folder: name its files, such as ${name.replace(/[/\\]+$/, "")}/*.json`);
      return [];
    }
    const files = /[*?]/.test(name) ? matchingFiles(world, name) : [];
    if (files.length === 0) missing.push(/[*?]/.test(name) ? `${name}: no file matches` : `${name}: no such file`);
    return files;
  });
  if (missing.length > 0) throw usageError(missing.join("; "), "nothing was checked");
  return [...new Set(found)];
}

function kindOf({ cwd }: PathWorld, path: string): "file" | "folder" | undefined {
  const stats = statSync(resolve(cwd, path), { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  return stats.isDirectory() ? "folder" : "file";
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
