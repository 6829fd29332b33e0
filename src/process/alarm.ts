import { errorText } from "../util/errors.ts";
import { formatSpan } from "../util/units.ts";
import type { WarningReport } from "./messages.ts";
import type { Runtime } from "./runtime.ts";

/** After it, the command gets a SIGTERM, and a SIGKILL after another `GRACE_MS`. */
const TIMEOUT_MS = 60_000;
const GRACE_MS = 5_000;

interface AlarmContext extends Pick<Runtime, "cwd" | "env" | "signal" | "sleep" | "startChild"> {
  readonly report: (report: WarningReport) => void;
}

/**
 * Runs the command of a flag such as `--on-lost`, with the facts of a failure in its environment. Several may run at the same
 * time. What fails is warned of, and stops nothing.
 */
export function createAlarm(context: AlarmContext, flag: string, commandLine: string | undefined) {
  const running = new Set<Promise<void>>();
  const run = async (about: string, facts: Readonly<Record<string, string>>): Promise<void> => {
    const warn = (outcome: string): void =>
      context.report({ type: "warning", message: `the command of ${flag} for ${about} ${outcome}` });
    const over = new AbortController();
    try {
      const child = await context.startChild(commandLine ?? "", {
        cwd: context.cwd,
        env: { ...context.env, ...facts },
        stdoutTo: "stderr",
      });
      const ended = child.ended.finally(() => over.abort());
      let isLate = false;
      const bound = async (): Promise<void> => {
        await context.sleep(TIMEOUT_MS, AbortSignal.any([over.signal, context.signal]));
        if (over.signal.aborted) return;
        isLate = !context.signal.aborted;
        child.end(false);
        await context.sleep(GRACE_MS, over.signal);
        if (!over.signal.aborted) child.end(true);
      };
      const [code] = await Promise.all([ended, bound()]);
      if (isLate) warn(`was stopped after ${formatSpan(TIMEOUT_MS)}`);
      else if (code !== 0) warn(`exited with ${code}`);
    } catch (error) {
      warn(`could not be started: ${errorText(error)}`);
    }
  };
  return {
    /** `about`: what has failed, for a warning. `facts`: variables, without secrets. */
    raise(about: string, facts: Readonly<Record<string, string>>): void {
      if (commandLine === undefined) return;
      const done = run(about, facts).finally(() => running.delete(done));
      running.add(done);
    },
    /** Resolves when no command runs any more. */
    async settled(): Promise<void> {
      await Promise.all(running);
    },
  };
}
