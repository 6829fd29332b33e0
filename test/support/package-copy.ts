import { cpSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { tempFolder } from "./run.ts";

const ROOT = join(import.meta.dirname, "../..");

/** What it takes to run the built program, in a folder of its own that a test may change. */
export function copyOfPackage(): string {
  const folder = join(tempFolder(), "package");
  for (const part of ["bin", "dist/cli.cjs", "dist/chunks", "package.json"]) {
    mkdirSync(dirname(join(folder, part)), { recursive: true });
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  return folder;
}
