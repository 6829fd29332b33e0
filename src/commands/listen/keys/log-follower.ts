import type { Plan } from "../../../listener/plan.ts";
import type { Log } from "../../../log/log.ts";
import { rowOf } from "../../../log/row-of.ts";
import type { RecentEvents } from "./recent-events.ts";

/** Follows what other processes do to the log as well, such as a replay of the inspector. */
export class LogFollower {
  readonly #log: Log;
  readonly #routes: Plan["routes"];
  readonly #recent: RecentEvents;
  #waiting = 0;
  #hasChanged = true;
  #isFollowing = false;
  /** The id of the last attempt in the log that has been taken in. */
  #attemptId: number | undefined;

  constructor(log: Log, routes: Plan["routes"], recent: RecentEvents) {
    this.#log = log;
    this.#routes = routes;
    this.#recent = recent;
  }

  /** The deliveries that wait for the targets of this run, when the log was last read. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Has the next `follow` count again what waits. */
  noteChange(): void {
    this.#hasChanged = true;
  }

  /** Reads the changes since the previous call, unless a read is running. Attempts before the first call are ignored. */
  async follow(): Promise<void> {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    try {
      await this.#followAttempts();
      await this.#countWaiting();
    } catch {
      // The log's own part reports it.
    }
    this.#isFollowing = false;
  }

  /** Takes failures that a replay has delivered off the list of those that failed. */
  async #followAttempts(): Promise<void> {
    const { lastAttempt: last } = await this.#log.ends();
    let id = this.#attemptId ?? last;
    this.#attemptId = last;
    if (id === last) return;
    this.#hasChanged = true;
    const replayed = new Set<number>();
    while (id < last && this.#recent.failed > 0) {
      const attempts = await this.#log.attemptsAfter(id);
      for (const { n, replay } of attempts) if (replay !== undefined && this.#recent.hasFailed(n)) replayed.add(n);
      id = attempts.at(-1)?.id ?? last;
    }
    for (const n of replayed) if ((await rowOf(this.#log, n))?.state !== "failed") this.#recent.resolve(n);
  }

  async #countWaiting(): Promise<void> {
    if (this.#routes.empty || !this.#hasChanged) return;
    this.#hasChanged = false;
    const counts = await this.#log.queue.waiting();
    this.#waiting = counts.reduce((sum, each) => (this.#routes.has(each.target) ? sum + each.waiting : sum), 0);
  }
}
