import { isUtf8 } from "node:buffer";
import { maskUrl } from "../delivery/mask.ts";
import { problemText } from "../delivery/payload.ts";
import type { KnownSecrets } from "../delivery/secrets.ts";
import { entryEvent } from "../history/entry.ts";
import type { LogEntry, LogRow } from "../log/log.ts";
import { isCustomEvent } from "../model/event-names.ts";
import type { Product } from "../model/product.ts";
import { nearestNotes, whyUnknown } from "../model/receipt.ts";
import { describeIssue, pathText } from "../model/schema.ts";
import { signatureOf } from "../model/verdict.ts";
import { attemptLine, forwardLine } from "../receiver/event-report.ts";
import { proofText } from "../reports/event.ts";
import { noPaint } from "../reports/paint.ts";
import { locate } from "../util/json.ts";
import { prettyJson } from "../util/json-print.ts";
import { cutText } from "../util/text.ts";
import type { EventDetails, EventRow } from "./api.ts";

export function eventRow(products: readonly Product[], row: LogRow, showSecrets: boolean): EventRow {
  return {
    n: row.n,
    at: row.receivedAt.toISOString(),
    method: row.method,
    path: showSecrets ? row.url : maskUrl(row.url, row.secretFields),
    product: row.product ?? null,
    format: row.format ?? null,
    event: row.event ?? null,
    records: row.records,
    sender: row.sender,
    schema_ok: row.schemaOk ?? null,
    custom: row.schemaOk === undefined && isCustomEvent(products, row),
    status: row.status ?? null,
    duplicate_of: row.duplicateOf ?? null,
    reconstructed: row.reconstructed,
    state: row.state,
    bytes: row.bytes,
    app_status: row.lastAttempt?.status ?? null,
    app_latency_ms: row.lastAttempt?.latencyMs ?? null,
  };
}

export function eventDetails(
  products: readonly Product[],
  entry: LogEntry,
  row: EventRow,
  hidden: KnownSecrets | undefined,
): EventDetails {
  const event = entryEvent(products, entry, hidden);
  const { receipt, body } = event;
  const { payload, problem } = receipt;
  const { cutTo, masked, remote = null } = event.logged;
  const pretty = payload?.text === undefined ? null : prettyJson(payload.text);
  const unknown = whyUnknown(receipt);
  return {
    ...row,
    headers: event.headers,
    raw: isUtf8(body) ? body.toString("utf8") : null,
    pretty,
    fields:
      payload === undefined || payload.fields.length === 0
        ? null
        : payload.fields.map(([name, value]) => ({ name, value })),
    masked,
    cut: cutTo !== undefined,
    remote,
    refusal: entry.refusal ?? null,
    problem: problem === undefined ? null : problemText(problem),
    signatures: receipt.verdicts.map((verdict) => {
      const { id, result } = signatureOf(verdict);
      return { id, result, text: proofText(verdict, noPaint) };
    }),
    issues: (receipt.schema?.issues ?? []).map((issue) => ({
      path: pathText(issue.path),
      text: describeIssue(issue),
      line: pretty === null ? null : locate(pretty, issue.path).line,
    })),
    notes: [
      ...(cutTo === undefined ? [] : [cutText(cutTo, "its body")]),
      ...(receipt.handshake === undefined ? [] : ["a challenge, no event"]),
      ...(unknown === undefined ? [] : [unknown]),
      ...nearestNotes(receipt, entry.refusal !== undefined || unknown !== undefined),
      ...(payload?.wrappedIn === undefined ? [] : [`the JSON is in the field ${payload.wrappedIn}`]),
    ],
    attempts: event.logged.attempts.map(attemptLine),
    forwards: event.logged.forwards.map(forwardLine),
  };
}
