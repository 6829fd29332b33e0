import { readPayload } from "../../body/payload.ts";
import type { Context } from "../../context.ts";
import { chosenNames, maskDelivery } from "../../core/mask.ts";
import type { InputPayload } from "../../core/verify-input.ts";
import type { VerifiedReport } from "../../reports/verified.ts";
import { usageError } from "../../util/errors.ts";
import { parseNumber, requireEntry, withLog } from "../events/options.ts";

/** A delivery of the log as an input of `verify`, with all that it came with. */
export async function loggedPayload(
  context: Context,
  which: string,
  store: string | undefined,
): Promise<{ readonly file: string; readonly payload: InputPayload }> {
  const n = parseNumber(which);
  const options = store === undefined ? {} : { store };
  const entry = await withLog(context, options, (log) => requireEntry(log, n));
  // Of one that was too large, or of no length, there is nothing to be checked.
  if (entry.status === 413) throw usageError(`#${entry.n} was too large to be kept`, "its body is not in the log");
  const { delivery, product, receivedAt } = entry;
  return {
    file: `#${entry.n}`,
    payload: {
      line: undefined,
      delivery,
      complete: true,
      inPlace: false,
      product,
      at: receivedAt,
      problem: undefined,
    },
  };
}

/** What is shown of the log has its secrets masked; what was said of its proofs stays. */
export function withoutSecrets(report: VerifiedReport, { delivery }: InputPayload): VerifiedReport {
  const shown = maskDelivery(delivery, chosenNames(report.receipt.verdicts));
  const read = readPayload(shown);
  return {
    ...report,
    body: shown.body,
    receipt: { ...report.receipt, payload: read.ok ? read.payload : undefined },
  };
}
