import type { Registered } from "../channels/reports.ts";
import { shareableLine } from "../checks/finding.ts";
import { eventLine, receiptLine } from "../receiver/event-report.ts";
import { whyUnknown } from "../recognition/receive.ts";
import type { SendSummaryReport } from "../send/reports.ts";
import { lineOf, rounded, withoutDashes } from "../util/json-line.ts";
import { type JsonLine, jsonLine } from "../util/text.ts";
import type { VerifiedReport } from "../verify/reports.ts";
import { reconcileLines } from "./reconcile.ts";
import type { Report } from "./report.ts";

/** A report as lines of JSON for stdout. */
export function jsonLines(report: Report): string {
  const write = lines[report.type] as (report: Report) => JsonLine | readonly JsonLine[];
  const type = withoutDashes(report.type);
  const none: readonly JsonLine[] = [];
  return none
    .concat(write(report))
    .map((line) => jsonLine({ v: 1, type, ...line }))
    .join("");
}

type OfType<Type> = Required<Extract<Report, { readonly type: Type }>>;
type Lines<Type> = (report: OfType<Type>) => JsonLine | readonly JsonLine[];

/**
 * These lines are a public interface: docs/json.md describes them, tests pin them, and within a version members are only
 * added. A member of a report that is not named here is for people only.
 */
const lines: { readonly [Kind in Report["type"]]: Lines<Kind> } = {
  ready: lineOf(
    "role url publicUrl urls unsigned events keySetUrl:jwks_url inspectorUrl api appAnswers notes registered",
    {
      registered: (all: readonly Registered[]) => all.map(lineOf("kind product id events expiresAt timeLeftMs")),
    },
  ),
  event: (event) => (event.shown ? eventLine(event) : []),
  forward: lineOf("n at attempt target status latencyMs error hint state retryInMs"),
  target: lineOf("at state target reason waiting downMs"),
  tunnel: lineOf("at state url previousUrl reason downMs"),
  gap: lineOf("from to cause reason"),
  summary: lineOf("...total products seconds forwards tunnelDownMs droppedLines:left_out expectations", {
    forwards: lineOf("delivered failed waiting"),
  }),
  "event-details": ({ event }) => eventLine(event),
  "log-stats": ({ total, products, hours, latencyMs = null }) => {
    const byHour = hours.map(({ at, product, counts }) => ({ at, product, ...counts }));
    return { type: "stats", ...total, products, hours: byHour, latency_ms: latencyMs };
  },
  drift: ({ drifts }) => drifts.map(lineOf("product format event deliveries partial unknown unseen conflicts")),
  sent: lineOf("n? product event format url status latencyMs error hint replyPreview:reply notes"),
  "send-summary": lineOf("count ok failed seconds statuses latency:latency_ms", {
    latency: ({ p50, p95, p99, max }: SendSummaryReport["latency"]) => {
      return { p50: rounded(p50), p95: rounded(p95), p99: rounded(p99), max: rounded(max) };
    },
  }),
  // A `sent` line with the whole request instead of an answer.
  request: ({ method, headers, body, curl, ...report }) => ({
    type: "sent",
    ...subjectOf(report),
    ...{ status: null, latency_ms: null, error: null },
    request: { method, url: report.url, headers, body_b64: body.toString("base64"), body: body.toString("utf8"), curl },
  }),
  verified: verifiedLine,
  "verify-summary": lineOf("count ...outcomes"),
  product: (report) => ({ ...report }),
  channel: ({ hint = null, ...report }) =>
    channelLine({ ...report, hint: report.reason === undefined ? undefined : hint }),
  record: ({ hint = null, ...report }) =>
    recordLine({ ...report, hint: report.error === undefined ? undefined : hint }),
  webhook: lineOf("state product id ...webhook? reason? hint?", {
    webhook: lineOf("name url events enabled rules secret"),
  }),
  "webhook-failure": lineOf("state product ...failure refusal:reason?", {
    failure: lineOf("id at webhook rule event record url status reason retries"),
  }),
  reconcile: reconcileLines,
  "sign-in": lineOf("state profile dataCentre environment accountsUrl apiUrl clientId scopes secretsIn tokenExpiresAt"),
  "api-request": lineOf("sent method url headers body status error latencyMs"),
  emulator: lineOf("url env"),
  "emulated-request": lineOf("at n method path status ms:latency_ms lacks hint"),
  "emulated-delivery": lineOf("at n product event url status ms:latency_ms error hint fault again"),
  check: ({ details = {}, remedy = null, ...finding }) => {
    const { id, outcome, text } = finding;
    return { id, outcome, text, details, remedy, shareable: shareableLine(finding) };
  },
  "check-summary": lineOf("passed warning failed skipped seconds"),
  warning: ({ message, hint = null }) => ({ message, hint }),
  text: ({ text, json }) => json ?? { text },
  table: ({ json }) => json,
  // For people only: the other lines have everything that a script needs.
  notice: () => [],
  // With --json nothing is asked.
  decisions: () => [],
};

const subjectOf = lineOf("n? product event format url");
const recordLine = lineOf("n product module id record? error? hint?");
const channelLine = lineOf("state product id expiresAt timeLeftMs previousExpiresAt? reason? hint? ...channel?", {
  channel: lineOf("events notifyUrl token related values conditions"),
});

/** The members of an `event` line, with `file`, `line` and `outcome`, and a place for each issue that has one. */
function verifiedLine(report: VerifiedReport): JsonLine {
  const { receipt, positions, problemPosition, body, explanations, showExpected, answered } = report;
  const explained = explanations.map(({ id, explanation }) => {
    const { canonical, findings, likely = null, received = null, expected = null } = explanation;
    return { id, canonical, findings, likely, ...(showExpected && { received, expected }) };
  });
  return {
    ...lineOf("file line outcome")(report),
    ...receiptLine(receipt, positions),
    ...(answered && lineOf("at status")(answered)),
    ...(receipt.problem === undefined
      ? { problem: whyUnknown(receipt) ?? null }
      : { problem: receipt.problem.reason, problem_at: problemPosition ?? null }),
    notes: report.notes,
    body_b64: body.toString("base64"),
    body: receipt.payload?.data ?? null,
    ...(explained.length > 0 && { explanations: explained }),
  };
}
