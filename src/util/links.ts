import { lstatSync, readlinkSync } from "node:fs";
import { dirname, isAbsolute, join, parse, relative, resolve, sep } from "node:path";
import { type UserError, usageError } from "./errors.ts";

/** Throws a usage error where the file or one of its folders below the project's root is a link. */
export function rejectLinks(root: string, path: string): void {
  const link = findLink(root, path);
  if (link !== undefined) throw linkError(link);
}

export function linkError(link: string): UserError {
  return usageError(
    `${link} is a link, so a file outside the project could be overwritten`,
    "check where it leads; replace it with a folder or file of the project, or delete it",
  );
}

/** The first link on the way from the project's root to a path. Folders above the project are the user's own choice. */
export function findLink(root: string, path: string): string | undefined {
  const parts = relative(root, path).split(sep);
  const places = parts.map((_, i) => join(root, ...parts.slice(0, i + 1)));
  return places.find((place, i) => parts[i] !== ".." && isLink(place));
}

/** The first link in one of these folders, by their real paths, on the way to a path, also where links elsewhere lead there. */
export function findLinkWithin(folders: readonly string[], path: string, depth = 0): string | undefined {
  const link = findLink(parse(path).root, path);
  if (link === undefined || depth > MAX_LINKS || folders.some((folder) => !isAbove(folder, link))) return link;
  return findLinkWithin(folders, resolve(dirname(link), linkTarget(link) ?? "", relative(link, path)), depth + 1);
}

/** Whether a path leads out of a project's folder, by itself or through a link. */
export function isOutside(root: string, path: string): boolean {
  return isAbove(root, path) || findLink(root, path) !== undefined;
}

/** Whether a path is outside a folder, by itself or where links in that folder lead. */
export function leadsOut(root: string, path: string): boolean {
  return isAbove(root, followLinks(root, path).place);
}

/** Throws a usage error for a link to another computer (`\\\\server\\share`), which a look there would send the user's credentials. */
export function rejectServerLink(root: string, path: string): void {
  const linked = linkedPlace(root, path);
  // The project itself may be on another computer. Elsewhere than on Windows, such a target is a name in the project.
  if (!(isAbove(root, linked) ? /^[\\/]{2}/ : /\/\\\\/).test(linked)) return;
  throw usageError(`${path} is a link to another computer`, "put the file itself there, or delete the link");
}

/** Where the links of a project lead a path, by their text. */
export function linkedPlace(root: string, path: string): string {
  const { place, rest } = followLinks(root, path);
  return [place, ...rest].join(sep);
}

/**
 * Follows the links of a project up to the first place outside, with the rest of the way. Nothing outside is touched: on
 * Windows it may be another computer's, which would be sent the user's credentials. The root has no link above it.
 */
function followLinks(root: string, path: string): { readonly place: string; readonly rest: readonly string[] } {
  let place = root;
  let rest = relative(root, path).split(sep);
  const isElsewhere = (): boolean => isAbove(root, place) && isAbove(place, root);
  for (let links = 0; rest.length > 0 && !isElsewhere(); ) {
    const next = join(place, rest.shift() ?? "");
    const target = isAbove(root, next) || links === MAX_LINKS ? undefined : linkTarget(next);
    if (target === undefined) place = next;
    else {
      links++;
      const { root: top } = parse(target);
      if (isAbsolute(target)) place = top;
      // Not resolved as text: `..` after a link is beside what the link leads to.
      rest = [...target.slice(top.length).split(SEPARATOR), ...rest];
    }
  }
  return { place, rest };
}

const SEPARATOR = sep === "/" ? sep : /[\\/]/;
/** More than any system follows. */
const MAX_LINKS = 100;

/** Whether a path is not below a folder, by its text. */
export function isAbove(root: string, path: string): boolean {
  const fromRoot = relative(root, path);
  return isAbsolute(fromRoot) || fromRoot.split(sep)[0] === "..";
}

function isLink(path: string): boolean {
  return linkTarget(path) !== undefined;
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : undefined;
  } catch {
    // What cannot be examined cannot be written either, and writing reports why.
    return undefined;
  }
}
