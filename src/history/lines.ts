import type { LoggedMembers, Signature } from "../receiver/event-line.ts";
import type { Time } from "../util/json-line.ts";
/** The differences between the deliveries of an event and its schema. @printedBy listen, events */
export interface DriftLine {
  readonly type: "drift";
  readonly product: string;
  readonly format: string;
  readonly event: string;
  /** How many were compared. */
  readonly deliveries: number;
  /** There were too many fields to compare all. */
  readonly partial: boolean;
  /** Fields that the schema does not have. */
  readonly unknown: readonly UnknownField[];
  /** Optional fields that never came. */
  readonly unseen: readonly UnseenField[];
  /** Fields of another type, and missing required ones, which are `seen` as `nothing`. */
  readonly conflicts: readonly FieldConflict[];
}

/** Shows a person the `drift` lines of a run. JSON has these alone. */
export interface DriftsReport {
  readonly type: "drifts";
  readonly person: {
    readonly drifts: readonly DriftLine[];
    /** At the end of a run: a few of each kind, and the command that shows the rest. */
    readonly brief: boolean;
    /** Deliveries that were not compared, since there were more events than one run compares. */
    readonly overlooked: number;
    /** Shows all of it; undefined where there is no log to read. */
    readonly moreCommand: string | undefined;
  };
}

interface UnknownField {
  readonly path: string;
  readonly types: readonly ("object" | "array" | "string" | "number" | "boolean" | "null")[];
  readonly count: number;
}

interface UnseenField {
  readonly path: string;
  readonly expected: string;
}

interface FieldConflict {
  readonly path: string;
  readonly expected: string;
  readonly seen: string;
  readonly count: number;
}

/** A place where the payloads of two deliveries differ. @printedBy events diff */
export interface DifferenceLine {
  readonly type: "difference";
  readonly path: string;
  readonly change: "added" | "removed" | "changed";
  /** The value as JSON, as it was written. */
  readonly before: string | null;
  /** The value as JSON, as it was written. */
  readonly after: string | null;
}

/** The command that posts a delivery to the local receiver again. @printedBy events show --curl */
export interface CurlLine {
  readonly type: "curl";
  readonly n: number;
  readonly command: string;
}

/** Deliveries were removed from the log. @printedBy events prune */
export interface PrunedLine {
  readonly type: "pruned";
  /** How many. */
  readonly removed: number;
  /** Size of the log now. */
  readonly bytes: number;
  readonly keep_ms: number;
  readonly max_bytes: number;
  /** Number of the oldest that is left. */
  readonly oldest: number | null;
  /** How many wait for your app, which are never removed. */
  readonly waiting: number;
}

/** A delivery in short. Only MCP and the page of the inspector ask for it, without `type`. */
export interface DeliveryRow {
  readonly type: "table";
  readonly n: number;
  readonly at: Time;
  readonly product: string | null;
  readonly event: string | null;
  /** Method and URL of what has no event. */
  readonly request?: string;
  readonly sender: Signature["result"];
  readonly schema_ok: boolean | null;
  readonly status: number | null;
  readonly refusal?: string;
  readonly state: LoggedMembers["state"];
  readonly bytes: number;
  readonly duplicate_of?: number;
  /** The last answer of the app; null if none came. */
  readonly app_status?: number | null;
}
