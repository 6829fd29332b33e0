import { lstatSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { usageError } from "../core/errors.ts";
import { writeWholeFile } from "./write-file.ts";

/**
 * Writes a file that the tool has of its own in a project, for its user alone, whoever could read an older one. Never
 * through a link: nobody has named the file, and a link may have come with a project that was cloned.
 */
export function writeOwnFile(root: string, path: string, content: string): void {
  refuseLinks(root, path);
  writeWholeFile(path, content, 0o600, false);
}

/** Throws a usage error where a folder below the project's, or the file itself, is a link. */
export function refuseLinks(root: string, path: string): void {
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
