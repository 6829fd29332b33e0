import type { ChannelReport, ChannelState, RecordReport, RunningChannel } from "../channels/reports.ts";
import { textAt, valueAt } from "../delivery/payload.ts";
import type { JsonLine } from "../util/text.ts";
import { plain } from "../util/text.ts";
import { formatSpan } from "../util/units.ts";
import type { ApiRequestReport, SignInReport } from "../zoho-api/reports.ts";
import { alignRows } from "./layout.ts";
import type { Paint, Rendered, Style } from "./paint.ts";

const WORDS: Readonly<Record<ChannelState, { readonly text: string; readonly tone: "good" | "bad" | "caution" }>> = {
  listed: { text: "channel", tone: "good" },
  created: { text: "created", tone: "good" },
  renewed: { text: "renewed", tone: "good" },
  updated: { text: "updated", tone: "good" },
  expiring: { text: "not renewed", tone: "caution" },
  lost: { text: "lost", tone: "bad" },
  deleted: { text: "deleted", tone: "good" },
  "not-deleted": { text: "not deleted", tone: "bad" },
  unknown: { text: "not found", tone: "bad" },
};

/** `renewed crm 1735000000123  2026-03-07T09:00:00Z → 2026-03-14T08:00:00Z (6d 23h)`, with its facts below. */
export function renderChannel(report: ChannelReport, { out, err, quiet }: Style): Rendered {
  const { text, tone } = WORDS[report.state];
  const bad = tone !== "good";
  const paint = bad ? err : out;
  const head = `${paint[tone](text)} ${report.product} ${paint.strong(plain(report.id))}${endText(report)}`;
  const reason = report.reason === undefined ? [] : [`  ${plain(report.reason, true)}`];
  const hint = report.hint === undefined ? [] : [`  ${paint.dim(plain(report.hint, true))}`];
  const facts = quiet ? [] : factLines(report, paint);
  const lines = `${[head, ...reason, ...hint, ...facts].join("\n")}\n`;
  return bad ? { err: lines } : { out: lines };
}

function endText({ state, expiresAt, previousExpiresAt, timeLeftMs }: ChannelReport): string {
  if (expiresAt === undefined) return state === "listed" || state === "created" ? "  expiry unknown" : "";
  const left = timeLeftMs === undefined ? "" : ` (${timeLeftMs > 0 ? `${formatSpan(timeLeftMs)} left` : "expired"})`;
  const before = previousExpiresAt === undefined ? "" : `${shortTime(previousExpiresAt)} → `;
  return `  ${before}${shortTime(expiresAt)}${left}`;
}

function factLines({ channel }: ChannelReport, paint: Paint): readonly string[] {
  if (channel === undefined) return [];
  const yesNo = (value: boolean | undefined): string => (value === undefined ? "not known" : value ? "yes" : "no");
  return indented(paint, [
    ["events", channel.events.join(", ")],
    ["URL", channel.notifyUrl ?? "not known"],
    ["token", channel.token ?? "none"],
    ["related records", yesNo(channel.related)],
    ["changed values", yesNo(channel.values)],
    ...(channel.conditions.length === 0 ? [] : [["only when", channel.conditions.map(conditionText).join("; ")]]),
  ]);
}

/** `Stage, Amount or Lead_Source of Deals changes`; conditions of another form as JSON. */
function conditionText(condition: unknown): string {
  const module = textAt(condition, ["module", "api_name"]);
  const fields = fieldsText(valueAt(condition, ["field_selection"]));
  if (module === undefined || fields === undefined) return JSON.stringify(condition);
  return `${fields} of ${module} changes`;
}

/** `Stage or (Account_Name and Lead_Source)`; undefined for a form that is not known. */
function fieldsText(selection: unknown): string | undefined {
  const operator = operatorOf(selection);
  if (operator === undefined) return textAt(selection, ["field", "api_name"]);
  const parts = partsOf(selection, operator).map((part) => {
    const text = fieldsText(part);
    return text !== undefined && operatorOf(part) !== undefined ? `(${text})` : text;
  });
  if (parts.length === 0 || parts.includes(undefined)) return undefined;
  const last = parts.at(-1);
  return parts.length === 1 ? last : `${parts.slice(0, -1).join(", ")} ${operator} ${last}`;
}

/** Zoho allows two parts in a group, so that more of the same operator are nested. */
function partsOf(selection: unknown, operator: string): readonly unknown[] {
  const group = valueAt(selection, ["group"]);
  if (!Array.isArray(group)) return [];
  return group.flatMap((part) => (operatorOf(part) === operator ? partsOf(part, operator) : [part]));
}

function operatorOf(selection: unknown): string | undefined {
  const operator = textAt(selection, ["group_operator"]);
  return operator === "or" || operator === "and" ? operator : undefined;
}

/** One fact per line. */
export function renderSignIn(report: SignInReport, { out, quiet }: Style): Rendered {
  const done = { "signed-in": "signed in as ", current: "", "signed-out": "signed out of " }[report.state];
  const head = `${done}${out.strong(plain(report.profile))}`;
  if (quiet || report.state === "signed-out") return { out: `${head}\n` };
  const facts = indented(out, [
    ["data centre", `${report.dataCentre}, ${report.environment}`],
    ["accounts", report.accountsUrl],
    ["API", report.apiUrl ?? "as Zoho names it"],
    ["client", report.clientId ?? "none (access token only)"],
    ["scopes", report.scopes.length === 0 ? "not known" : report.scopes.join(", ")],
    ["secrets in", report.secretsIn],
    [
      "access token",
      report.tokenExpiresAt === undefined ? "expiry unknown" : `until ${shortTime(report.tokenExpiresAt)}`,
    ],
  ]);
  return { out: `${[head, ...facts].join("\n")}\n` };
}

/** A request that was not sent is data; a sent one is information on stderr. */
export function renderApiRequest(report: ApiRequestReport, { out, err }: Style): Rendered {
  const { sent, method, url, headers, body, status, error, latencyMs } = report;
  const paint = sent ? err : out;
  const outcome = sent ? ` ${error ?? status ?? ""}${latencyMs === undefined ? "" : ` (${latencyMs} ms)`}` : "";
  const lines = [
    `${paint.strong(plain(`${method} ${url}`))}${plain(outcome)}`,
    ...Object.entries(headers).map(([name, value]) => paint.dim(plain(`${name}: ${value}`))),
    ...(body === undefined ? [] : ["", plain(body, true)]),
    "",
  ];
  const text = `${lines.join("\n")}\n`;
  return sent ? { err: text } : { out: text };
}

function indented(paint: Paint, rows: readonly (readonly string[])[]): readonly string[] {
  const clean = rows.map(([name = "", value = ""]) => [name, plain(value)]);
  return alignRows(clean).map((line, i) => {
    const name = clean[i]?.[0] ?? "";
    return `  ${paint.dim(name)}${line.slice(name.length)}`;
  });
}

function shortTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

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
