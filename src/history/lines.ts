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
