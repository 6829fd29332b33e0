import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** For a run of the tests, all that they and their children put into the system's temporary folder goes into one of its own. */
export default function setUp(): () => void {
  const root = mkdtempSync(join(tmpdir(), "zoho-hooks-tests-"));
  // Some tests run a program as another user, who has to get to its folder.
  chmodSync(root, 0o711);
  for (const name of ["TMPDIR", "TEMP", "TMP"]) process.env[name] = root;
  return () => rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
