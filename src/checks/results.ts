import { MASK, maskText } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import { counted } from "../util/units.ts";
import { type Check, groupOf, type Result } from "./endpoint/check.ts";
import type { Subject } from "./endpoint/subject.ts";
import type { JUnitCase } from "./junit.ts";
import type { CheckOutcome, CheckReport } from "./reports.ts";

export type Results = ReturnType<typeof createResults>;

/** Reports each result at once. For people, checks that are skipped for the same reason share one line. */
export function createResults(context: Context, subject: Subject) {
  const counts: Record<CheckOutcome, number> = { passed: 0, warning: 0, failed: 0, skipped: 0 };
  const cases: JUnitCase[] = [];
  const skippedFor = new Map<string, string[]>();
  const reasons = new Set<string>();
  const mask = maskerOf(context, subject);
  return {
    cases: cases as readonly JUnitCase[],
    get failed() {
      return counts.failed;
    },
    add(check: Check, result: Result): void {
      const report = mask(reportOf(check, result));
      const { id, outcome, text, details = {}, remedy } = report;
      counts[outcome]++;
      const lines = Object.entries(details).map(([label, detail]) => `${label}: ${detail}`);
      cases.push({
        group: groupOf(check),
        name: id,
        outcome,
        text,
        details: [...lines, ...(remedy === undefined ? [] : [remedy])],
      });
      if (context.json) context.report(report);
      else if (outcome === "skipped") skippedFor.set(text, [...(skippedFor.get(text) ?? []), id]);
      else {
        // A person needs each reason once; scripts read each line by itself.
        const { why = "", ...rest } = details;
        context.report(reasons.has(why) ? { ...report, details: rest } : report);
        reasons.add(why);
      }
    },
    end(seconds: number): void {
      for (const [text, ids] of skippedFor) context.report(skippedReport(text, ids));
      context.report({ type: "check-summary", ...counts, seconds });
    },
  };
}

function reportOf({ id, title, why, remedy }: Check, result: Result): CheckReport {
  const { outcome, text, sent, received } = result;
  const report = { type: "check", id, outcome } as const;
  if (outcome === "passed") return { ...report, text: text === "" ? title : `${title} (${text})` };
  if (outcome === "skipped") return { ...report, text };
  const details = {
    ...(sent === undefined ? {} : { sent }),
    ...(received === undefined ? {} : { "came back": received }),
    why,
  };
  return { ...report, text, details, remedy: result.remedy ?? remedy };
}

/** More are not named. */
const MAX_NAMED = 6;

function skippedReport(text: string, ids: readonly string[]): CheckReport {
  const [id = ""] = ids;
  const report = { type: "check", outcome: "skipped", text } as const;
  if (ids.length === 1) return { ...report, id };
  return {
    ...report,
    id: counted(ids.length, "check"),
    ...(ids.length > MAX_NAMED ? {} : { details: { skipped: ids.join(", ") } }),
  };
}

const MAX_DETAIL = 240;

/** An answer may repeat the secrets that it was sent. Here also short ones are masked: checks quote whole answers. */
function maskerOf(
  { knownSecrets }: Context,
  { format, product, secrets }: Subject,
): (report: CheckReport) => CheckReport {
  const values = format.proofs
    .flatMap(({ credential, signingCredential }) =>
      [credential, signingCredential ?? credential].flatMap((each) => secrets.for(each, product.id)),
    )
    // As JSON.stringify shows it in an answer, too.
    .flatMap(({ reveal }) => [reveal(), JSON.stringify(reveal()).slice(1, -1)]);
  // First as a whole: after maskText or a cut, a part of a secret might be left.
  const mask = (text: string): string =>
    maskText(knownSecrets.maskCut(values.reduce((masked, value) => masked.replaceAll(value, MASK), text)));
  const cut = (text: string): string => (text.length <= MAX_DETAIL ? text : `${text.slice(0, MAX_DETAIL)}…`);
  return ({ text, details = {}, ...report }) => ({
    ...report,
    text: mask(text),
    details: Object.fromEntries(Object.entries(details).map(([label, detail]) => [label, cut(mask(detail))])),
  });
}
