import type { JsonLine } from "./json-line.ts";
import type { KeptFacts } from "./log-report.ts";
import { problemText } from "./payload.ts";
import type { Receipt } from "./receive.ts";
import type { EventReport } from "./report.ts";

/** The JSON line of a delivery, received now or read from the log. A line of it is an input of `verify`. */
export function eventLine(report: EventReport): JsonLine {
  return {
    type: "event",
    n: report.n,
    at: report.at.toISOString(),
    ...receiptFields(report.receipt),
    method: report.method,
    path: report.path,
    headers: report.headers,
    body_b64: report.body.toString("base64"),
    body: report.receipt.payload?.data ?? null,
    duplicate_of: report.duplicateOf ?? null,
    status: report.status ?? null,
    refusal: report.refusal ?? null,
    ...(report.kept === undefined ? {} : keptFields(report.kept)),
  };
}

function keptFields({ state, remote, masked, bytes, attempts, forwards }: KeptFacts): JsonLine {
  return {
    state,
    remote: remote ?? null,
    masked,
    bytes,
    attempts: attempts.map(({ attempt, target, at, status, latencyMs, error, reply }) => ({
      attempt,
      target,
      at: at.toISOString(),
      status: status ?? null,
      latency_ms: Number(latencyMs.toFixed(2)),
      error: error ?? null,
      reply: reply ?? null,
    })),
    forwards: forwards.map(({ target, state, attempts, dueAt }) => ({
      target,
      state: state.replace("-", "_"),
      attempts,
      due_at: dueAt?.toISOString() ?? null,
    })),
  };
}

export function receiptFields(receipt: Receipt): JsonLine {
  return {
    product: receipt.product ?? null,
    format: receipt.format ?? null,
    event: receipt.event ?? null,
    known: receipt.known,
    records: receipt.records,
    proofs: receipt.verdicts.map(({ id, proves, verdict, reason, match }) => ({ id, proves, verdict, reason, match })),
    schema:
      receipt.schema === undefined
        ? null
        : {
            ok: receipt.schema.ok,
            issues: receipt.schema.issues.map(({ at, expected, received }) => ({ path: at, expected, received })),
          },
    problem: receipt.problem === undefined ? null : problemText(receipt.problem),
    identity: receipt.identity ?? null,
    hint: receipt.hint ?? null,
  };
}
