import { setTimeout as delay } from "node:timers/promises";
import { errorText } from "../util/errors.ts";
import { formatSpan } from "../util/units.ts";
import type { WarningReport } from "./messages.ts";
import type { Runtime } from "./runtime.ts";

/** After it, the command gets a SIGTERM, and a SIGKILL after another `GRACE_MS`. */
const TIMEOUT_MS = 60_000;
const GRACE_MS = 5_000;
/** For a command that still runs when the run that it is about ends. */
const END_MS = 2_000;

interface AlarmContext extends Pick<Runtime, "cwd" | "env" | "signal" | "sleep" | "startChild"> {
  readonly report: (report: WarningReport) => void;
}

/**
 * Runs the command of a flag such as `--on-lost`, with the facts of a failure in its environment. Several may run at the same
 * time. What fails is warned of, and stops nothing.
 */
export function createAlarm(context: AlarmContext, flag: string, commandLine: string | undefined) {
  const running = new Set<Promise<void>>();
  /** Aborts, with a text that says when, once nobody waits for a command any more. */
  const ending = new AbortController();
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
      let lateness: string | undefined;
      const bound = async (): Promise<void> => {
        await context.sleep(TIMEOUT_MS, AbortSignal.any([over.signal, context.signal, ending.signal]));
        if (over.signal.aborted) return;
        if (!context.signal.aborted)
          lateness = ending.signal.aborted ? String(ending.signal.reason) : `after ${formatSpan(TIMEOUT_MS)}`;
        child.end(false);
        await context.sleep(GRACE_MS, over.signal);
        if (!over.signal.aborted) child.end(true);
      };
      const [code] = await Promise.all([ended, bound()]);
      if (lateness !== undefined) warn(`was stopped ${lateness}`);
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
    /** The same, after at most 2 s for what runs: then it gets a SIGTERM, which is reported. */
    async stop(): Promise<void> {
      const done = new AbortController();
      const settled = Promise.all(running).finally(() => done.abort());
      await delay(END_MS, undefined, { signal: done.signal }).catch(() => {});
      if (!done.signal.aborted)
        ending.abort(`${formatSpan(END_MS)} after the end of this run, which does not wait longer`);
      await settled;
    },
  };
}
