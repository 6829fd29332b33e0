import type { Output } from "../../../process/output.ts";
import { textWidth } from "../../../util/text.ts";

const MIN_REDRAW_MS = 100;

/** For what changes by itself: the channel's time left, the deliveries that wait. */
const TICK_MS = 1000;

/** To the beginning of the line, and erase it. */
const ERASE_LINE = "\u001b[1G\u001b[0K";

interface BottomLineOptions {
  textOf(columns: number): string;
  paint(text: string): string;
  /** Called once a second while the line is open. */
  onTick(): void;
}

/**
 * The last line of a terminal, below an ordinary stream of text: erased before something is written, and drawn again at most
 * ten times a second, so that a burst of events pays for one erasure.
 */
export class BottomLine {
  readonly #output: Output;
  readonly #options: BottomLineOptions;
  /** The text on the screen. */
  #drawn: string | undefined;
  #isOpen = false;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #ticker: NodeJS.Timeout | undefined;

  constructor(output: Output, options: BottomLineOptions) {
    this.#output = output;
    this.#options = options;
  }

  open(): void {
    this.#isOpen = true;
    this.#drawn = undefined;
    clearInterval(this.#ticker);
    this.#ticker = setInterval(() => {
      this.#options.onTick();
      this.schedule();
    }, TICK_MS);
    this.schedule();
  }

  close(): void {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    clearInterval(this.#ticker);
    this.#timer = undefined;
    this.erase();
  }

  /** Draws it soon, with what is true then. */
  schedule(): void {
    if (!this.#isOpen || this.#timer !== undefined) return;
    const pause = Math.max(0, MIN_REDRAW_MS - (performance.now() - this.#drawnAt));
    this.#timer = setTimeout(() => this.#draw(), pause);
  }

  /** Before something else is written. */
  erase(): void {
    if (this.#drawn === undefined) return;
    this.#output.write(ERASE_LINE);
    this.#drawn = undefined;
  }

  /** Most terminals break a line that has become too long into several. */
  onResized(): void {
    if (this.#drawn === undefined) return;
    const above = Math.ceil(textWidth(this.#drawn) / (this.#output.columns || 80)) - 1;
    this.#output.write(`${above > 0 ? `\u001b[${above}A` : ""}\u001b[1G\u001b[0J`);
    this.#drawn = undefined;
    this.schedule();
  }

  #draw(): void {
    this.#timer = undefined;
    if (!this.#isOpen) return;
    this.#drawnAt = performance.now();
    // A terminal that takes nothing at the moment gets the line later.
    if (this.#output.backlog() > 0) {
      this.schedule();
      return;
    }
    const text = this.#options.textOf(this.#output.columns || 80);
    if (text === this.#drawn) return;
    this.#output.write(`${this.#drawn === undefined ? "" : ERASE_LINE}${this.#options.paint(text)}`);
    this.#drawn = text;
  }
}
