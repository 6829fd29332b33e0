import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** For a run of the tests, all that they and their children put into the system's temporary folder goes into one of its own. */
export default function setUp(): () => Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "zoho-hooks-tests-"));
  // Some tests run a program as another user, who has to get to its folder.
  chmodSync(root, 0o711);
  for (const name of ["TMPDIR", "TEMP", "TMP"]) process.env[name] = root;
  const cleanUp = process.platform === "win32" ? async () => {} : startCleaner(root);
  return async () => {
    await cleanUp();
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  };
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
