import type { Sink } from "../project/context.ts";
import { rounded } from "../util/json-line.ts";
import type { SendSummaryLine, SentReport } from "./lines.ts";

/** The result of one request. */
export interface SendOutcome {
  readonly ok: boolean;
  /** Outcomes are counted by this: the status, or the error's code. */
  readonly kind: string;
  readonly sent: SentReport;
  /** The rule by which the answer came too late for its sender. */
  readonly late?: string;
  /** It was accepted, although it has a flaw. */
  readonly accepted?: boolean;
}

/** Results of all deliveries of one event. */
export interface SentCount {
  /** Such as `crm.Leads.create`. */
  readonly name: string;
  readonly sent: number;
  readonly failed: number;
  /** The first one that failed. */
  readonly failure: SentReport | undefined;
}

const MAX_EXAMPLES = 5;

/** Counts outcomes, in memory that does not grow with them. */
export class Tally {
  ok = 0;
  failed = 0;
  /** Aborted by Ctrl-C before an answer came. */
  cutOff = 0;
  /** Late answers, by the rule of their sender. */
  readonly late = new Map<string, number>();
  /** The first failure of each kind. */
  readonly examples = new Map<string, SentReport>();
  readonly notes = new Set<string>();
  /** Accepted although they have a flaw. */
  accepted = 0;
  readonly #events = new Map<string, SentCount>();
  readonly #statuses = new Map<string, number>();
  readonly #latencies = latencies();
  readonly #startedAt = performance.now();

  get count(): number {
    return this.ok + this.failed;
  }

  /** Counts an outcome, and returns its report. A person needs each hint once; scripts read each line by itself. */
  add({ ok, kind, sent, accepted, late }: SendOutcome, { json }: Pick<Sink, "json">): SentReport {
    const report = this.examples.has(kind) && !json ? { ...sent, hint: null } : sent;
    for (const note of sent.notes) this.notes.add(note);
    if (kind === "interrupted") {
      this.cutOff++;
      return report;
    }
    if (ok) this.ok++;
    else this.failed++;
    if (!ok && this.examples.size < MAX_EXAMPLES && !this.examples.has(kind)) this.examples.set(kind, sent);
    if (accepted) this.accepted++;
    this.#count(sent, ok);
    if (late !== undefined) this.late.set(late, (this.late.get(late) ?? 0) + 1);
    this.#statuses.set(kind, (this.#statuses.get(kind) ?? 0) + 1);
    // A refused connection is not an answer.
    if (sent.status !== null) this.#latencies.add(sent.latency_ms);
    return report;
  }

  #count(report: SentReport, ok: boolean): void {
    const name = [report.product, report.event].filter((each) => each !== null).join(".") || "own body";
    const { sent, failed, failure } = this.#events.get(name) ?? { sent: 0, failed: 0, failure: undefined };
    const count = {
      name,
      sent: sent + 1,
      failed: failed + (ok ? 0 : 1),
      failure: failure ?? (ok ? undefined : report),
    };
    this.#events.set(name, count);
  }

  byEvent(): readonly SentCount[] {
    return [...this.#events.values()];
  }

  summary(): SendSummaryLine {
    const { percentile, max } = this.#latencies;
    return {
      type: "send_summary",
      count: this.count,
      ok: this.ok,
      failed: this.failed,
      seconds: (performance.now() - this.#startedAt) / 1000,
      statuses: Object.fromEntries(this.#statuses),
      latency_ms: {
        p50: rounded(percentile(0.5)),
        p95: rounded(percentile(0.95)),
        p99: rounded(percentile(0.99)),
        max: rounded(max()),
      },
    };
  }
}

/** Ratio of the widths of neighbouring buckets. */
const GROWTH = 1.01;
const SMALLEST_MS = 0.01;
/** Up to more than an hour. */
const BUCKETS = 2000;

/** Percentiles of any number of durations, in constant memory. */
export function latencies() {
  const counts = new Uint32Array(BUCKETS);
  let total = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  return {
    add(ms: number): void {
      const bucket = Math.ceil(Math.log(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) / Math.log(GROWTH));
      const at = Math.min(bucket, BUCKETS - 1);
      counts[at] = (counts[at] ?? 0) + 1;
      total++;
      min = Math.min(min, ms);
      max = Math.max(max, ms);
    },
    /** The duration below which this share (0 to 1) lies, to about 1 %; 0 when nothing was added. */
    percentile(share: number): number {
      if (total === 0) return 0;
      let left = Math.max(1, Math.ceil(share * total));
      const at = counts.findIndex((count) => {
        left -= count;
        return left <= 0;
      });
      return Math.min(max, Math.max(min, SMALLEST_MS * GROWTH ** at));
    },
    max: () => max,
  };
}
