import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Runtime } from "../process/runtime.ts";
import { realPlace } from "../util/links.ts";
import { CONFIG_FILE } from "./settings.ts";

/** The folder of the nearest config file upwards, else the working folder. Reads no file. */
export function findRoot(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, CONFIG_FILE))) return folder;
    if (dirname(folder) === folder) return cwd;
  }
}

/** The real path of that folder, by which a running `listen` or `emulate` is told from those of other folders. */
export function projectFolder({ cwd }: Pick<Runtime, "cwd">): string {
  return realPlace(findRoot(cwd));
}
