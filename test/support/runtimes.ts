import { createRequire } from "node:module";
import { join } from "node:path";
import { runtimesFolder } from "./needs.ts";

/** The program of a runtime. */
export const runtimeProgram = (name: "deno" | "bun"): string => join(runtimesFolder, ".bin", name);

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
  const { Miniflare } = createRequire(join(runtimesFolder, "miniflare/package.json"))("miniflare");
  return new Miniflare({ ...options, modules: true, compatibilityDate: "2026-01-01" }) as Worker;
}
