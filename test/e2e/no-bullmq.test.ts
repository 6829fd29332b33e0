import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runBin } from "../support/bin.ts";
import { copyOfPackage } from "../support/package-copy.ts";

const MODULES = join(import.meta.dirname, "../../node_modules");

it("says what to install before it listens for a queue without BullMQ", async () => {
  const folder = copyOfPackage();
  mkdirSync(join(folder, "node_modules"));
  // For the log on Node 20.
  for (const name of ["better-sqlite3", "bindings", "file-uri-to-path"])
    symlinkSync(join(MODULES, name), join(folder, "node_modules", name), "junction");
  const argv = ["listen", "--port", "0", "--no-store", "--forward-to", "bullmq://127.0.0.1/zoho-webhooks"];
  const { status, stderr } = await runBin(argv, { bin: join(folder, "bin/zoho-hooks.js"), cwd: folder });
  expect([status, stderr]).toEqual([
    2,
    expect.stringMatching(
      /error: a bullmq:\/\/ target needs the packages bullmq and ioredis \(.*\)\n {2}npm install bullmq ioredis\n$/,
    ),
  ]);
});
