import type { ChannelReport, RecordReport, Registered } from "../channels/reports.ts";
import type { ForwardReport } from "../forward/reports.ts";
import type { ReadyReport, SummaryReport } from "../listener/reports.ts";
import type {
  ChannelLine,
  DeliveryRow,
  ForwardLine,
  Line,
  ReadyLine,
  RecordLine,
  RegisteredHook,
  SummaryLine,
  WebhookFailureLine,
  WebhookLine,
} from "../process/lines.ts";
import { eventLine } from "../receiver/event-report.ts";
import { rounded, timeOf, withoutDashes } from "../util/json-line.ts";
import type { JsonLine } from "../util/text.ts";
import type { WebhookFailureReport, WebhookReport } from "../zoho-webhooks/reports.ts";
import { reconcileLines } from "./reconcile.ts";
import type { Report } from "./report.ts";

/** The lines of a report, as `--json` prints them. */
export function linesOf(report: Report): readonly JsonLine[] {
  const write = lines[report.type] as ((report: Report) => Line | readonly (Line | DeliveryRow)[]) | undefined;
  const { person: _, ...own } = report as Report & { readonly person?: object };
  const written = write === undefined ? (own as Line) : write(report);
  return ("type" in written ? [written] : written).map((line) => ({ v: 1, ...line }));
}

type Lines<Kind> = (report: Extract<Report, { readonly type: Kind }>) => Line | readonly (Line | DeliveryRow)[];

/** A member of a report that its line does not have is for people only. */
const lines: { readonly [Kind in Report["type"]]?: Lines<Kind> } = {
  ready: readyLine,
  event: (event) => (event.shown ? eventLine(event) : []),
  forward: forwardedLine,
  target: (report) => ({
    type: "target",
    at: report.at.toJSON(),
    state: report.state,
    target: report.target,
    reason: report.reason ?? null,
    waiting: report.waiting ?? null,
    down_ms: report.downMs ?? null,
  }),
  tunnel: (report) => ({
    type: "tunnel",
    at: report.at.toJSON(),
    state: report.state,
    url: report.url ?? null,
    previous_url: report.previousUrl ?? null,
    reason: report.reason ?? null,
    down_ms: report.downMs ?? null,
  }),
  gap: ({ from, to, cause, reason }) => ({
    type: "gap",
    from: from.toJSON(),
    to: to.toJSON(),
    cause,
    reason,
  }),
  summary: summaryLine,
  "event-details": ({ event }) => eventLine(event),
  channel: channelLine,
  record: recordLine,
  webhook: webhookLine,
  "webhook-failure": webhookFailureLine,
  reconcile: reconcileLines,
  warning: ({ message, hint = null }) => ({ type: "warning", message, hint }),
  text: ({ text, json }) => json ?? { type: "text", text },
  table: ({ json }) => json,
  // For people only: the other lines have everything that a script needs.
  drifts: () => [],
  notice: () => [],
  // With --json nothing is asked.
  decisions: () => [],
};

function readyLine(report: ReadyReport): ReadyLine {
  return {
    type: "ready",
    role: report.role,
    url: report.url ?? null,
    public_url: report.publicUrl ?? null,
    urls: report.urls,
    unsigned: report.unsigned,
    events: report.events,
    jwks_url: report.keySetUrl ?? null,
    inspector_url: report.inspectorUrl ?? null,
    api: report.api ?? null,
    app_answers: report.appAnswers ?? null,
    notes: report.notes,
    registered: report.registered.map(registeredHook),
  };
}

function registeredHook(hook: Registered): RegisteredHook {
  return {
    kind: hook.kind,
    product: hook.product,
    id: hook.id,
    events: hook.events,
    expires_at: timeOf(hook.expiresAt),
    time_left_ms: hook.timeLeftMs ?? null,
  };
}

function forwardedLine(report: ForwardReport): ForwardLine {
  return {
    type: "forward",
    n: report.n,
    at: report.at.toJSON(),
    attempt: report.attempt,
    target: report.target,
    status: report.status ?? null,
    latency_ms: rounded(report.latencyMs),
    error: report.error ?? null,
    hint: report.hint ?? null,
    state: report.state,
    retry_in_ms: report.retryInMs ?? null,
  };
}

function summaryLine(report: SummaryReport): SummaryLine {
  const { total, products, seconds, forwards, tunnelDownMs = null, droppedLines, expectations } = report;
  return {
    type: "summary",
    ...total,
    products,
    seconds,
    forwards: forwards === undefined ? null : { ...forwards, waiting: forwards.waiting ?? null },
    tunnel_down_ms: tunnelDownMs,
    left_out: droppedLines,
    expectations,
  };
}

function channelLine({ channel, reason, hint, ...report }: ChannelReport): ChannelLine {
  return {
    type: "channel",
    state: withoutDashes(report.state),
    product: report.product,
    id: report.id,
    expires_at: timeOf(report.expiresAt),
    time_left_ms: report.timeLeftMs ?? null,
    previous_expires_at: report.previousExpiresAt?.toJSON(),
    reason,
    hint: reason === undefined ? undefined : (hint ?? null),
    ...(channel && {
      events: channel.events,
      notify_url: channel.notifyUrl ?? null,
      token: channel.token ?? null,
      related: channel.related ?? null,
      values: channel.values ?? null,
      conditions: channel.conditions,
    }),
  };
}

function recordLine({ n, product, module, id, record, error, hint }: RecordReport): RecordLine {
  return {
    type: "record",
    n,
    product,
    module,
    id,
    record,
    error,
    hint: error === undefined ? undefined : (hint ?? null),
  };
}

function webhookLine({ state, product, id, webhook, reason, hint }: WebhookReport): WebhookLine {
  return {
    type: "webhook",
    state: withoutDashes(state),
    product,
    id,
    ...(webhook && {
      name: webhook.name ?? null,
      url: webhook.url ?? null,
      events: webhook.events,
      enabled: webhook.enabled ?? null,
      rules: webhook.rules ?? null,
      secret: webhook.secret ?? null,
    }),
    reason,
    hint,
  };
}

function webhookFailureLine({ state, product, failure, refusal }: WebhookFailureReport): WebhookFailureLine {
  return {
    type: "webhook_failure",
    state: withoutDashes(state),
    product,
    id: failure.id,
    at: timeOf(failure.at),
    webhook: failure.webhook ?? null,
    rule: failure.rule ?? null,
    event: failure.event ?? null,
    record: failure.record ?? null,
    url: failure.url ?? null,
    status: failure.status ?? null,
    reason: refusal ?? failure.reason ?? null,
    retries: failure.retries ?? null,
  };
}
