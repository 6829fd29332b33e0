import { hiddenSecrets } from "../history/entry.ts";
import { noProgress } from "../process/messages.ts";
import type { Context, Sink } from "../project/context.ts";
import { withCommandsAsCalled } from "../reports/failure.ts";
import { reportLines } from "../reports/render.ts";
import type { Report } from "../reports/text.ts";
import { hasSucceeded } from "../send/lines.ts";
import { ExitCode } from "../util/errors.ts";
import type { JsonLine } from "../util/text.ts";
import type { Operation } from "./index.ts";
import type { Outcome } from "./outcome.ts";
import { type Door, openWorkspaceFor } from "./workspace.ts";

/** Runs an operation without a terminal: what it reports is returned. */
export async function perform<Input>(
  context: Context,
  operation: Operation<Input>,
  input: Input,
  door: Door,
): Promise<Outcome> {
  const lines: JsonLine[] = [];
  const notes: string[] = [];
  const isKept = createLimit();
  const sink: Sink<Report> = {
    report(given: Report): void {
      const hidden = hiddenSecrets(context, door);
      if (given.type === "notice") {
        const { message } = withCommandsAsCalled(given, context) as typeof given;
        notes.push(hidden?.mask(message) ?? message);
      } else if (isKept(given)) lines.push(...reportLines(given, context, hidden));
    },
    waiting: (_, work) => work(),
    progress: () => noProgress,
    get signal() {
      return context.signal;
    },
    verbose: false,
    quiet: false,
    json: context.json,
  };
  const ok = (await operation.run(openWorkspaceFor(sink, context, door), input)) === ExitCode.ok;
  const leftOut = isKept.leftOut();
  return { ok, lines: leftOut === 0 ? lines : [...lines, { left_out: leftOut }], notes };
}

/** Reports kept of a long replay or verify. */
const MAX_SUCCESSES = 20;
const MAX_FAILURES = 100;

/** Decides which reports are kept. Of those that come once for each delivery: the first, and then the first that failed. */
function createLimit() {
  let successes = 0;
  let failures = 0;
  let leftOut = 0;
  const isKept = (report: Report): boolean => {
    const failed = hasFailed(report);
    if (failed === undefined) return true;
    const isRoom = failed ? failures++ < MAX_FAILURES : successes++ < MAX_SUCCESSES;
    if (!isRoom) leftOut++;
    return isRoom;
  };
  return Object.assign(isKept, { leftOut: () => leftOut });
}

/** Undefined for a report that is not about one delivery of many. */
function hasFailed(report: Report): boolean | undefined {
  switch (report.type) {
    case "sent":
      return report.request === undefined && !hasSucceeded(report);
    case "verified":
      return report.outcome !== "valid" && report.outcome !== "custom";
    default:
      return undefined;
  }
}
