import type { EventDrift } from "./traffic.ts";

/** In what the traffic and the schemas differ, by event. */
export interface DriftReport {
  readonly type: "drift";
  readonly drifts: readonly EventDrift[];
  /** A few of each kind only, and where to find the rest: there is more to read at the end of a run. */
  readonly brief: boolean;
  /** How many deliveries were of more events than are compared in one run. */
  readonly overlooked: number;
  /** The command that shows it whole; undefined where there is no log to read it from. */
  readonly moreCommand: string | undefined;
}
