import type { Context } from "../context.ts";
import type { Runtime } from "../runtime.ts";
import { withCommandsAsCalled } from "./failure.ts";
import { renderHuman } from "./human.ts";
import { renderJson } from "./json.ts";
import { type Mode, paintFor } from "./paint.ts";
import { noProgress, progressBar, withSpinner } from "./progress.ts";
import type { Report } from "./report.ts";

/** The runtime with a way to report: what a command prints, and how, is decided here. */
export async function createContext(runtime: Runtime, mode: Mode): Promise<Context> {
  const style = {
    out: await paintFor(runtime.stdout, runtime, mode.color),
    err: await paintFor(runtime.stderr, runtime, mode.color),
    // A window may be resized. A terminal that does not know its size says 0.
    get columns() {
      return runtime.stdout.columns || Number.POSITIVE_INFINITY;
    },
    get errColumns() {
      return runtime.stderr.columns || Number.POSITIVE_INFINITY;
    },
    verbose: mode.verbose,
    quiet: mode.quiet,
  };
  const report = (given: Report): void => {
    const runnable = withCommandsAsCalled(given, runtime);
    const rendered = mode.json ? renderJson(runnable) : renderHuman(runnable, style);
    if (rendered.out) runtime.stdout.write(rendered.out);
    if (rendered.err) runtime.stderr.write(rendered.err);
  };
  return Object.assign(Object.create(runtime) as Runtime, {
    report,
    verbose: mode.verbose,
    quiet: mode.quiet,
    json: mode.json,
    async prompts() {
      return mode.json ? undefined : runtime.prompts();
    },
    async waiting<T>(message: string, work: () => Promise<T>): Promise<T> {
      if (!style.err.live || mode.json || mode.quiet) return work();
      return withSpinner(message, work);
    },
    progress(total: number) {
      const shown = style.err.live && !mode.json && !mode.quiet;
      return shown ? progressBar(runtime.stderr, style.err, total) : noProgress;
    },
  });
}
