import type { Receipt } from "../../core/receive.ts";
import type { EventReport, VerifiedReport } from "../../core/report.ts";

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
    status: report.status,
    refusal: report.refusal ?? null,
  };
}

export function verifiedLine(report: VerifiedReport): Line {
  const { schema } = report.receipt;
  return {
    type: "verified",
    file: report.file,
    ...receiptFields(report.receipt),
    schema:
      schema === undefined
        ? null
        : {
            ok: schema.ok,
            issues: schema.issues.map(({ at, expected, received }, i) => ({
              path: at,
              expected,
              received,
              ...(report.positions[i] ?? {}),
            })),
          },
    body_b64: report.body.toString("base64"),
    body: report.receipt.payload?.data ?? null,
    ...(report.explanations.length === 0
      ? {}
      : {
          explanations: report.explanations.map(({ proof, explanation }) => ({
            proof,
            canonical: explanation.canonical,
            findings: explanation.findings,
            ...(report.showExpected
              ? { received: explanation.received ?? null, expected: explanation.expected ?? null }
              : {}),
          })),
        }),
  };
}

function receiptFields(receipt: Receipt): Line {
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
    problem: receipt.problem?.reason ?? null,
    identity: receipt.identity ?? null,
  };
}
