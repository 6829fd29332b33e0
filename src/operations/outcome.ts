/** The result of an operation. */
export interface Outcome {
  readonly ok: boolean;
  /** The lines that its command prints with `--json`. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** What it tells a person, such as that a filter matches nothing. */
  readonly notes: readonly string[];
}
