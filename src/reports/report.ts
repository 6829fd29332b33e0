import type { ApiRequestReport, ChannelReport, RecordReport, SignInReport } from "./channel.ts";
import type { CheckReport, CheckSummaryReport } from "./check.ts";
import type { EventReport } from "./event.ts";
import type { ForwardReport, GapReport, TargetReport, TunnelReport } from "./forward.ts";
import type { TableReport } from "./layout.ts";
import type { DriftReport, EntryReport, LogStatsReport } from "./log.ts";
import type { ProductReport } from "./product.ts";
import type { ReadyReport, SummaryReport } from "./run.ts";
import type { RequestReport, SendSummaryReport, SentReport } from "./sent.ts";
import type { VerifiedReport, VerifySummaryReport } from "./verified.ts";
import type { WebhookFailureReport, WebhookReport } from "./webhook.ts";

/** Everything that a command can report. `human.ts` and `json.ts` render it; the compiler names a missing renderer. */
export type Report =
  | ReadyReport
  | EventReport
  | ForwardReport
  | TargetReport
  | TunnelReport
  | GapReport
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
  | WebhookFailureReport
  | RecordReport
  | SignInReport
  | ApiRequestReport
  | VerifySummaryReport
  | CheckReport
  | CheckSummaryReport
  | NoticeReport
  | DecisionsReport
  | WarningReport
  | TextReport
  | TableReport;

/** A line of information on stderr; hidden by `--quiet`. */
interface NoticeReport {
  readonly type: "notice";
  readonly message: string;
  /** It is about the event above it. */
  readonly below?: true;
}

/** Lists what a question about trust is for; on stderr, also with `--quiet`. */
interface DecisionsReport {
  readonly type: "decisions";
  readonly message: string;
  readonly decisions: readonly { readonly label: string; readonly value: string; readonly file: string }[];
}

interface WarningReport {
  readonly type: "warning";
  readonly message: string;
  readonly hint?: string;
}

/** Requested data, written to stdout as it is: a fixture, a path, a completion script. */
interface TextReport {
  readonly type: "text";
  readonly text: string;
  /** The JSON line; without it `{"type":"text","text":…}`. */
  readonly json?: Readonly<Record<string, unknown>>;
}
