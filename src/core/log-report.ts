import type { EventReport } from "./report.ts";

/** What the log knows of an event beside the event itself. */
export interface KeptFacts {
  /** What it has come to. */
  readonly state: "received" | "waiting" | "processed" | "failed" | "duplicate" | "rejected";
  /** The address that it came from. */
  readonly remote: string | undefined;
  /** Secrets in it are replaced, so path, headers and body are not exactly what came. */
  readonly masked: boolean;
  /** The length of the body that came. */
  readonly bytes: number;
  readonly attempts: readonly AttemptFacts[];
  readonly forwards: readonly ForwardFacts[];
  /** It came in this moment: what becomes of it is told by reports of its own. */
  readonly fresh: boolean;
  /** The day, where it is another than that of the line before. */
  readonly heading: string | undefined;
}

export interface AttemptFacts {
  /** Counts from 1 for each target. */
  readonly attempt: number;
  readonly target: string;
  readonly at: Date;
  readonly status: number | undefined;
  readonly latencyMs: number;
  /** Why no whole answer came. */
  readonly error: string | undefined;
  /** The start of the answer. */
  readonly reply: string | undefined;
}

export interface ForwardFacts {
  readonly target: string;
  readonly state: "waiting" | "delivered" | "failed";
  readonly attempts: number;
  /** When it is tried next. */
  readonly dueAt: Date | undefined;
}

/** All that is known of one delivery. */
export interface EntryReport {
  readonly type: "entry";
  readonly event: EventReport & { readonly kept: KeptFacts };
}

export interface KeptCounts {
  readonly received: number;
  readonly waiting: number;
  readonly processed: number;
  readonly failed: number;
  readonly duplicates: number;
  readonly rejected: number;
}

export interface LogStatsReport {
  readonly type: "log-stats";
  readonly total: KeptCounts;
  readonly products: Readonly<Record<string, KeptCounts>>;
  /** Hours with deliveries, oldest first. */
  readonly hours: readonly { readonly at: Date; readonly product: string; readonly counts: KeptCounts }[];
  /** How long the target took to answer, in milliseconds; undefined when it never did. */
  readonly latencyMs:
    | {
        readonly count: number;
        readonly p50: number;
        readonly p95: number;
        readonly p99: number;
        readonly max: number;
      }
    | undefined;
}
