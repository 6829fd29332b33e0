import type { GivenSecrets } from "./config/secrets.ts";
import type { Settings } from "./config/settings.ts";
import type { Progress } from "./reports/progress.ts";
import type { Report } from "./reports/report.ts";
import type { Runtime } from "./runtime.ts";
import type { ExitCode } from "./util/errors.ts";

/** What `listen` has given the inspector that it started, or `ui` was called with. Commands that the inspector calls take it for flags. */
export interface HandedOver {
  readonly settings: Readonly<Partial<Settings>>;
  readonly secrets: GivenSecrets;
}

export interface Context extends Runtime {
  readonly handedOver?: HandedOver;
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
