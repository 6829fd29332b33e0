import type { Registered } from "../../../channels/lines.ts";
import { cut, plain, textWidth } from "../../../util/text.ts";
import { formatSpan } from "../../../util/units.ts";
import type { RecentEvent } from "./recent-events.ts";

/** The facts for the line at the bottom of the terminal. */
export interface Status {
  /** The command that is running, such as `replaying #12`. */
  readonly busy: string | undefined;
  readonly selected: RecentEvent | undefined;
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
  readonly registered: readonly Pick<Registered, "kind" | "time_left_ms" | "isLost">[];
}

const SEPARATOR = " · ";

/** One line that is narrower than the terminal, so that it can be redrawn. Pieces are left out, the least important first. */
export function statusLine(status: Status, columns: number): string {
  const width = Math.max(1, columns - 1);
  const { selected, paused, registered } = status;
  const lost = registered.find(({ isLost }) => isLost);
  const timesLeft = registered.flatMap(({ time_left_ms: timeLeftMs }) => timeLeftMs ?? []);
  const number = selected && `#${selected.n}${selected.failed ? " ✗" : ""}`;
  // In the order in which they are shown; the highest rank is left out first.
  const pieces: readonly (readonly [rank: number, text: string | false | undefined])[] = [
    [0, paused !== undefined && `paused, ${paused} new`],
    [1, status.busy && plain(status.busy)],
    [1, number],
    [5, selected && plain(selected.name)],
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
