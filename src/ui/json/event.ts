import { problemText } from "../../core/payload.ts";
import type { Receipt } from "../../core/receive.ts";
import type { EventReport } from "../../core/report.ts";

type Line = Readonly<Record<string, unknown>>;

export function eventLine(report: EventReport): Line {
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
  };
}

export function receiptFields(receipt: Receipt): Line {
  return {
    product: receipt.product ?? null,
    format: receipt.format ?? null,
    event: receipt.event ?? null,
    known: receipt.known,
    records: receipt.records,
    proofs: receipt.verdicts,
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
