import type { Runtime } from "./context.ts";
import type { ExitCode } from "./core/errors.ts";

export { nodeRuntime } from "./runtime.ts";

declare const __VERSION__: string;

/** The version of this build; the bundler writes it in. */
export const version: string = __VERSION__;

/**
 * Runs one command line to its end and resolves to the exit code. Nothing is loaded before it is known to be needed:
 * `--version` answers from here.
 */
export async function main(runtime: Runtime): Promise<ExitCode | number> {
  const [only, ...rest] = runtime.argv;
  if (rest.length === 0 && (only === "--version" || only === "-V")) {
    runtime.stdout.write(`${version}\n`);
    return 0;
  }
  const { runProgram } = await import("./program.ts");
  return runProgram(runtime, version);
}
