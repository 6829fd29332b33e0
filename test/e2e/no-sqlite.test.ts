import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runBin } from "../support/bin.ts";
import { copyOfPackage } from "../support/package-copy.ts";

/** From 22.13 on Node has a database of its own; this flag takes it away. */
const WITHOUT_ITS_OWN = {
  NODE_OPTIONS: process.allowedNodeEnvironmentFlags.has("--no-experimental-sqlite") ? "--no-experimental-sqlite" : "",
};

async function hint(folder: string): Promise<string> {
  const bin = join(folder, "bin/zoho-hooks.js");
  const { status, stderr } = await runBin(["events", "list"], { bin, cwd: folder, env: WITHOUT_ITS_OWN });
  expect(status).toBe(2);
  return stderr;
}

it("says how better-sqlite3 is brought where it is missing, and how it is built where its install script did not run", async () => {
  const folder = copyOfPackage();
  expect(await hint(folder)).toContain("run `npm install better-sqlite3`");
  const unbuilt = join(folder, "node_modules/better-sqlite3");
  mkdirSync(unbuilt, { recursive: true });
  writeFileSync(
    join(unbuilt, "index.js"),
    "module.exports = class { constructor() { throw new Error('Could not locate the bindings file.'); } };",
  );
  expect(await hint(folder)).toContain("run `npm rebuild better-sqlite3`");
});
