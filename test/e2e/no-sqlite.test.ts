import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runBin } from "../support/bin.ts";
import { copyOfPackage } from "../support/package-copy.ts";

/** From 22.13 on Node has SQLite; this flag takes it away. */
const env = {
  NODE_OPTIONS: process.allowedNodeEnvironmentFlags.has("--no-experimental-sqlite") ? "--no-experimental-sqlite" : "",
};
const NEEDED = "the event log needs Node 22.13 or later, or the package better-sqlite3";

it("listens without its log, and says in one line how to get it", async () => {
  const folder = copyOfPackage();
  const bin = join(folder, "bin/zoho-hooks.js");
  const argv = ["listen", "--port", "0", "--quiet", "--exec", "exit 0"];
  const { status, stderr } = await runBin(argv, { bin, cwd: folder, env });
  expect(status).toBe(0);
  expect(stderr.split("\n").filter((line) => line.includes("sqlite"))).toEqual([
    `warning: nothing is saved: ${NEEDED} (npm install --save-dev better-sqlite3@12)`,
  ]);
});

it("says how to build better-sqlite3 where its install script did not run", async () => {
  const folder = copyOfPackage();
  const unbuilt = join(folder, "node_modules/better-sqlite3");
  mkdirSync(unbuilt, { recursive: true });
  writeFileSync(
    join(unbuilt, "index.js"),
    "module.exports = class { constructor() { throw new Error('Could not locate the bindings file.\\nTried: …'); } };",
  );
  const { status, stderr } = await runBin(["events", "list"], {
    bin: join(folder, "bin/zoho-hooks.js"),
    cwd: folder,
    env,
  });
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: `error: ${NEEDED}, which cannot be loaded (Could not locate the bindings file.)\n  npm rebuild better-sqlite3\n`,
  });
});
