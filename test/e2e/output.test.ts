import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BIN, cleanEnv, runBin } from "../support/bin.ts";
import { tempFolder } from "../support/run.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/**/*.json");

/** Runs the built program with its stdout in a file. */
function runInto(path: string, argv: readonly string[]): { readonly status: number | null; readonly stderr: string } {
  const file = openSync(path, "w");
  try {
    const { status, stderr } = spawnSync(process.execPath, [BIN, ...argv], {
      env: cleanEnv(),
      encoding: "utf8",
      stdio: ["ignore", file, "pipe"],
    });
    return { status, stderr };
  } finally {
    closeSync(file);
  }
}

describe("what is written", () => {
  it("is whole and the same in a pipe as in a file, far beyond what a pipe holds", async () => {
    const path = join(tempFolder(), "out");
    const { status } = runInto(path, ["verify", FIXTURES, "--json"]);
    const piped = await runBin(["verify", FIXTURES, "--json"]);
    expect(piped.stdout.length).toBeGreaterThan(400_000);
    expect(piped.stdout).toBe(readFileSync(path, "utf8"));
    expect(piped.status).toBe(status);
  });

  it.runIf(existsSync("/dev/full")).each([["--version"], ["products"]])(
    "is missed by nobody: %s, on a full disk",
    (...argv) => {
      const { status, stderr } = runInto("/dev/full", argv);
      expect([status, stderr]).toEqual([1, expect.stringMatching(/^error: the output cannot be written: ENOSPC/)]);
    },
  );
});
