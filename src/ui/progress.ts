import type { Output, Progress } from "../context.ts";
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
      const filled = Math.round((WIDTH * Math.min(done, total)) / Math.max(total, 1));
      const bar = `${"█".repeat(filled)}${"░".repeat(WIDTH - filled)}`;
      const text = `${bar} ${done} of ${total}`;
      output.write(`${ERASE_LINE}${text}${failed > 0 ? `, ${paint.bad(`${failed} failed`)}` : ""}`);
    },
    end() {
      if (drawnAt > 0) output.write(ERASE_LINE);
    },
  };
}
