import { maskDelivery, secretFieldNames } from "../delivery/mask.ts";
import { readPayload } from "../delivery/payload.ts";
import type { Verdict } from "../model/product.ts";
import { type Receipt, whyUnknown } from "../model/receipt.ts";
import { verdictText } from "../model/verdict.ts";
import { receiptLine } from "../receiver/event-report.ts";
import { locate, type TextPosition } from "../util/json.ts";
import type { explainProofs } from "./explain.ts";
import { foreignInput } from "./foreign.ts";
import type { Explanation, VerifiedReport } from "./lines.ts";
import type { Arrival, InputPayload } from "./read-input.ts";
import type { VerifiedPayload } from "./verify-payload.ts";

type Explained = ReturnType<typeof explainProofs>;

interface VerifiedInput {
  readonly file: string;
  readonly payload: InputPayload;
  readonly verified: VerifiedPayload;
  readonly explained: Explained;
  readonly showExpected: boolean;
}

/** Made of the members of an `event` line, with `file`, `line` and `outcome`, and a place for each issue that has one. */
export function verifiedLine({ file, payload, verified, explained, showExpected }: VerifiedInput): VerifiedReport {
  const { arrival } = payload;
  const { body, receipt } = arrival === undefined ? asGiven(payload, verified) : withoutSecrets(arrival, verified);
  const foreign = foreignInput(payload, verified.receipt);
  return {
    type: "verified",
    file,
    line: payload.line ?? null,
    outcome: verified.outcome,
    ...receiptLine(receipt, issuePositions(verified, payload)),
    ...(arrival && { at: arrival.receivedAt.toJSON(), status: arrival.status ?? null }),
    ...(receipt.problem === undefined
      ? { problem: whyUnknown(receipt) ?? null }
      : { problem: receipt.problem.reason, problem_at: problemPosition(verified, payload) ?? null }),
    notes: [
      ...verified.notes,
      ...(foreign === undefined ? [] : [foreign]),
      ...(arrival === undefined ? [] : arrivalNotes(receipt, arrival)),
    ],
    body_b64: body.toString("base64"),
    body: receipt.payload?.data ?? null,
    ...(explained.length > 0 && { explanations: explanationsOf(explained, showExpected) }),
    person: {
      receipt,
      bytes: payload.delivery.body.length,
      summaries: explained.map(({ explanation }) => explanation.summary),
      day: arrival?.day,
    },
  };
}

interface Shown {
  readonly body: Buffer;
  readonly receipt: Receipt;
}

function asGiven({ delivery }: InputPayload, { receipt }: VerifiedPayload): Shown {
  return { body: delivery.body, receipt };
}

function withoutSecrets({ delivery }: Arrival, { receipt }: VerifiedPayload): Shown {
  const shown = maskDelivery(delivery, secretFieldNames(receipt.verdicts));
  const read = readPayload(shown);
  return { body: shown.body, receipt: { ...receipt, payload: read.ok ? read.payload : undefined } };
}

/** The position of each schema issue in the input; undefined where the body is not the input's own text. */
function issuePositions(
  { receipt: { schema, payload } }: VerifiedPayload,
  { inPlace, line = 1 }: InputPayload,
): readonly (TextPosition | undefined)[] {
  const text = inPlace && payload?.kind === "json" ? payload.text : undefined;
  return (schema?.issues ?? []).map(({ path }) => (text === undefined ? undefined : inInput(locate(text, path), line)));
}

/** The position of a syntax error in the input. */
function problemPosition({ receipt }: VerifiedPayload, { inPlace, line = 1 }: InputPayload): TextPosition | undefined {
  const position = receipt.problem?.position;
  return !inPlace || position === undefined ? undefined : inInput(position, line);
}

function inInput({ line, column }: TextPosition, firstLine: number): TextPosition {
  return { line: line + firstLine - 1, column };
}

/** Notes what `listen` found with a secret that is missing here. */
function arrivalNotes(receipt: Receipt, { verdicts }: Arrival): readonly string[] {
  const isChecked = ({ verdict }: Verdict): boolean => verdict === "passed" || verdict === "failed";
  const unchecked = receipt.verdicts.filter((verdict) => !isChecked(verdict)).map(({ id }) => id);
  return verdicts
    .filter((verdict) => isChecked(verdict) && unchecked.includes(verdict.id))
    .map((verdict) => {
      const again = verdict.verdict === "failed" ? "; to see why, run this in a terminal where the secret is set" : "";
      return `when it arrived: ${verdictText(verdict)}${again}`;
    });
}

function explanationsOf(explained: Explained, showExpected: boolean): readonly Explanation[] {
  return explained.map(({ id, explanation }) => {
    const { canonical, findings, likely = null, received = null, expected = null } = explanation;
    return { id, canonical, findings, likely, ...(showExpected && { received, expected }) };
  });
}
