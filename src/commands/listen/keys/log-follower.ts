import type { Plan } from "../../../listener/plan.ts";
import type { Log } from "../../../log/log.ts";
import { rowOf } from "../../../log/row-of.ts";
import type { RecentEvents } from "./recent-events.ts";

/** Follows what other processes do to the log as well, such as a replay of the inspector. */
export class LogFollower {
  /** The deliveries that wait for the targets of this run, when the log was last read. */
  waiting = 0;
  readonly #log: Log;
  readonly #routes: Plan["routes"];
  #newest = -1;
  #attempt: number | undefined;
  #isReading = false;

  constructor(log: Log, routes: Plan["routes"]) {
    this.#log = log;
    this.#routes = routes;
  }

  /** Reads the changes since the previous call, unless a read is running. Attempts before the first call are ignored. */
  async follow(recent: RecentEvents): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    // The log's own part reports a failure.
    await this.#read(recent).catch(() => {});
    this.#isReading = false;
  }

  async #read(recent: RecentEvents): Promise<void> {
    const { newest, lastAttempt } = await this.#log.ends();
    let id = this.#attempt ?? lastAttempt;
    if (this.#attempt === lastAttempt && this.#newest === newest) return;
    this.#attempt = lastAttempt;
    this.#newest = newest;
    // Takes failures that a replay has delivered off the list of those that failed.
    while (id < lastAttempt && recent.failed > 0) {
      const attempts = await this.#log.attemptsAfter(id);
      for (const { n, replay } of attempts)
        if (replay !== undefined && recent.hasFailed(n) && (await rowOf(this.#log, n))?.state !== "failed")
          recent.resolve(n);
      id = attempts.at(-1)?.id ?? lastAttempt;
    }
    if (this.#routes.empty) return;
    const counts = await this.#log.queue.waiting();
    this.waiting = counts.reduce((sum, each) => (this.#routes.has(each.target) ? sum + each.waiting : sum), 0);
  }
}
