import { maskDelivery, secretFieldNames } from "../delivery/mask.ts";
import { readPayload } from "../delivery/payload.ts";
import { dayHeadings } from "../history/entry.ts";
import { type EventNumber, requireEntry, requireWholeBody, useLog } from "../history/open-log.ts";
import type { LogEntry } from "../log/log.ts";
import type { Verdict } from "../model/product.ts";
import { verdictText } from "../model/verdict.ts";
import type { Workspace } from "../workspace/workspace.ts";
import type { InputPayload } from "./read-input.ts";
import type { VerifiedReport } from "./reports.ts";

/** A delivery of the log as an input of `verify`. */
export interface LoggedInput {
  readonly file: string;
  readonly payload: InputPayload;
  /** The report as it is printed. */
  shown(report: VerifiedReport): VerifiedReport;
}

export async function loggedInput(workspace: Workspace, n: EventNumber): Promise<LoggedInput> {
  const entry = await useLog(workspace, async (log) => requireWholeBody(await requireEntry(log, n)));
  const { delivery, product, receivedAt: at } = entry;
  return {
    file: `#${entry.n}`,
    payload: { line: undefined, delivery, complete: true, inPlace: false, product, at, problem: undefined },
    shown: (report) => ({
      ...withoutSecrets(report, entry),
      notes: [...report.notes, ...arrivalNotes(report, entry)],
      answered: { at, status: entry.status, day: dayHeadings(workspace.now())(at) },
    }),
  };
}

function withoutSecrets(report: VerifiedReport, { delivery }: LogEntry): VerifiedReport {
  const shown = maskDelivery(delivery, secretFieldNames(report.receipt.verdicts));
  const read = readPayload(shown);
  return {
    ...report,
    body: shown.body,
    receipt: { ...report.receipt, payload: read.ok ? read.payload : undefined },
  };
}

/** Notes what `listen` found with a secret that is missing here. */
function arrivalNotes({ receipt }: VerifiedReport, { verdicts }: LogEntry): readonly string[] {
  const isChecked = ({ verdict }: Verdict): boolean => verdict === "passed" || verdict === "failed";
  const unchecked = receipt.verdicts.filter((verdict) => !isChecked(verdict)).map(({ id }) => id);
  return verdicts
    .filter((verdict) => isChecked(verdict) && unchecked.includes(verdict.id))
    .map((verdict) => {
      const again = verdict.verdict === "failed" ? "; to see why, run this in a terminal where the secret is set" : "";
      return `when it arrived: ${verdictText(verdict)}${again}`;
    });
}
