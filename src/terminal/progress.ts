import type { Ora } from "ora";
import type { Progress } from "../process/messages.ts";
import type { Output } from "../process/output.ts";
import type { Paint } from "../reports/paint.ts";

const BAR_WIDTH = 24;
const REDRAW_MS = 100;
const ERASE_LINE = "\r\u001b[2K";

/** One line that is redrawn a few times a second. */
export function progressBar(output: Output, paint: Paint, total: number): Progress {
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    advance(done, failed) {
      const now = performance.now();
      if (now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      const text = ` ${done} of ${total}`;
      const failures = failed > 0 ? `${failed} failed` : "";
      // A line that is wider than the terminal cannot be redrawn in place.
      const room = (output.columns ?? 80) - 1 - text.length - (failures === "" ? 0 : failures.length + 2);
      const width = Math.max(0, Math.min(BAR_WIDTH, room));
      const filled = Math.round((width * Math.min(done, total)) / Math.max(total, 1));
      const bar = `${"█".repeat(filled)}${"░".repeat(width - filled)}`;
      output.write(`${ERASE_LINE}${bar}${text}${failures === "" ? "" : `, ${paint.bad(failures)}`}`);
    },
    end() {
      if (drawnAt > 0) output.write(ERASE_LINE);
    },
  };
}

const SPINNER_DELAY_MS = 400;

/** Runs work, with a spinner if it takes more than a moment. */
export async function withSpinner<T>(message: string, work: () => Promise<T>): Promise<T> {
  let spinner: Ora | undefined;
  let isWorking = true;
  const timer = setTimeout(async () => {
    const { default: ora } = await import("ora");
    if (isWorking) spinner = ora({ text: message, discardStdin: false }).start();
  }, SPINNER_DELAY_MS);
  try {
    return await work();
  } finally {
    isWorking = false;
    clearTimeout(timer);
    spinner?.stop();
  }
}
