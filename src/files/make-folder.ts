import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

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
