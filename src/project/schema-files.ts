import { readdirSync } from "node:fs";
import { join, parse } from "node:path";
import { isFolder } from "../util/files.ts";

/** Files with zod schemas, which Node runs as they are. */
export const MODULE_EXTENSIONS = [".mjs", ".js", ".mts", ".ts"];

/** Whether a schema file is code: it is run when it is loaded. */
export function isModule(path: string): boolean {
  return MODULE_EXTENSIONS.some((extension) => path.endsWith(extension));
}

/** The schema files of a product's folder: all that are loaded, and no others. */
export function schemaFilesIn(folder: string) {
  return {
    /** One event each: `schemas/<event>.json` or `.mjs`. */
    events: filesIn(join(folder, "schemas"), [".json", ...MODULE_EXTENSIONS]),
    /** All events: `schemas.mjs`. */
    all: filesIn(folder, MODULE_EXTENSIONS).filter((path) => parse(path).name === "schemas"),
  };
}

/** Paths in a folder by their extension; none where it is no folder. */
export function filesIn(folder: string, extensions: readonly string[]): readonly string[] {
  if (!isFolder(folder)) return [];
  return readdirSync(folder)
    .toSorted()
    .filter((name) => extensions.includes(parse(name).ext) && !name.startsWith(".") && !parse(name).name.endsWith(".d"))
    .map((name) => join(folder, name));
}
