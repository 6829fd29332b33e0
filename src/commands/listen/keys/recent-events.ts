import { maskUrl, secretFieldNames } from "../../../delivery/mask.ts";
import { isDelivered } from "../../../forward/post-failure.ts";
import type { LoggedEvent } from "../../../history/entry.ts";
import type { EventReport } from "../../../receiver/event-report.ts";
import type { Report } from "../../../reports/report.ts";

/** An event that can be chosen. */
export interface RecentEvent {
  readonly n: number;
  readonly name: string;
  /** Failed or rejected. */
  failed: boolean;
}

/** An event of the log. */
export function recentEvent(event: LoggedEvent): RecentEvent {
  const { state } = event.logged;
  return { n: event.n, name: nameOf(event), failed: state === "failed" || state === "rejected" };
}

/** At least; older ones are found by a search. */
const MAX_EVENTS = 2000;

/** The events of the run, without their bodies, and which of them is chosen. */
export class RecentEvents {
  received = 0;
  rejected = 0;
  /** Because of `--events`. */
  hidden = 0;
  failedOnly = false;
  /** In the order of their numbers. */
  #events: RecentEvent[] = [];
  #newest: RecentEvent | undefined;
  #newestFailed: RecentEvent | undefined;
  /** The numbers of the run's deliveries that have failed. */
  readonly #failed = new Set<number>();
  /** Undefined: the newest, whichever that is. */
  #fixed: RecentEvent | undefined;

  /** Takes in what is reported of the stream. */
  note(report: Report): void {
    if (report.type === "event") this.#add(report);
    else if (report.type === "forward" && report.state !== "retry" && !isDelivered(report)) this.#fail(report.n);
  }

  get failed(): number {
    return this.#failed.size;
  }

  hasFailed(n: number): boolean {
    return this.#failed.has(n);
  }

  /** A replay has delivered it. */
  resolve(n: number): void {
    this.#failed.delete(n);
    const event = this.#find(n);
    if (event === undefined) return;
    event.failed = false;
    if (this.#newestFailed === event) this.#newestFailed = this.#events.findLast(({ failed }) => failed);
    if (this.failedOnly && this.#fixed === event) this.#fixed = undefined;
  }

  get chosen(): RecentEvent | undefined {
    if (this.#fixed !== undefined) return this.#fixed;
    return this.failedOnly ? this.#newestFailed : this.#newest;
  }

  /** -1 is the event before; after the last one the newest is chosen again. */
  move(step: -1 | 1): void {
    const events = this.#choosable();
    const { chosen } = this;
    if (chosen === undefined) return;
    const next =
      step === -1
        ? (events.findLast(({ n }) => n < chosen.n) ?? chosen)
        : (events.find(({ n }) => n > chosen.n) ?? events.at(-1));
    this.#fixed = next === events.at(-1) ? undefined : next;
  }

  showFailedOnly(failedOnly: boolean): void {
    this.failedOnly = failedOnly;
    if (failedOnly && this.#fixed?.failed === false) this.#fixed = undefined;
  }

  /** Chooses an event of the log, and keeps the others that were found with it. */
  choose(chosen: RecentEvent, found: readonly RecentEvent[] = [chosen]): void {
    this.#events.push(...found.filter(({ n }) => this.#find(n) === undefined));
    this.#events.sort((a, b) => a.n - b.n);
    this.#fixed = this.#find(chosen.n);
  }

  #choosable(): readonly RecentEvent[] {
    return this.failedOnly ? this.#events.filter(({ failed }) => failed) : this.#events;
  }

  #find(n: number): RecentEvent | undefined {
    const [oldest] = this.#events;
    return oldest === undefined || n < oldest.n ? undefined : this.#events.findLast((each) => each.n === n);
  }

  #add(report: EventReport): void {
    this.received++;
    const failed = isRejected(report);
    if (failed) this.rejected++;
    if (!report.shown) this.hidden++;
    // One that could not be recorded has no number, and one that is filtered out is not shown.
    if (report.n === 0 || !report.shown) return;
    const event = { n: report.n, name: nameOf(report), failed };
    this.#events.push(event);
    this.#newest = event;
    if (failed) this.#newestFailed = event;
    // Rarely, since it copies them all.
    if (this.#events.length >= 2 * MAX_EVENTS) this.#events = this.#events.slice(-MAX_EVENTS);
  }

  #fail(n: number): void {
    this.#failed.add(n);
    const event = this.#find(n);
    if (event === undefined) return;
    event.failed = true;
    if (this.#newestFailed === undefined || this.#newestFailed.n < n) this.#newestFailed = event;
  }
}

function nameOf({ receipt, method, path }: Pick<EventReport, "receipt" | "method" | "path">): string {
  const { product = "?", event, verdicts } = receipt;
  return event === undefined ? `${method} ${maskUrl(path, secretFieldNames(verdicts))}` : `${product} ${event}`;
}

function isRejected({ refusal }: EventReport): boolean {
  return refusal !== undefined;
}

/** Whether a report is left out of the output when only what failed or was rejected is shown. */
export function hasNoFailure(report: Report): boolean {
  if (report.type === "event") return !isRejected(report);
  return report.type === "forward" && (report.state === "retry" || isDelivered(report));
}
