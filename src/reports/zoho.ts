import type { ChannelLine } from "../channels/lines.ts";
import { textAt, valueAt } from "../delivery/payload.ts";
import { plain } from "../util/text.ts";
import { formatSpan } from "../util/units.ts";
import type { ApiRequestLine, SignInLine } from "../zoho-api/lines.ts";
import type { WebhookFailureLine, WebhookLine } from "../zoho-webhooks/lines.ts";
import { type Lines, textOf } from "./layout.ts";
import type { Paint, Rendered, Style, Tone } from "./paint.ts";

type State = (ChannelLine | WebhookLine | WebhookFailureLine)["state"];
type Shown = readonly [word: string, tone: Tone];

/** Other states are good, and shown by their own name. */
const STATES: Readonly<Partial<Record<State, Shown>>> = {
  expiring: ["not renewed", "caution"],
  lost: ["lost", "bad"],
  not_deleted: ["not deleted", "bad"],
  unknown: ["not found", "bad"],
  failed: ["failed", "bad"],
  resent: ["sent again", "good"],
  not_resent: ["not sent again", "bad"],
};

/** `renewed crm 1735000000123  2026-03-07T09:00:00Z → 2026-03-14T08:00:00Z (6d 23h left)`, with its facts below. */
export function renderChannel(report: ChannelLine, style: Style): Rendered {
  return renderState(report, style, endText(report), (paint) => channelFacts(report, paint));
}

/** `created books 460000000026049`, with its facts below. */
export function renderWebhook(report: WebhookLine, style: Style): Rendered {
  return renderState(report, style, "", () => webhookFacts(report));
}

/** `sent again salesiq 0db0d4d5-…`. The list itself is shown as a table. */
export function renderWebhookFailure(report: WebhookFailureLine, style: Style): Rendered {
  return renderState(report, style, "");
}

/** Writes what is not in a good state to stderr. */
function renderState(
  report: {
    readonly type: string;
    readonly state: State;
    readonly product: string;
    readonly id: string;
    readonly reason?: string | null;
    readonly hint?: string | null;
  },
  { out, err, quiet }: Style,
  end: string,
  facts?: (paint: Paint) => Lines,
): Rendered {
  const { type, state, product, id, reason, hint } = report;
  const [word, tone] = STATES[state] ?? [state === "listed" ? type : state, "good"];
  const paint = tone === "good" ? out : err;
  const text = textOf(
    `${paint[tone](word)} ${product} ${paint.strong(plain(id))}${end}`,
    typeof reason === "string" && `  ${plain(reason, true)}`,
    typeof hint === "string" && `  ${paint.dim(plain(hint, true))}`,
    !quiet && facts?.(paint),
  );
  return tone === "good" ? { out: text } : { err: text };
}

function endText(line: ChannelLine): string {
  const { state, expires_at: expiresAt, previous_expires_at: previousExpiresAt, time_left_ms: timeLeftMs } = line;
  if (expiresAt === null) return state === "listed" || state === "created" ? "  expiry unknown" : "";
  const left = timeLeftMs === null ? "" : ` (${timeLeftMs > 0 ? `${formatSpan(timeLeftMs)} left` : "expired"})`;
  const before = previousExpiresAt === undefined ? "" : `${shortTime(previousExpiresAt)} → `;
  return `  ${before}${shortTime(expiresAt)}${left}`;
}

function channelFacts({ events, related, values, conditions = [], ...line }: ChannelLine, paint: Paint): Lines {
  if (events === undefined) return false;
  const yesNo = (value: boolean | null | undefined): string =>
    typeof value !== "boolean" ? "not known" : value ? "yes" : "no";
  return factLines(paint.dim, [
    ["events", events.join(", ")],
    ["URL", line.notify_url ?? "not known"],
    ["token", line.token ?? "none"],
    ["related records", yesNo(related)],
    ["changed values", yesNo(values)],
    ["only when", conditions.length > 0 && conditions.map(conditionText).join("; ")],
  ]);
}

function webhookFacts({ name, url, events, enabled, rules, secret }: WebhookLine): Lines {
  if (events === undefined) return false;
  return factLines(
    (label) => label,
    [
      ["name", name ?? "none"],
      ["events", events.join(", ")],
      ["URL", url ?? "not known"],
      ["enabled", typeof enabled === "boolean" && (enabled ? "yes" : "no")],
      ["rules", rules && (rules.join(", ") || "none")],
      ["secret", secret],
    ],
  );
}

type Fact = readonly [label: string, text: string | false | null | undefined];

/** Below each other, without those that are not known. */
function factLines(paint: (label: string) => string, facts: readonly Fact[]): readonly string[] {
  const rows = facts.flatMap(([label, text]) => (typeof text === "string" ? [[label, plain(text)]] : []));
  const width = Math.max(...rows.map(([label = ""]) => label.length));
  return rows.map(([label = "", text = ""]) =>
    `  ${paint(label)}${" ".repeat(width - label.length)}  ${text}`.trimEnd(),
  );
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
export function renderSignIn(report: SignInLine, { out, quiet }: Style): Rendered {
  const done = { signed_in: "signed in as ", current: "", signed_out: "signed out of " }[report.state];
  const { scopes, token_expires_at: expiry } = report;
  const facts = factLines(out.dim, [
    ["data centre", `${report.data_centre}, ${report.environment}`],
    ["accounts", report.accounts_url],
    ["API", report.api_url ?? "as Zoho names it"],
    ["client", report.client_id ?? "none (access token only)"],
    ["scopes", scopes.length === 0 ? "not known" : scopes.join(", ")],
    ["secrets in", report.secrets_in],
    ["access token", expiry === null ? "expiry unknown" : `until ${shortTime(expiry)}`],
  ]);
  return {
    out: textOf(`${done}${out.strong(plain(report.profile))}`, !quiet && report.state !== "signed_out" && facts),
  };
}

/** A request that was not sent is data; a sent one is information on stderr. */
export function renderApiRequest(report: ApiRequestLine, { out, err }: Style): Rendered {
  const { sent, method, url, headers, body, status, error, latency_ms: latency } = report;
  const paint = sent ? err : out;
  const outcome = sent ? ` ${error ?? status ?? ""}${latency === null ? "" : ` (${latency} ms)`}` : "";
  const text = textOf(
    `${paint.strong(plain(`${method} ${url}`))}${plain(outcome)}`,
    Object.entries(headers).map(([name, value]) => paint.dim(plain(`${name}: ${value}`))),
    body !== null && ["", plain(body, true)],
    "",
  );
  return sent ? { err: text } : { out: text };
}

function shortTime(time: string): string {
  return `${time.slice(0, 19)}Z`;
}
