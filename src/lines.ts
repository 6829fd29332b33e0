// What `--json` prints, as types. They are a public interface: docs/json-schema.json and the lists of docs/json.md are made from
// them, and within a version members are only added. `null`: there is none, or it is not known. A member with `?` is left out
// where it does not apply. `@printedBy`: the commands.

import type { ChannelLine, RecordLine } from "./channels/lines.ts";
import type { CheckLine, CheckSummaryLine } from "./checks/lines.ts";
import type { CompletionLine, SuggestionsLine } from "./commands/completion/index.ts";
import type { SettingLine } from "./commands/config.ts";
import type { KeyPairLine } from "./commands/keygen.ts";
import type { StoreInitLine, StoreLine } from "./commands/store.ts";
import type { FolderLine } from "./commands/trust.ts";
import type { InspectorLine } from "./commands/ui.ts";
import type { EmulatedDeliveryLine, EmulatedRequestLine, EmulatorLine } from "./emulator/lines.ts";
import type { ForwardLine, TargetLine } from "./forward/lines.ts";
import type { CurlLine, DifferenceLine, DriftLine, PrunedLine } from "./history/lines.ts";
import type { GapLine, ReadyLine, SummaryLine, TunnelLine } from "./listener/lines.ts";
import type { StatsLine } from "./log/lines.ts";
import type { ProductLine } from "./own-products/lines.ts";
import type { TextLine, WarningLine } from "./process/messages.ts";
import type { EventLine } from "./receiver/event-line.ts";
import type { MissedLine, ReconcileLine } from "./reconcile/lines.ts";
import type { FileLine } from "./samples/fixtures.ts";
import type { FixtureLine, SendSummaryLine, SentLine } from "./send/lines.ts";
import type { VerifiedLine, VerifySummaryLine } from "./verify/lines.ts";
import type { ApiRequestLine, ProfileLine, SignInLine } from "./zoho-api/lines.ts";
import type { WebhookFailureLine, WebhookLine } from "./zoho-webhooks/lines.ts";

/** A line of standard output. Each has `"v":1` in front of its members. */
export type Line =
  | ReadyLine
  | InspectorLine
  | EventLine
  | ForwardLine
  | TargetLine
  | TunnelLine
  | GapLine
  | ChannelLine
  | WebhookLine
  | WebhookFailureLine
  | RecordLine
  | WarningLine
  | MissedLine
  | ReconcileLine
  | DriftLine
  | SummaryLine
  | SentLine
  | SendSummaryLine
  | VerifiedLine
  | VerifySummaryLine
  | CheckLine
  | CheckSummaryLine
  | EmulatorLine
  | EmulatedRequestLine
  | EmulatedDeliveryLine
  | StoreLine
  | StoreInitLine
  | StatsLine
  | DifferenceLine
  | CurlLine
  | PrunedLine
  | ProductLine
  | SettingLine
  | ProfileLine
  | SignInLine
  | ApiRequestLine
  | FolderLine
  | FixtureLine
  | FileLine
  | KeyPairLine
  | TextLine
  | CompletionLine
  | SuggestionsLine;
