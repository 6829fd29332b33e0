import { hiddenSecrets } from "../events/entry.ts";
import type { Report } from "../process/messages.ts";
import type { Output } from "../process/output.ts";
import type { Context } from "../project/context.ts";
import { overrideContext } from "../project/context.ts";
import { hasSucceeded } from "../send/reports.ts";
import { renderReport } from "../terminal/context.ts";
import { withCommandsAsCalled } from "../terminal/failure.ts";
import { noProgress } from "../terminal/progress.ts";
import { ExitCode } from "../util/errors.ts";
import type { JsonLine } from "../util/text.ts";
import type { Door, Operation } from "./index.ts";
import type { Outcome } from "./outcome.ts";

/** Runs an operation without a terminal: what would be asked is refused, and what it reports is returned. */
export async function perform<Input>(
  context: Context,
  operation: Operation<Input>,
  input: Input,
  door: Door,
): Promise<Outcome> {
  const hidden = hiddenSecrets(context, door);
  const lines: JsonLine[] = [];
  const notes: string[] = [];
  const isKept = createLimit();
  const report = (given: Report): void => {
    if (given.type === "notice") {
      const { message } = withCommandsAsCalled(given, context) as typeof given;
      notes.push(hidden?.mask(message) ?? message);
    } else if (isKept(given)) {
      const { out = "" } = renderReport(given, context, { style: "json", hidden });
      for (const line of out.split("\n")) if (line !== "") lines.push(JSON.parse(line));
    }
  };
  const withoutTerminal = overrideContext(context, {
    report,
    stdout: NO_OUTPUT,
    stdin: { isTTY: false, read: async () => Buffer.alloc(0), async *chunks() {} },
    verbose: false,
    quiet: false,
    prompts: async () => undefined,
    waiting: <R>(_: string, wait: () => Promise<R>) => wait(),
    progress: () => noProgress,
  });
  const ok = (await operation.run(withoutTerminal, input, door)) === ExitCode.ok;
  const leftOut = isKept.leftOut();
  return { ok, lines: leftOut === 0 ? lines : [...lines, { left_out: leftOut }], notes };
}

const NO_OUTPUT: Output = { write() {}, backlog: () => 0, taken: () => 0, isTTY: false, columns: undefined };

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
      return !hasSucceeded(report);
    case "verified":
      return report.outcome !== "valid" && report.outcome !== "custom";
    case "request":
      return false;
    default:
      return undefined;
  }
}
