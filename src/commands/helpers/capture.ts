import type { Context } from "../../context.ts";
import type { Output } from "../../output.ts";
import { withCommandsAsCalled } from "../../reports/failure.ts";
import { renderHuman } from "../../reports/human.ts";
import { renderJson } from "../../reports/json.ts";
import { paintFor } from "../../reports/paint.ts";
import { noProgress } from "../../reports/progress.ts";
import type { Report } from "../../reports/report.ts";
import { withMembers } from "./with-members.ts";

const COLUMNS = 100;

export interface Captured<T> {
  readonly result: T;
  /** What a person would see in a terminal of 100 columns without colours: stdout and stderr in order. */
  readonly text: string;
  /** What `--json` would print. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

/** Runs a command's function without a terminal: what would be asked is refused, and what it reports is returned. */
export async function capture<T>(context: Context, work: (context: Context) => Promise<T>): Promise<Captured<T>> {
  let text = "";
  const lines: Readonly<Record<string, unknown>>[] = [];
  const output: Output = {
    write(more) {
      text += more;
    },
    backlog: () => 0,
    taken: () => 0,
    isTTY: false,
    columns: COLUMNS,
  };
  const paint = await paintFor(output, context, false);
  const style = { out: paint, err: paint, columns: COLUMNS, errColumns: COLUMNS, verbose: false, quiet: false };
  const captured = withMembers(context, {
    stdout: output,
    stderr: output,
    stdin: { isTTY: false, read: async () => Buffer.alloc(0), async *chunks() {} },
    report(report: Report) {
      const called = withCommandsAsCalled(report, context);
      const { out = "", err = "" } = renderHuman(called, style);
      text += out + err;
      const json = renderJson(called).out ?? "";
      for (const line of json.split("\n")) if (line !== "") lines.push(JSON.parse(line));
    },
    verbose: false,
    quiet: false,
    json: false,
    prompts: async () => undefined,
    waiting: <R>(_: string, wait: () => Promise<R>) => wait(),
    progress: () => noProgress,
  });
  const result = await work(captured);
  return { result, text, lines };
}
