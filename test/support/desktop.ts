import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "./run.ts";

/** A folder for PATH with programs of these names, which keep what they are given in `seen`. */
export function desktop(...names: readonly string[]): { path: string; seen: string } {
  const folder = tempFolder();
  const seen = join(folder, "seen");
  for (const name of names) {
    const file = join(folder, name);
    writeFileSync(
      file,
      `#!/bin/sh\n{ printf '%s ' "$@"; /bin/cat; } > '${seen}.part' && /bin/mv '${seen}.part' '${seen}'\n`,
    );
    chmodSync(file, 0o755);
  }
  return { path: folder, seen };
}
