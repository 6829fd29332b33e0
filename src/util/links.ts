import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { usageError } from "./errors.ts";

/** Throws a usage error where the file or one of its folders below the project's root is a link: nobody named the file. */
export function rejectLinks(root: string, path: string): void {
  const parts = relative(root, path).split(sep);
  const link = parts.map((_, i) => join(root, ...parts.slice(0, i + 1))).find(isLink);
  if (link === undefined) return;
  throw usageError(
    `${link} is a link, so a file outside the project could be overwritten`,
    "check where it leads; replace it with a folder or file of the project, or delete it",
  );
}

/** Whether a path is outside a folder, by itself or through a link. */
export function leadsOut(root: string, path: string): boolean {
  return isAbove(realPlace(root), realPlace(path));
}

/**
 * Resolves links in a path, also before there is such a file, as at the end of a link to nothing. Its letters have the case
 * that the file system has.
 */
export function realPlace(path: string, maxLinks = MAX_LINKS): string {
  try {
    return realpathSync.native(path);
  } catch {
    if (dirname(path) === path) return path;
    const folder = realPlace(dirname(path), maxLinks);
    if (maxLinks > 0 && isLink(path)) return realPlace(resolve(folder, readlinkSync(path)), maxLinks - 1);
    return join(folder, basename(path));
  }
}

/** The limit of Linux: links may lead in a circle. */
const MAX_LINKS = 40;

/** Whether a path is not below a folder, by its text. */
export function isAbove(root: string, path: string): boolean {
  const fromRoot = relative(root, path);
  return isAbsolute(fromRoot) || fromRoot.split(sep)[0] === "..";
}

export function isLink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch {
    // What cannot be examined cannot be read or written either, and that reports why.
    return false;
  }
}
