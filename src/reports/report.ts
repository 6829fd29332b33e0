import type { ChannelLine, RecordLine } from "../channels/lines.ts";
import type { CheckReport, CheckSummaryReport } from "../checks/finding.ts";
import type { EmulatedDeliveryReport, EmulatedRequestReport, EmulatorReport } from "../emulator/reports.ts";
import type { ForwardReport, TargetLine } from "../forward/lines.ts";
import type { EventDetailsReport } from "../history/entry.ts";
import type { DriftReport } from "../history/schema-drift.ts";
import type { GapReport, ReadyReport, SummaryReport, TunnelReport } from "../listener/lines.ts";
import type { LogStatsReport } from "../log/stats-report.ts";
import type { ProductReport } from "../own-products/show-products.ts";
import type { Message } from "../process/messages.ts";
import type { EventReport } from "../receiver/event-report.ts";
import type { MissedLine, ReconcileReport } from "../reconcile/lines.ts";
import type { RequestReport, SendSummaryReport, SentReport } from "../send/reports.ts";
import type { VerifiedReport, VerifySummaryReport } from "../verify/reports.ts";
import type { ApiRequestReport, SignInReport } from "../zoho-api/reports.ts";
import type { WebhookFailureLine, WebhookLine } from "../zoho-webhooks/lines.ts";

/** All that can be reported. Each subject declares its own; `text.ts` and `json.ts` have a row for each. */
export type Report =
  | Message
  | ApiRequestReport
  | ChannelLine
  | CheckReport
  | CheckSummaryReport
  | DriftReport
  | EmulatedDeliveryReport
  | EmulatedRequestReport
  | EmulatorReport
  | EventDetailsReport
  | EventReport
  | ForwardReport
  | GapReport
  | LogStatsReport
  | ProductReport
  | ReadyReport
  | MissedLine
  | ReconcileReport
  | RecordLine
  | RequestReport
  | SendSummaryReport
  | SentReport
  | SignInReport
  | SummaryReport
  | TargetLine
  | TunnelReport
  | VerifiedReport
  | VerifySummaryReport
  | WebhookFailureLine
  | WebhookLine;
