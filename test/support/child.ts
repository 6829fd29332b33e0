import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { onTestFinished } from "vitest";

const here = fileURLToPath(new URL(".", import.meta.url));

export interface Child {
  readonly pid: number;
  /** Every line that it has printed so far. */
  readonly lines: readonly string[];
  /** Resolves once it has printed so many lines. */
  line(count?: number): Promise<void>;
  /** Kills it as `kill -9` does, and resolves when it is gone and all its output is read. */
  kill(): Promise<void>;
}

/** Runs a program from `children/` as a child process, bundled first since Node 20 runs no TypeScript. `flags` go to Node. */
export async function startChild(name: string, args: readonly string[], flags: readonly string[] = []): Promise<Child> {
  // Inside node_modules, so that the bundle finds the packages of the project.
  const cache = join(here, "../../node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "zoho-hooks-child-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const file = join(folder, "child.mjs");
  const bundle = await rolldown({
    input: join(here, "children", name),
    platform: "node",
    external: ["better-sqlite3", "express", "pg"],
  });
  await bundle.write({ file, format: "esm", codeSplitting: false });
  await bundle.close();

  const child = spawn(process.execPath, [...flags, file, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const lines: string[] = [];
  const output = createInterface(child.stdout);
  output.on("line", (line) => lines.push(line));
  const read = once(output, "close");
  return {
    pid: child.pid ?? 0,
    lines,
    async line(count = 1) {
      while (lines.length < count) {
        const more = await Promise.race([once(output, "line").then(() => true), read.then(() => false)]);
        if (!more && lines.length < count) throw new Error(`the child ended after ${lines.length} lines`);
      }
    },
    async kill() {
      child.kill("SIGKILL");
      await Promise.all([ended, read]);
    },
  };
}
