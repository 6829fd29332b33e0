import { hiddenSecrets } from "../events/entry.ts";
import type { Report } from "../process/messages.ts";
import type { Output } from "../process/output.ts";
import type { Context } from "../project/context.ts";
import { overrideContext } from "../project/context.ts";
import { renderReport } from "../terminal/context.ts";
import { paintFor } from "../terminal/paint.ts";
import { noProgress } from "../terminal/progress.ts";
import { ExitCode } from "../util/errors.ts";
import type { Outcome } from "./api.ts";

const COLUMNS = 100;

/** Runs a command's function without a terminal: what would be asked is refused, and what it reports is returned. */
export async function capture(
  context: Context,
  work: (context: Context) => Promise<ExitCode>,
  showSecrets: boolean,
): Promise<Outcome> {
  const hidden = hiddenSecrets(context, { showSecrets });
  let text = "";
  const lines: Outcome["lines"][number][] = [];
  const output: Output = {
    write(more) {
      text += hidden?.mask(more) ?? more;
    },
    backlog: () => 0,
    taken: () => 0,
    isTTY: false,
    columns: COLUMNS,
  };
  const paint = await paintFor(output, context, false);
  const style = { out: paint, err: paint, verbose: false, quiet: false };
  const captured = overrideContext(context, {
    stdout: output,
    stderr: output,
    stdin: { isTTY: false, read: async () => Buffer.alloc(0), async *chunks() {} },
    report(report: Report) {
      const { out = "", err = "" } = renderReport(report, context, { style, hidden });
      text += out + err;
      const { out: json = "" } = renderReport(report, context, { style: "json", hidden });
      for (const line of json.split("\n")) if (line !== "") lines.push(JSON.parse(line));
    },
    verbose: false,
    quiet: false,
    json: false,
    prompts: async () => undefined,
    waiting: <R>(_: string, wait: () => Promise<R>) => wait(),
    progress: () => noProgress,
  });
  const ok = (await work(captured)) === ExitCode.ok;
  return { ok, text, lines };
}
