import type { Progress } from "./reports/progress.ts";
import type { Report } from "./reports/report.ts";
import type { Runtime } from "./runtime.ts";
import type { ExitCode } from "./util/errors.ts";

export interface Context extends Runtime {
  /** Prints a report, as text or as JSON lines. */
  report(report: Report): void;
  readonly verbose: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
  /** Shows a spinner while the work runs, on a terminal and if it takes a moment. */
  waiting<T>(message: string, work: () => Promise<T>): Promise<T>;
  /** A progress bar. Nothing may be reported until it has ended. */
  progress(total: number): Progress;
}

/** A command's work. Resolves to the exit code, ours or that of a program that it ran. */
export type Action<Args extends unknown[]> = (context: Context, ...args: Args) => Promise<ExitCode | number>;
