import type { Runtime } from "../context.ts";
import type { Report, VerifiedReport } from "../core/report.ts";
import { withPackageManager } from "./package-manager.ts";

/** A command of ours in a text, unless it stands there as it is called already: `npx zoho-hooks send`. */
const COMMAND = /(?<![\w./-]|npx |another )zoho-hooks(?= (?:--)?[a-z])/g;

/** Commands as this user starts the tool: in a project it is not on the path, and what a hint says is to be copied. */
export function asCalled(text: string, runtime: Runtime): string {
  const { invocation } = runtime;
  // What stands there as it is called already is left alone, also where the path of the program has our name in it.
  return withPackageManager(text, runtime)
    .split(invocation)
    .map((part) => part.replace(COMMAND, () => invocation))
    .join(invocation);
}

/** The report with the commands of its advice so. */
export function withCommandsAsCalled(report: Report, runtime: Runtime): Report {
  const called = (text: string): string => asCalled(text, runtime);
  const withRemedies = ({ proof, explanation }: VerifiedReport["explanations"][number]) => ({
    proof,
    explanation: {
      ...explanation,
      findings: explanation.findings.map((each) =>
        each.remedy === undefined ? each : { ...each, remedy: called(each.remedy) },
      ),
    },
  });
  if (report.type === "notice") return { ...report, message: called(report.message) };
  if (report.type === "warning" && report.hint === undefined) return { ...report, message: called(report.message) };
  const noted = "notes" in report ? { ...report, notes: report.notes.map(called) } : report;
  const said = noted.type === "verified" ? { ...noted, explanations: noted.explanations.map(withRemedies) } : noted;
  return "hint" in said && said.hint !== undefined ? { ...said, hint: called(said.hint) } : said;
}
