import { waitForDrain } from "../process/output.ts";
import type { Context, Sink } from "../project/context.ts";
import type { Report } from "../reports/text.ts";
import type { ExitCode } from "../util/errors.ts";
import { isStdoutClosed } from "../util/timing.ts";
import type { Run } from "../workspace/workspace.ts";

/** Reports what an operation yields. */
export async function reportAll(sink: Pick<Sink<Report>, "report">, run: Run<Report>): Promise<ExitCode> {
  for (;;) {
    const { done, value } = await run.next(undefined);
    if (done) return value;
    sink.report(value);
  }
}

/** Shows on standard output what an operation yields, as fast as it is read. Rejects with the signal's reason after Ctrl-C. */
export async function present(context: Context<Report>, run: Run<Report>): Promise<ExitCode> {
  let isRead = true;
  for (;;) {
    const { done, value } = await run.next(isRead);
    if (done) return value;
    context.report(value);
    if (context.stdout.backlog() === 0 || (await waitForDrain(context))) continue;
    // `| head` closes the pipe once it has enough.
    isRead = false;
    if (isStdoutClosed(context.signal)) continue;
    await run.return(0);
    throw context.signal.reason;
  }
}
