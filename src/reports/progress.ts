import type { Ora } from "ora";
import type { Output } from "../output.ts";
import type { Paint } from "./paint.ts";

const WIDTH = 24;
const REDRAW_MS = 100;
const ERASE_LINE = "\r\u001b[2K";

export const noProgress: Progress = { advance() {}, end() {} };

/** One line that is drawn over itself a few times a second and is gone at the end. */
export function progressBar(output: Output, paint: Paint, total: number): Progress {
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    advance(done, failed) {
      const now = performance.now();
      if (now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      const text = ` ${done} of ${total}`;
      const failures = failed > 0 ? `${failed} failed` : "";
      // What is wider than the terminal could not be drawn over.
      const room = (output.columns ?? 80) - 1 - text.length - (failures === "" ? 0 : failures.length + 2);
      const width = Math.max(0, Math.min(WIDTH, room));
      const filled = Math.round((width * Math.min(done, total)) / Math.max(total, 1));
      const bar = `${"█".repeat(filled)}${"░".repeat(width - filled)}`;
      output.write(`${ERASE_LINE}${bar}${text}${failures === "" ? "" : `, ${paint.bad(failures)}`}`);
    },
    end() {
      if (drawnAt > 0) output.write(ERASE_LINE);
    },
  };
}

const PATIENCE_MS = 400;

/** Runs work, with a spinner once it has taken over a moment. The spinner says nothing of the outcome. */
export async function withSpinner<T>(message: string, work: () => Promise<T>): Promise<T> {
  let spinner: Ora | undefined;
  let working = true;
  const timer = setTimeout(async () => {
    const { default: ora } = await import("ora");
    if (working) spinner = ora({ text: message, discardStdin: false }).start();
  }, PATIENCE_MS);
  try {
    return await work();
  } finally {
    working = false;
    clearTimeout(timer);
    spinner?.stop();
  }
}

/** How far a long work has come, shown on a terminal only. */
export interface Progress {
  advance(done: number, failed: number): void;
  /** Takes the bar away; what came of the work is a report's to say. */
  end(): void;
}
