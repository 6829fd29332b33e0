import { receiptFields } from "../../core/event-line.ts";
import type { JsonLine } from "../../core/json-line.ts";
import type { VerifiedReport, VerifySummaryReport } from "../../core/report.ts";
import { whyUnknown } from "../../core/why-unknown.ts";

/** The fields of an `event` line, with `file`, `line` and `outcome`, and a place for each issue that has one. */
export function verifiedLine(report: VerifiedReport): JsonLine {
  const { receipt, positions, problemPosition } = report;
  const { schema } = receipt;
  return {
    type: "verified",
    file: report.file,
    line: report.line ?? null,
    outcome: report.outcome.replace("-", "_"),
    ...receiptFields(receipt),
    ...(schema === undefined
      ? {}
      : {
          schema: {
            ok: schema.ok,
            issues: schema.issues.map(({ at, expected, received }, i) => ({
              path: at,
              expected,
              received,
              ...(positions[i] ?? {}),
            })),
          },
        }),
    ...(receipt.problem === undefined
      ? { problem: whyUnknown(receipt) ?? null }
      : { problem: receipt.problem.reason, problem_at: problemPosition ?? null }),
    notes: report.notes,
    body_b64: report.body.toString("base64"),
    body: receipt.payload?.data ?? null,
    ...explanationFields(report),
  };
}

function explanationFields({ explanations, showExpected }: VerifiedReport): JsonLine {
  if (explanations.length === 0) return {};
  return {
    explanations: explanations.map(({ proof, explanation: { canonical, findings, received, expected } }) => ({
      proof,
      canonical,
      findings,
      ...(showExpected ? { received: received ?? null, expected: expected ?? null } : {}),
    })),
  };
}

export function verifySummaryLine({ count, ok, proofFailed, masked, invalid }: VerifySummaryReport): JsonLine {
  return { type: "verify_summary", count, ok, proof_failed: proofFailed, masked, invalid };
}
