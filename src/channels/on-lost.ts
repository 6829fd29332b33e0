import type { Context } from "../project/context.ts";
import { errorText } from "../util/errors.ts";
import { formatSpan } from "../util/units.ts";

/** After it, the command gets a SIGTERM, and a SIGKILL after another `GRACE_MS`. */
const TIMEOUT_MS = 60_000;
const GRACE_MS = 5_000;

interface Loss {
  readonly id: string;
  readonly product: string;
  readonly reason: string;
}

/**
 * Runs the command of `--on-lost` for each lost channel, with its facts in the environment and never its token. Several may
 * run at the same time. What fails is warned of, and stops nothing.
 */
export function createAlarm(context: Context, commandLine: string | undefined) {
  const running = new Set<Promise<void>>();
  const run = async ({ id, product, reason }: Loss): Promise<void> => {
    const warn = (outcome: string): void =>
      context.report({ type: "warning", message: `the command of --on-lost for channel ${id} ${outcome}` });
    const over = new AbortController();
    try {
      const child = await context.startChild(commandLine ?? "", {
        cwd: context.cwd,
        env: {
          ...context.env,
          ZOHO_HOOKS_CHANNEL_ID: id,
          ZOHO_HOOKS_CHANNEL_PRODUCT: product,
          ZOHO_HOOKS_CHANNEL_REASON: reason,
        },
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
    raise(loss: Loss): void {
      if (commandLine === undefined) return;
      const done = run(loss).finally(() => running.delete(done));
      running.add(done);
    },
    /** Resolves when no command runs any more. */
    async settled(): Promise<void> {
      await Promise.all(running);
    },
  };
}
