import { runProgram } from "./program.ts";
import { endProcess, nodeRuntime, type Surroundings, tellUnfinished } from "./runtime.ts";

declare const __VERSION__: string;

/** Runs the command line that the process was started with, and ends the process. */
export async function start(surroundings: Surroundings): Promise<void> {
  tellUnfinished();
  await endProcess(await runProgram(nodeRuntime(surroundings), __VERSION__));
}
