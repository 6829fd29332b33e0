import type {
  ApiRequestReport,
  ChannelReport,
  RecordReport,
  RunningChannel,
  SignInReport,
} from "../../core/channel-report.ts";
import type { JsonLine } from "../../core/json-line.ts";

export function channelLine(report: ChannelReport): JsonLine {
  const { channel } = report;
  return {
    type: "channel",
    state: report.state.replaceAll("-", "_"),
    product: report.product,
    id: report.id,
    expires_at: report.expiresAt?.toISOString() ?? null,
    time_left_ms: report.timeLeftMs ?? null,
    ...(report.previousExpiresAt === undefined ? {} : { previous_expires_at: report.previousExpiresAt.toISOString() }),
    ...(report.reason === undefined ? {} : { reason: report.reason, hint: report.hint ?? null }),
    ...(channel === undefined
      ? {}
      : {
          events: channel.events,
          notify_url: channel.notifyUrl ?? null,
          token: channel.token ?? null,
          related: channel.related ?? null,
          values: channel.values ?? null,
          conditions: channel.conditions,
        }),
  };
}

export function runningChannel({ product, id, events, expiresAt, timeLeftMs }: RunningChannel): JsonLine {
  return { product, id, events, expires_at: expiresAt?.toISOString() ?? null, time_left_ms: timeLeftMs ?? null };
}

export function recordLine({ n, product, module, id, record, error, hint }: RecordReport): JsonLine {
  const outcome = error === undefined ? { record } : { error, hint: hint ?? null };
  return { type: "record", n, product, module, id, ...outcome };
}

export function signInLine(report: SignInReport): JsonLine {
  return {
    type: "sign_in",
    state: report.state.replaceAll("-", "_"),
    profile: report.profile,
    data_centre: report.dataCentre,
    environment: report.environment,
    accounts_url: report.accountsUrl,
    api_url: report.apiUrl ?? null,
    client_id: report.clientId ?? null,
    scopes: report.scopes,
    secrets_in: report.secretsIn,
    token_expires_at: report.tokenExpiresAt?.toISOString() ?? null,
  };
}

export function apiRequestLine(report: ApiRequestReport): JsonLine {
  const { sent, method, url, headers, body, status, error, latencyMs } = report;
  return {
    type: "api_request",
    sent,
    method,
    url,
    headers,
    body: body ?? null,
    status: status ?? null,
    error: error ?? null,
    latency_ms: latencyMs ?? null,
  };
}
