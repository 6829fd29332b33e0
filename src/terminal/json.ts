import type { ForwardCounts } from "../listener/reports.ts";
import type { Report, Reports } from "../process/messages.ts";
import { eventLine } from "../receiver/event-report.ts";
import { type JsonLine, jsonLine } from "../util/text.ts";
import { apiRequestLine, channelLine, recordLine, runningChannel, signInLine } from "./channel.ts";
import { checkLine, checkSummaryLine } from "./check.ts";
import { forwardLine, gapLine, targetLine, tunnelLine } from "./forward.ts";
import { driftLines, logStatsLine } from "./log.ts";
import type { Rendered } from "./paint.ts";
import { requestLine, sendSummaryLine, sentLine } from "./sent.ts";
import { verifiedLine, verifySummaryLine } from "./verified.ts";
import { webhookFailureLine, webhookLine } from "./webhook.ts";

type Renderers = {
  readonly [Kind in keyof Reports]: (report: Reports[Kind]) => readonly JsonLine[];
};

/** These lines are a public interface: documented in the README, pinned by tests, only added to within a version. */
const renderers: Renderers = {
  ready: ({ role, url, publicUrl, urls, events, notes, channel, keySetUrl, inspectorUrl, appAnswers }) => [
    {
      type: "ready",
      role,
      url: url ?? null,
      public_url: publicUrl ?? null,
      urls,
      events,
      jwks_url: keySetUrl ?? null,
      inspector_url: inspectorUrl ?? null,
      app_answers: appAnswers ?? null,
      notes,
      channel: channel === undefined ? null : runningChannel(channel),
    },
  ],
  event: (report) => (report.shown ? [eventLine(report)] : []),
  forward: (report) => [forwardLine(report)],
  target: (report) => [targetLine(report)],
  tunnel: (report) => [tunnelLine(report)],
  gap: (report) => [gapLine(report)],
  entry: ({ event }) => [eventLine(event)],
  "log-stats": (report) => [logStatsLine(report)],
  drift: driftLines,
  summary: ({ total, products, seconds, forwards, tunnelDownMs, droppedLines, expectations }) => [
    {
      type: "summary",
      ...total,
      products,
      seconds,
      forwards: forwards === undefined ? null : forwardCounts(forwards),
      tunnel_down_ms: tunnelDownMs ?? null,
      left_out: droppedLines,
      expectations,
    },
  ],
  sent: (report) => [sentLine(report)],
  "send-summary": (report) => [sendSummaryLine(report)],
  request: (report) => [requestLine(report)],
  verified: (report) => [verifiedLine(report)],
  "verify-summary": (report) => [verifySummaryLine(report)],
  // For a person only: the other lines have everything that a script needs.
  notice: () => [],
  // With --json nothing is asked.
  decisions: () => [],
  warning: ({ message, hint }) => [{ type: "warning", message, hint: hint ?? null }],
  text: ({ text, json }) => [json ?? { type: "text", text }],
  product: (report) => [{ ...report }],
  channel: (report) => [channelLine(report)],
  webhook: (report) => [webhookLine(report)],
  "webhook-failure": (report) => [webhookFailureLine(report)],
  record: (report) => [recordLine(report)],
  "sign-in": (report) => [signInLine(report)],
  "api-request": (report) => [apiRequestLine(report)],
  check: (report) => [checkLine(report)],
  "check-summary": (report) => [checkSummaryLine(report)],
  table: ({ json }) => json,
};

function forwardCounts({ delivered, failed, waiting }: ForwardCounts): JsonLine {
  return { delivered, failed, waiting: waiting ?? null };
}

/** A report as JSON lines on stdout. */
export function renderJson(report: Report): Rendered {
  const render = renderers[report.type] as (report: Report) => readonly JsonLine[];
  const lines = render(report).map((line) => jsonLine({ v: 1, ...line }));
  return { out: lines.join("") };
}
