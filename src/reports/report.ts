import type { ChannelLine, RecordLine } from "../channels/lines.ts";
import type { CheckReport, CheckSummaryLine } from "../checks/lines.ts";
import type { EmulatedDeliveryLine, EmulatedRequestLine, EmulatorReport } from "../emulator/lines.ts";
import type { ForwardReport, TargetLine } from "../forward/lines.ts";
import type { DriftLine, DriftsReport } from "../history/lines.ts";
import type { GapReport, ReadyReport, SummaryReport, TunnelReport } from "../listener/lines.ts";
import type { StatsReport } from "../log/lines.ts";
import type { ProductLine } from "../own-products/lines.ts";
import type { Message } from "../process/messages.ts";
import type { EventReport } from "../receiver/event-report.ts";
import type { MissedLine, ReconcileReport } from "../reconcile/lines.ts";
import type { SendReport } from "../send/lines.ts";
import type { VerifiedReport, VerifySummaryLine } from "../verify/lines.ts";
import type { ApiRequestLine, SignInLine } from "../zoho-api/lines.ts";
import type { WebhookFailureLine, WebhookLine } from "../zoho-webhooks/lines.ts";

/** All that can be reported. Each subject declares its own; `text.ts` and `json.ts` have a row for each. */
export type Report =
  | Message
  | ApiRequestLine
  | ChannelLine
  | CheckReport
  | CheckSummaryLine
  | DriftLine
  | DriftsReport
  | EmulatedDeliveryLine
  | EmulatedRequestLine
  | EmulatorReport
  | EventReport
  | ForwardReport
  | GapReport
  | ProductLine
  | ReadyReport
  | MissedLine
  | ReconcileReport
  | RecordLine
  | SendReport
  | SignInLine
  | StatsReport
  | SummaryReport
  | TargetLine
  | TunnelReport
  | VerifiedReport
  | VerifySummaryLine
  | WebhookFailureLine
  | WebhookLine;
