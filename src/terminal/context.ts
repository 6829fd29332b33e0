import type { KnownSecrets } from "../delivery/secrets.ts";
import { isAgent } from "../process/agents.ts";
import { noProgress } from "../process/messages.ts";
import type { Output } from "../process/output.ts";
import type { Runtime } from "../process/runtime.ts";
import { type Context, userFolder } from "../project/context.ts";
import { fitText } from "../reports/layout.ts";
import { type Mode, paintFor } from "../reports/paint.ts";
import { renderReport } from "../reports/render.ts";
import type { Report } from "../reports/text.ts";
import { progressBar, withSpinner } from "./progress.ts";

/** The runtime with a way to report: what a command prints, and how, is decided here. */
export async function createContext(
  runtime: Runtime,
  mode: Mode,
  knownSecrets: KnownSecrets,
): Promise<Context<Report>> {
  const hidden = mode.showSecrets === true ? undefined : knownSecrets;
  const style = {
    out: await paintFor(runtime.stdout, runtime, mode.color),
    err: await paintFor(runtime.stderr, runtime, mode.color),
    verbose: mode.verbose,
    quiet: mode.quiet,
  };
  let suggestsJson = isAgent(runtime.env) && !mode.json;
  const report = (given: Report): void => {
    const { out, err } = renderReport(given, runtime, { style: mode.json ? "json" : style, hidden });
    const isRequest = given.type === "sent" && given.request !== undefined;
    const isVerbatim = (given.type === "text" && !given.prose) || isRequest;
    if (out) runtime.stdout.write(isVerbatim ? out : fitText(out, runtime.stdout));
    if (err) runtime.stderr.write(fitText(err, runtime.stderr));
    if (suggestsJson && !isRequest && !WITHOUT_HINT.has(given.type)) {
      suggestsJson = false;
      report({ type: "notice", message: `--json prints this as JSON lines: ${runtime.invocation} help json` });
    }
  };
  return Object.assign(Object.create(runtime) as Runtime, {
    report,
    knownSecrets,
    userFolder: userFolder(runtime),
    stdout: maskedOutput(runtime.stdout, hidden),
    stderr: maskedOutput(runtime.stderr, hidden),
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

/** Reports that are no results, or that have no other form. */
const WITHOUT_HINT: ReadonlySet<Report["type"]> = new Set(["notice", "warning", "decisions", "text"]);

/** For what is written without a report. */
function maskedOutput(output: Output, hidden: KnownSecrets | undefined): Output {
  if (hidden === undefined) return output;
  // Not a copy: `columns` is a getter.
  return Object.assign(Object.create(output) as Output, { write: (text: string) => output.write(hidden.mask(text)) });
}
