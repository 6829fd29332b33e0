import type { Progress } from "./reports/progress.ts";
import type { Report } from "./reports/report.ts";
import type { Runtime } from "./runtime.ts";
import type { ExitCode } from "./util/errors.ts";

export interface Context extends Runtime {
  /** Says something to the user; how it looks is decided by the mode. */
  report(report: Report): void;
  readonly verbose: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
  /** Runs work behind a spinner, shown on a terminal only and only when it takes over a moment. */
  waiting<T>(message: string, work: () => Promise<T>): Promise<T>;
  /** A progress bar for a known number of things. Nothing may be reported before it has ended. */
  progress(total: number): Progress;
}

/** A command's work: resolves to the exit code, one of ours or that of a program that it ran. */
export type Action<Args extends unknown[]> = (context: Context, ...args: Args) => Promise<ExitCode | number>;
