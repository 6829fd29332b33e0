import type { EventDrift } from "./traffic.ts";

/** The differences between traffic and schemas, by event. */
export interface DriftReport {
  readonly type: "drift";
  readonly drifts: readonly EventDrift[];
  /** At the end of a run: a few of each kind, and the command that shows the rest. */
  readonly brief: boolean;
  /** Deliveries that were not compared, since there were more events than one run compares. */
  readonly overlooked: number;
  /** Shows all of it; undefined where there is no log to read. */
  readonly moreCommand: string | undefined;
}

declare module "../process/messages.ts" {
  interface Reports {
    drift: DriftReport;
  }
}
