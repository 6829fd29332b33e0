import type { Sink } from "../project/context.ts";
import { ExitCode } from "../util/errors.ts";
import { countOutcomes, type Finding } from "./finding.ts";
import type { CheckSummaryLine } from "./lines.ts";

interface RunOptions {
  show(finding: Finding): void;
  /** Shows what `show` has held back. */
  flush?(): void;
  /** Called at the end, also of a run that was interrupted. */
  write?(findings: readonly Finding[], seconds: number): void;
}

/** Shows findings as they come, then how many there are of each outcome. Resolves to the exit code of the command. */
export async function runChecks(
  sink: Pick<Sink<CheckSummaryLine>, "report">,
  findings: AsyncIterable<Finding>,
  { show, flush, write }: RunOptions,
): Promise<ExitCode> {
  const startedAt = performance.now();
  const found: Finding[] = [];
  try {
    for await (const finding of findings) {
      found.push(finding);
      show(finding);
    }
  } finally {
    flush?.();
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    sink.report({ type: "check_summary", ...countOutcomes(found), seconds });
    write?.(found, seconds);
  }
  return countOutcomes(found).failed > 0 ? ExitCode.expectation : ExitCode.ok;
}
