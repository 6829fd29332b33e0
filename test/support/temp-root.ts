import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, chmodSync, constants, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { skippedText } from "./needs.ts";

/**
 * For a run of the tests, all that they and their children put into the system's temporary folder goes into one of its own:
 * in memory, unless they try what a user's disk does.
 */
export default function setUp({ name }: TestProject): () => Promise<void> {
  const isAboutDisk = name === "faults" || name === "fuzz";
  const root = (isAboutDisk ? undefined : rootInMemory()) ?? rootIn(tmpdir());
  for (const name of ["TMPDIR", "TEMP", "TMP"]) process.env[name] = root;
  const cleanUp = process.platform === "win32" ? async () => {} : startCleaner(root);
  return async () => {
    process.stdout.write(skippedText(root));
    await cleanUp();
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  };
}

function rootIn(folder: string): string {
  const root = mkdtempSync(join(folder, "zoho-hooks-tests-"));
  // Some tests run a program as another user, who has to get to its folder.
  chmodSync(root, 0o711);
  return root;
}

const MEMORY = "/dev/shm";
const MIN_FREE_BYTES = 2e9;

/**
 * In memory the disk is not waited for. `undefined` where TMPDIR is set, without Linux's folder or room in it, and in a container
 * whose folder runs no programs.
 */
function rootInMemory(): string | undefined {
  if (process.env.TMPDIR !== undefined) return undefined;
  let root: string | undefined;
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize < MIN_FREE_BYTES) return undefined;
    root = rootIn(MEMORY);
    const program = join(root, "program");
    writeFileSync(program, "", { mode: 0o700 });
    accessSync(program, constants.X_OK);
    return root;
  } catch {
    if (root !== undefined) rmSync(root, { recursive: true, force: true });
    return undefined;
  }
}

/**
 * Stops the servers whose data is in the folder, and removes it. Reads until the pipe from this process is closed, which the
 * system does however this process ends.
 */
const CLEANER = `cat
  servers() { ps -eo pid=,args= | grep -F "$0/" | grep -E '^ *[0-9]+ [^ ]*(postgres|redis-server) ' | awk '{ print $1 }'; }
  for i in 1 2 3 4 5 6 7 8 9 10; do
    pids=$(servers); [ -n "$pids" ] || break
    kill -INT $pids; sleep 0.3
  done
  rm -rf "$0"`;

function startCleaner(root: string): () => Promise<void> {
  // A group of its own, which Ctrl-C does not reach.
  const cleaner = spawn("sh", ["-c", CLEANER, root], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  cleaner.unref();
  return async () => {
    const ended = once(cleaner, "exit");
    cleaner.ref();
    cleaner.stdin.end();
    await ended;
  };
}
