import type { MissedRecord } from "../channels/missed.ts";

/** A change that the log does not have. */
export type MissedChange = Omit<MissedRecord, "resume">;

/** `perhaps`: of a channel that is limited to some fields. `delivered`: it is in the log now, under the number `n`. */
export interface ReconciledChange extends MissedChange {
  readonly state: "missed" | "perhaps" | "delivered";
  readonly n: number | undefined;
}

/** What Zoho changed and the log does not have. */
export interface ReconcileReport {
  readonly type: "reconcile";
  readonly product: string;
  /** Changes from then on were compared. */
  readonly since: Date;
  readonly modules: readonly string[];
  readonly changes: readonly ReconciledChange[];
  /** API credits that the lists took, by Zoho's documentation. */
  readonly credits: number;
  /** For people: how to have the missed ones delivered. */
  readonly deliverCommand: string;
}
