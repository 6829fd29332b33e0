import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { errorText, usageError } from "../../core/errors.ts";
import { loadEngine } from "../../store/engine.ts";
import { isHeld } from "../../store/owner.ts";

const PREFIX = "zoho-hooks-run-";
const LOG = "events.db";
const LOCK = `${LOG}-lock`;
/** Longer than a run takes from its folder to its hold of the log in it. */
const STARTING_MS = 60_000;

/**
 * A folder for the log of one run, `path` in it. What runs that were killed have left is taken away first: such a log
 * holds deliveries that nobody asked to be kept.
 */
export async function makeRunFolder(now: Date): Promise<{ readonly path: string; remove(): void }> {
  let folder: string;
  try {
    await sweep(now);
    folder = mkdtempSync(join(tmpdir(), PREFIX));
  } catch (error) {
    throw usageError(
      `the deliveries of this run cannot be stored in ${tmpdir()}: ${errorText(error)}`,
      "set TMPDIR to a folder that you can write to, or leave --no-store out",
    );
  }
  return { path: join(folder, LOG), remove: () => removeFolder(folder) };
}

async function sweep(now: Date): Promise<void> {
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX));
  for (const folder of folders.map((name) => join(tmpdir(), name))) {
    try {
      if (isOurs(folder, now) && !isHeld(await loadEngine(), join(folder, LOG))) removeFolder(folder);
    } catch {
      // Another run sweeps at the same time, or there is no SQLite. This run can do without.
    }
  }
}

/**
 * Made by this user, and holding nothing but a log. The system's temporary folder is open to all, and what cleans it may
 * take the lock of a run that goes on: only where the lock is there can it be seen that nobody holds it.
 */
function isOurs(folder: string, now: Date): boolean {
  const found = lstatSync(folder);
  const { uid } = userInfo();
  if (!found.isDirectory() || (uid !== -1 && found.uid !== uid)) return false;
  if (now.getTime() - found.mtimeMs < STARTING_MS) return false;
  const names = readdirSync(folder);
  return names.every((name) => name.startsWith(LOG)) && (names.length === 0 || names.includes(LOCK));
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
