import { maskUrl, secretFieldNames } from "../../../delivery/mask.ts";
import { isDelivered } from "../../../forward/post-failure.ts";
import type { ReceivedEvent } from "../../../receiver/event-report.ts";
import type { Report } from "../../../reports/text.ts";

/** An event that can be selected. */
export interface RecentEvent {
  readonly n: number;
  readonly name: string;
  /** Failed or rejected. */
  failed: boolean;
}

/** At least; the page has older ones. */
const MAX_EVENTS = 2000;

/** The events of the run, without their bodies, and which of them is selected. */
export class RecentEvents {
  received = 0;
  rejected = 0;
  /** Because of `--events`. */
  hidden = 0;
  /** In the order of their numbers. */
  #events: RecentEvent[] = [];
  /** The numbers of the run's deliveries that have failed. */
  readonly #failed = new Set<number>();
  /** Undefined: the newest, whichever that is. */
  #fixed: RecentEvent | undefined;

  /** Takes in what is reported of the stream. */
  note(report: Report): void {
    if (report.type === "event") this.#add(report.person.event);
    else if (report.type === "forward" && report.state !== "retry" && !isDelivered(report)) {
      this.#failed.add(report.n);
      this.#mark(report.n, true);
    }
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
    this.#mark(n, false);
  }

  get selected(): RecentEvent | undefined {
    return this.#fixed ?? this.#events.at(-1);
  }

  /** -1 is the event before; after the last one the newest is selected again. */
  move(step: -1 | 1): void {
    const { selected } = this;
    if (selected === undefined) return;
    const next =
      step === -1
        ? (this.#events.findLast(({ n }) => n < selected.n) ?? selected)
        : this.#events.find(({ n }) => n > selected.n);
    this.#fixed = next === this.#events.at(-1) ? undefined : next;
  }

  #mark(n: number, failed: boolean): void {
    const event = this.#events.findLast((each) => each.n === n);
    if (event !== undefined) event.failed = failed;
  }

  #add(report: ReceivedEvent): void {
    const failed = report.refusal !== undefined;
    this.received++;
    if (failed) this.rejected++;
    if (!report.shown) this.hidden++;
    // One that could not be recorded has no number, and one that is filtered out is not shown.
    if (report.n === 0 || !report.shown) return;
    this.#events.push({ n: report.n, name: nameOf(report), failed });
    // Rarely, since it copies them all.
    if (this.#events.length >= 2 * MAX_EVENTS) this.#events = this.#events.slice(-MAX_EVENTS);
  }
}

function nameOf({ receipt, method, path }: ReceivedEvent): string {
  const { product = "?", event, verdicts } = receipt;
  return event === undefined ? `${method} ${maskUrl(path, secretFieldNames(verdicts))}` : `${product} ${event}`;
}
