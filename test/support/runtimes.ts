import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** The folder in whose node_modules Deno, Bun and miniflare are: too large for the development dependencies (.ci/runtimes). */
const FOLDER = process.env.RUNTIMES;
const modules = join(FOLDER ?? join(import.meta.dirname, "../.."), "node_modules");

/** Whether tests of a runtime are run: where its package is, and always where RUNTIMES says that it has to be. */
export const hasRuntime = (name: "deno" | "bun" | "miniflare"): boolean =>
  FOLDER !== undefined || existsSync(join(modules, name));

/** The program of a runtime. */
export const runtimeProgram = (name: "deno" | "bun"): string => join(modules, ".bin", name);

interface Worker {
  dispatchFetch(url: string): Promise<Response>;
  /** Of a cron. */
  getWorker(): Promise<{ scheduled(): Promise<{ readonly outcome: string }> }>;
  dispose(): Promise<void>;
}

interface WorkerOptions {
  readonly script: string;
  readonly bindings: Readonly<Record<string, string>>;
  readonly kvNamespaces?: readonly string[];
}

/** Cloudflare's runtime, without the flag for modules of Node. */
export async function startWorkerd(options: WorkerOptions): Promise<Worker> {
  const { Miniflare } = createRequire(join(modules, "miniflare/package.json"))("miniflare");
  return new Miniflare({ ...options, modules: true, compatibilityDate: "2026-01-01" }) as Worker;
}
