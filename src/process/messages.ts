/** The least that every line has. */
interface AnyLine {
  readonly type: string;
}

/** A report is its line of `--json`, without `v`. What only a person sees is in `person`, which JSON leaves out. */
export interface AnyReport {
  readonly type: string;
  readonly person?: object;
}

/** What anything can report. Beside these, subjects have reports of their own. */
export type Message = NoticeReport | WarningReport | DecisionsReport | TextReport | TableReport;

/** The progress of a long task, shown on a terminal only. */
export interface Progress {
  advance(done: number, failed: number): void;
  /** Removes the bar. */
  end(): void;
}

export const noProgress: Progress = { advance() {}, end() {} };

/** A line of information on stderr; hidden by `--quiet`. */
export interface NoticeReport {
  readonly type: "notice";
  readonly message: string;
  /** It is about the event above it. */
  readonly below?: true;
}

/** Lists what a question about trust is for; on stderr, also with `--quiet`. */
export interface DecisionsReport {
  readonly type: "decisions";
  readonly message: string;
  readonly decisions: readonly { readonly label: string; readonly value: string; readonly file: string }[];
}

export interface WarningReport {
  readonly type: "warning";
  readonly message: string;
  readonly hint?: string;
}

export function isWarning(report: AnyReport): report is WarningReport {
  return report.type === "warning";
}

/** Requested data, written to stdout as it is: a fixture, a path, a completion script. */
export interface TextReport {
  readonly type: "text";
  readonly text: string;
  /** A sentence, which is wrapped at a terminal. */
  readonly prose?: boolean;
  /** The JSON line; without it `{"type":"text","text":…}`. */
  readonly json?: AnyLine;
}

/** Rows for a person, objects for a script. */
export interface TableReport {
  readonly type: "table";
  readonly title?: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** One JSON line per row. */
  readonly json: readonly AnyLine[];
  readonly footer?: string;
}

/** Something that needs attention. @printedBy every command */
export interface WarningLine {
  readonly type: "warning";
  readonly message: string;
  readonly hint: string | null;
}

/** A text: a sample of code, a page. @printedBy help, skill, types */
export interface TextLine {
  readonly type: "text";
  readonly text: string;
}
