import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** For a run of the tests, all that they and their children put into the system's temporary folder goes into one of its own. */
export default function setUp(): () => void {
  const root = mkdtempSync(join(tmpdir(), "zoho-hooks-tests-"));
  // Some tests run a program as another user, who has to get to its folder.
  chmodSync(root, 0o711);
  for (const name of ["TMPDIR", "TEMP", "TMP"]) process.env[name] = root;
  return () => {
    stopServer(join(root, "postgres", "data", "postmaster.pid"));
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  };
}

/** The database that tests have started, if any did (postgres.ts). */
function stopServer(file: string): void {
  if (existsSync(file)) process.kill(Number(readFileSync(file, "utf8").split("\n")[0]), "SIGQUIT");
}
