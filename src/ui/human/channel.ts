import type {
  ApiRequestReport,
  ChannelReport,
  ChannelState,
  RunningChannel,
  SignInReport,
} from "../../core/channel-report.ts";
import { formatSpan } from "../../core/units.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { type Paint, plain } from "../paint.ts";
import { alignRows } from "./table.ts";

const WORDS: Readonly<Record<ChannelState, { readonly text: string; readonly tone: "good" | "bad" | "caution" }>> = {
  listed: { text: "channel", tone: "good" },
  created: { text: "created", tone: "good" },
  renewed: { text: "renewed", tone: "good" },
  updated: { text: "updated", tone: "good" },
  expiring: { text: "not renewed", tone: "caution" },
  lost: { text: "lost", tone: "bad" },
  deleted: { text: "deleted", tone: "good" },
  "not-deleted": { text: "not deleted", tone: "bad" },
  unknown: { text: "not there", tone: "bad" },
};

/** `renewed crm 1735000000123  2026-03-07T09:00:00Z → 2026-03-14T08:00:00Z (6d 23h)`, with its facts beneath. */
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
  if (expiresAt === undefined) return state === "listed" || state === "created" ? "  end unknown" : "";
  const left = timeLeftMs === undefined ? "" : ` (${timeLeftMs > 0 ? `${formatSpan(timeLeftMs)} left` : "over"})`;
  const before = previousExpiresAt === undefined ? "" : `${shortTime(previousExpiresAt)} → `;
  return `  ${before}${shortTime(expiresAt)}${left}`;
}

function factLines({ channel }: ChannelReport, paint: Paint): readonly string[] {
  if (channel === undefined) return [];
  const yesNo = (value: boolean | undefined): string => (value === undefined ? "not said" : value ? "yes" : "no");
  return indented(paint, [
    ["events", channel.events.join(", ")],
    ["URL", channel.notifyUrl ?? "not said"],
    ["token", channel.token ?? "none"],
    ["related records", yesNo(channel.related)],
    ["changed values", yesNo(channel.values)],
    ...(channel.conditions.length === 0 ? [] : [["only when", JSON.stringify(channel.conditions)]]),
  ]);
}

/** Who is signed in, a fact a line. */
export function renderSignIn(report: SignInReport, { out, quiet }: Style): Rendered {
  const done = { "signed-in": "signed in as ", current: "", "signed-out": "signed out of " }[report.state];
  const head = `${done}${out.strong(plain(report.profile))}`;
  if (quiet || report.state === "signed-out") return { out: `${head}\n` };
  const facts = indented(out, [
    ["data centre", `${report.dataCentre}, ${report.environment}`],
    ["accounts", report.accountsUrl],
    ["API", report.apiUrl ?? "as Zoho names it"],
    ["client", report.clientId ?? "none: an access token alone"],
    ["scopes", report.scopes.length === 0 ? "not known" : report.scopes.join(", ")],
    ["secrets in", report.secretsIn],
    [
      "access token",
      report.tokenExpiresAt === undefined ? "end not known" : `until ${shortTime(report.tokenExpiresAt)}`,
    ],
  ]);
  return { out: `${[head, ...facts].join("\n")}\n` };
}

/** A request with its secrets masked: data where nothing was sent, talk where it was. */
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

/** `channel 1735000000123 (Leads.create, Deals.all) until 2026-03-08T08:00:00Z, 6d 23h left`, for the ready line. */
export function runningChannelText({ id, events, expiresAt, timeLeftMs }: RunningChannel): string {
  const end = expiresAt === undefined ? "its end is not known" : `until ${shortTime(expiresAt)}`;
  const left = timeLeftMs === undefined ? "" : `, ${formatSpan(timeLeftMs)} left`;
  return `channel ${id} (${events.join(", ")}) ${end}${left}`;
}

function shortTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
