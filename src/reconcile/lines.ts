import type { MissedRecord } from "../channels/missed.ts";
import type { Time } from "../util/json-line.ts";

/** A change that the log does not have. */
export type MissedChange = Omit<MissedRecord, "resume">;

/** A change and what became of it: `n` is its number in the log. */
export interface ReconciledChange extends MissedChange {
  readonly state: MissedLine["state"];
  readonly n: number | undefined;
}

/** A change that Zoho made and the log does not have. @printedBy reconcile */
export interface MissedLine {
  readonly type: "missed";
  /** `perhaps`: of a channel with `--fields`; `delivered`: it is in the log now. */
  readonly state: "missed" | "perhaps" | "delivered";
  readonly product: string;
  readonly module: string;
  /** Id of the record. */
  readonly id: string;
  readonly operation: "insert" | "update" | "delete";
  readonly at: Time;
  /** Its number in the log. */
  readonly n: number | null;
}

/** The last line. @printedBy reconcile */
export interface ReconcileLine {
  readonly type: "reconcile";
  readonly product: string;
  /** Changes from then on were compared. */
  readonly since: Time;
  readonly modules: readonly string[];
  /** How many `missed` lines have this state. */
  readonly missed: number;
  /** How many `missed` lines have this state. */
  readonly perhaps: number;
  /** How many `missed` lines have this state. */
  readonly delivered: number;
  /** Credits of Zoho's API that the lists took. */
  readonly credits: number;
}

export interface ReconcileReport extends ReconcileLine {
  readonly person: {
    /** Those of the lines before it, which a person sees as tables. */
    readonly changes: readonly MissedLine[];
    /** How to have the missed ones delivered. */
    readonly deliverCommand: string;
  };
}
