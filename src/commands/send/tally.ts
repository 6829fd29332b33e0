import { latencies } from "../../core/latency.ts";
import type { SendSummaryReport, SentReport } from "../../core/send-report.ts";
import type { Outcome } from "./outcome.ts";

const MOST_EXAMPLES = 5;

/** What any number of outcomes come to, in memory that does not grow with them. */
export class Tally {
  ok = 0;
  failed = 0;
  /** Given up on Ctrl-C without an answer. */
  cutOff = 0;
  /** Answers that took longer than their sender waits, by what is known of that. */
  readonly late = new Map<string, number>();
  /** The first failure of each kind. */
  readonly examples = new Map<string, SentReport>();
  readonly notes = new Set<string>();
  readonly accepted = new Set<string>();
  readonly #statuses = new Map<string, number>();
  readonly #latencies = latencies();
  readonly #startedAt = performance.now();

  get count(): number {
    return this.ok + this.failed;
  }

  add({ ok, kind, sent, accepted, late }: Outcome): void {
    for (const note of sent.notes) this.notes.add(note);
    if (kind === "interrupted") {
      this.cutOff++;
      return;
    }
    if (ok) this.ok++;
    else this.failed++;
    if (!ok && this.examples.size < MOST_EXAMPLES && !this.examples.has(kind)) this.examples.set(kind, sent);
    if (accepted !== undefined) this.accepted.add(accepted);
    if (late !== undefined) this.late.set(late, (this.late.get(late) ?? 0) + 1);
    this.#statuses.set(kind, (this.#statuses.get(kind) ?? 0) + 1);
    // How soon a connection is refused says nothing of how fast the app answers.
    if (sent.status !== undefined) this.#latencies.add(sent.latencyMs);
  }

  summary(): SendSummaryReport {
    const at = (share: number): number => this.#latencies.percentile(share);
    return {
      type: "send-summary",
      count: this.count,
      ok: this.ok,
      failed: this.failed,
      seconds: (performance.now() - this.#startedAt) / 1000,
      latency: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: this.#latencies.max },
      statuses: Object.fromEntries(this.#statuses),
    };
  }
}
