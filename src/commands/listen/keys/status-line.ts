import type { Registered } from "../../../channels/reports.ts";
import type { Output } from "../../../process/output.ts";
import { cut, plain, textWidth } from "../../../util/text.ts";
import { formatSpan } from "../../../util/units.ts";
import type { RecentEvent } from "./recent-events.ts";

/** The facts for the line at the bottom of the terminal. */
export interface Status {
  /** Prompt and input, such as `search: jane`. Replaces the status while it is set. */
  readonly typed: string | undefined;
  /** The command that is running, such as `replaying #12`. */
  readonly busy: string | undefined;
  readonly chosen: RecentEvent | undefined;
  readonly marked: number | undefined;
  readonly failedOnly: boolean;
  /** Reports that wait while the output is paused; undefined while it is not. */
  readonly paused: number | undefined;
  readonly url: string;
  readonly received: number;
  readonly failed: number;
  readonly rejected: number;
  /** Because of `--events`. */
  readonly hidden: number;
  /** Deliveries that wait for the app. */
  readonly waiting: number;
  /** Undefined until something is known of it. */
  readonly app: "up" | "down" | undefined;
  /** The channels and webhooks of this run. */
  readonly registered: readonly Pick<Registered, "kind" | "timeLeftMs" | "isLost">[];
}

const SEPARATOR = " · ";

/** One line that is narrower than the terminal, so that it can be redrawn. Pieces are left out, the least important first. */
export function statusLine(status: Status, columns: number): string {
  const width = Math.max(1, columns - 1);
  const { typed, chosen, paused, marked, registered } = status;
  if (typed !== undefined) return lastColumns(plain(typed), width);
  const lost = registered.find(({ isLost }) => isLost);
  const timesLeft = registered.flatMap(({ timeLeftMs }) => timeLeftMs ?? []);
  const number = chosen && `#${chosen.n}${chosen.failed ? " ✗" : ""}`;
  // In the order in which they are shown; the highest rank is left out first.
  const pieces: readonly (readonly [rank: number, text: string | false | undefined])[] = [
    [0, paused !== undefined && `paused, ${paused} new`],
    [1, status.busy && plain(status.busy)],
    [1, number],
    [5, chosen && plain(chosen.name)],
    [2, marked !== undefined && `#${marked} marked`],
    [3, status.failedOnly && "failed and rejected only"],
    [8, plain(status.url)],
    [4, `${status.received} received`],
    [3, status.failed > 0 && `${status.failed} failed`],
    [3, status.rejected > 0 && `${status.rejected} rejected`],
    [6, status.hidden > 0 && `${status.hidden} hidden`],
    [3, status.waiting > 0 && `${status.waiting} waiting`],
    [4, status.app && `app ${status.app}`],
    [3, lost && `${lost.kind} lost`],
    [6, timesLeft.length > 0 && `channel ${formatSpan(Math.min(...timesLeft))} left`],
    [7, "? keys"],
  ];
  let shown = pieces.filter((piece): piece is [number, string] => typeof piece[1] === "string" && piece[1] !== "");
  const line = (): string => shown.map(([, text]) => text).join(SEPARATOR);
  for (let rank = 8; rank > 0 && textWidth(line()) > width; rank--) shown = shown.filter(([each]) => each !== rank);
  return cut(line(), width);
}

/** The end of a text, where the cursor is. */
function lastColumns(text: string, width: number): string {
  let shown = text;
  while (textWidth(shown) > width) shown = shown.slice(1);
  return shown;
}

const MIN_REDRAW_MS = 100;

/** For what changes by itself: the channel's time left, the deliveries that wait. */
const TICK_MS = 1000;

/** To the beginning of the line, and erase it. */
const ERASE_LINE = "\u001b[1G\u001b[0K";
const ONE_UP = "\u001b[1A";

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
  /** The line above is one that may be replaced. */
  let isReplaceable = false;
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
    isReplaceable = false;
    if (drawn === undefined) return;
    output.write(ERASE_LINE);
    drawn = undefined;
  };
  return {
    /** Before something else is written. */
    erase,
    /** Before a line that takes the place of the last one of its kind, if nothing has been written since. */
    eraseReplaceable(): void {
      const hasOne = isReplaceable;
      erase();
      if (hasOne) output.write(ONE_UP + ERASE_LINE);
      isReplaceable = true;
    },
    /** Draws it soon, with what is true then. */
    schedule,
    open(): void {
      isOpen = true;
      isReplaceable = false;
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
      isReplaceable = false;
      if (drawn === undefined) return;
      const above = Math.ceil(textWidth(drawn) / (output.columns || 80)) - 1;
      output.write(`${above > 0 ? `\u001b[${above}A` : ""}\u001b[1G\u001b[0J`);
      drawn = undefined;
      schedule();
    },
  };
}
