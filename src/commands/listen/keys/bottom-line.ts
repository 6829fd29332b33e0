import type { Output } from "../../../process/runtime.ts";
import { textWidth } from "../../../util/text-width.ts";

const MIN_REDRAW_MS = 100;
/** For what changes by itself: the channel's time left, the deliveries that wait. */
const TICK_MS = 1000;
/** To the beginning of the line, and erase it. */
const ERASE_LINE = "\u001b[1G\u001b[0K";

/**
 * The last line of a terminal, below an ordinary stream of text: erased before something is written, and drawn again at most
 * ten times a second, so that a burst of events pays for one erasure.
 */
export function createBottomLine(
  output: Output,
  textOf: (columns: number) => string,
  paint: (text: string) => string,
  onTick: () => void,
) {
  /** The text on the screen. */
  let drawn: string | undefined;
  let isOpen = false;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let ticker: NodeJS.Timeout | undefined;

  const draw = (): void => {
    timer = undefined;
    if (!isOpen) return;
    drawnAt = performance.now();
    // A terminal that takes nothing at the moment gets the line later.
    if (output.backlog() > 0) {
      schedule();
      return;
    }
    const text = textOf(output.columns || 80);
    if (text === drawn) return;
    output.write(`${drawn === undefined ? "" : ERASE_LINE}${paint(text)}`);
    drawn = text;
  };
  const schedule = (): void => {
    if (!isOpen || timer !== undefined) return;
    timer = setTimeout(draw, Math.max(0, MIN_REDRAW_MS - (performance.now() - drawnAt)));
  };
  const erase = (): void => {
    if (drawn === undefined) return;
    output.write(ERASE_LINE);
    drawn = undefined;
  };
  return {
    /** Before something else is written. */
    erase,
    /** Draws it soon, with what is true then. */
    schedule,
    open(): void {
      isOpen = true;
      drawn = undefined;
      clearInterval(ticker);
      ticker = setInterval(() => {
        onTick();
        schedule();
      }, TICK_MS);
      schedule();
    },
    close(): void {
      isOpen = false;
      clearTimeout(timer);
      clearInterval(ticker);
      timer = undefined;
      erase();
    },
    /** Most terminals break a line that has become too long into several. */
    onResized(): void {
      if (drawn === undefined) return;
      const above = Math.ceil(textWidth(drawn) / (output.columns || 80)) - 1;
      output.write(`${above > 0 ? `\u001b[${above}A` : ""}\u001b[1G\u001b[0J`);
      drawn = undefined;
      schedule();
    },
  };
}
