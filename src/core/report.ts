import type { ApiRequestReport, ChannelReport, RecordReport, RunningChannel, SignInReport } from "./channel-report.ts";
import type { HeaderPair } from "./delivery.ts";
import type { DriftReport } from "./drift-report.ts";
import type { ForwardReport, TargetReport, TunnelReport } from "./forward-report.ts";
import type { TextPosition } from "./json-text.ts";
import type { EntryReport, KeptFacts, LogStatsReport } from "./log-report.ts";
import type { Explanation, Proves, WebhookEvent } from "./product.ts";
import type { Receipt } from "./receive.ts";
import type { RequestReport, SendSummaryReport, SentReport } from "./send-report.ts";
import type { Outcome } from "./verify-payload.ts";
import type { WebhookReport } from "./webhook-report.ts";

/**
 * All that the tool can say. A command reports one of these; `ui/` turns it into text or into a JSON line,
 * and the compiler names the renderer that a new kind lacks.
 */
export type Report =
  | ReadyReport
  | EventReport
  | ForwardReport
  | TargetReport
  | TunnelReport
  | EntryReport
  | LogStatsReport
  | DriftReport
  | SummaryReport
  | SentReport
  | SendSummaryReport
  | RequestReport
  | VerifiedReport
  | ProductReport
  | ChannelReport
  | WebhookReport
  | RecordReport
  | SignInReport
  | ApiRequestReport
  | VerifySummaryReport
  | NoticeReport
  | WarningReport
  | TextReport
  | TableReport;

/** The receiver is up and confirmed. Said once a run, whatever happens later. */
export interface ReadyReport {
  readonly type: "ready";
  readonly url: string;
  readonly publicUrl: string | undefined;
  /** The webhook URL of each product. */
  readonly urls: Readonly<Record<string, string>>;
  /** The channel of this run, that posts here. */
  readonly channel: RunningChannel | undefined;
  /** Where the public halves of the local keys are served; undefined where they are not. */
  readonly keySetUrl: string | undefined;
  /** The command to try in a second terminal; undefined where nobody is to try it. */
  readonly tryCommand: string | undefined;
  /** What the receiver checks, and what it cannot for want of a secret. */
  readonly notes: readonly string[];
}

export interface EventReport {
  readonly type: "event";
  /** Counts from 1, in order of arrival; 0 for what could not be kept. */
  readonly n: number;
  readonly at: Date;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly HeaderPair[];
  readonly body: Buffer;
  readonly receipt: Receipt;
  readonly duplicateOf: number | undefined;
  /** The answer to the sender; undefined while the developer's app is still to give it (`--respond mirror`). */
  readonly status: number | undefined;
  /** Why the answer is not a plain yes. */
  readonly refusal: string | undefined;
  /** The command that says why a proof has failed. */
  readonly explainCommand?: string | undefined;
  /** False when a filter of the user's hides the line; it still counts. */
  readonly shown: boolean;
  /** Tokens and signatures are masked in what people see, unless they ask for them. */
  readonly showSecrets?: boolean | undefined;
  /** Set when the event is read from the log. */
  readonly kept?: KeptFacts;
}

export interface ProductCount {
  readonly received: number;
  readonly valid: number;
  readonly rejected: number;
  readonly duplicates: number;
}

export interface ForwardCounts {
  readonly delivered: number;
  readonly failed: number;
  /** Still in the log: the next `listen` goes on with them. Undefined where the log could not be asked at the end. */
  readonly waiting: number | undefined;
}

export interface SummaryReport {
  readonly type: "summary";
  readonly total: ProductCount;
  readonly products: Readonly<Record<string, ProductCount>>;
  readonly seconds: number;
  /** What became of what was forwarded; undefined when nothing was to be. */
  readonly forwards: ForwardCounts | undefined;
  /** How long the tunnel was down; undefined without one. */
  readonly tunnelDownMs: number | undefined;
  /** Lines about events that were not shown because the output was not read fast enough. */
  readonly leftOut: number;
  /** What `--expect` asked for beside what came. */
  readonly expectations: readonly { readonly event: string; readonly wanted: number; readonly came: number }[];
}

export interface VerifiedReport {
  readonly type: "verified";
  /** The file's name as the user wrote it; `-` for standard input. */
  readonly file: string;
  /** The line on which the payload begins, where the file holds several. */
  readonly line: number | undefined;
  readonly outcome: Outcome;
  readonly receipt: Receipt;
  readonly body: Buffer;
  /** How many it has, where secrets in `body` are masked, too. */
  readonly bytes: number;
  /** Where each schema issue stands in the file, in the order of the issues. */
  readonly positions: readonly (TextPosition | undefined)[];
  /** Where the file stops being what it says it is. */
  readonly problemPosition: TextPosition | undefined;
  readonly explanations: readonly { readonly proof: string; readonly explanation: Explanation }[];
  readonly showExpected: boolean;
  readonly notes: readonly string[];
}

/** Said when there were several payloads. */
export interface VerifySummaryReport {
  readonly type: "verify-summary";
  readonly count: number;
  readonly ok: number;
  readonly proofFailed: number;
  /** Their secrets were taken out, so that nothing can be proven of them. */
  readonly masked: number;
  /** Not an event of a known product, or not in the shape of one. */
  readonly invalid: number;
}

/** What is known of a product. */
export interface ProductReport {
  readonly type: "product";
  readonly id: string;
  readonly title: string;
  /** The default comes first. */
  readonly formats: readonly {
    readonly id: string;
    readonly source: string;
    readonly proofs: readonly {
      readonly id: string;
      readonly title: string;
      readonly proves: Proves;
      /** The environment variable that its secret is read from. */
      readonly variable: string | undefined;
    }[];
    /** What the sender is documented to want of an answer. */
    readonly answer: string | undefined;
    /** What it asks a URL before it saves a webhook. */
    readonly probe: string | undefined;
    readonly events: readonly Pick<WebhookEvent, "name" | "summary" | "once" | "members">[];
  }[];
}

/** A line of information, on stderr; not shown with `--quiet`. */
interface NoticeReport {
  readonly type: "notice";
  readonly message: string;
  /** It is about an event, and stands below it. */
  readonly below?: true;
}

interface WarningReport {
  readonly type: "warning";
  readonly message: string;
  readonly hint?: string;
}

/** Data that a command was asked for, on stdout exactly as it is: a fixture, a path, a completion script. */
interface TextReport {
  readonly type: "text";
  readonly text: string;
  /** The JSON line in its place; without it `{"type":"text","text":…}`. */
  readonly json?: Readonly<Record<string, unknown>>;
}

/** Rows for a person, objects for a script. */
export interface TableReport {
  readonly type: "table";
  readonly title?: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** One JSON line a row, in place of the table. */
  readonly json: readonly Readonly<Record<string, unknown>>[];
  readonly footer?: string;
}
