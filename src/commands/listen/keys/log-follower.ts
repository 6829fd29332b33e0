import { changes } from "../../../history/changes.ts";
import type { Plan } from "../../../listener/plan.ts";
import type { FollowedAttempt, Log, LogEnds, LogFilter } from "../../../log/log.ts";
import { rowOf } from "../../../log/row-of.ts";
import { sleepRealTime } from "../../../util/timing.ts";
import type { RecentEvents } from "./recent-events.ts";

/** The run reports its deliveries itself: they are not read. */
const NO_DELIVERY: LogFilter = { before: 1 };
const RETRY_MS = 1000;

/** Follows what other processes do to the log as well, such as a replay of the inspector. */
export class LogFollower {
  /** The deliveries that wait for the targets of this run, when the log was last read. */
  waiting = 0;
  readonly #log: Log;
  readonly #routes: Plan["routes"];
  readonly #recent: RecentEvents;

  constructor(log: Log, routes: Plan["routes"], recent: RecentEvents) {
    this.#log = log;
    this.#routes = routes;
    this.#recent = recent;
  }

  /** Takes in what happens from now on, until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    let position: LogEnds | undefined;
    while (!signal.aborted) {
      try {
        position ??= await this.#log.ends();
        await this.#countWaiting();
        for await (const change of changes(this.#log, { from: position, filter: NO_DELIVERY, signal })) {
          position = change.position;
          await this.#resolveReplayed(change.attempts);
          await this.#countWaiting();
        }
      } catch {
        // The log's own part reports it.
        await sleepRealTime(RETRY_MS, signal);
      }
    }
  }

  async #countWaiting(): Promise<void> {
    if (this.#routes.empty) return;
    const counts = await this.#log.queue.waiting();
    this.waiting = counts.reduce((sum, each) => (this.#routes.has(each.target) ? sum + each.waiting : sum), 0);
  }

  /** Takes failures that a replay has delivered off the list of those that failed. */
  async #resolveReplayed(attempts: readonly FollowedAttempt[]): Promise<void> {
    const replayed = attempts.filter(({ n, replay }) => replay !== undefined && this.#recent.hasFailed(n));
    for (const n of new Set(replayed.map((each) => each.n)))
      if ((await rowOf(this.#log, n))?.state !== "failed") this.#recent.resolve(n);
  }
}
