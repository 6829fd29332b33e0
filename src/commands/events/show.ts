import type { Context } from "../../context.ts";
import { ExitCode } from "../../core/errors.ts";
import { projectProducts } from "../configured-products.ts";
import { explainCommand } from "../explain-command.ts";
import { entryEvent } from "./entry-event.ts";
import { type LogOptions, parseNumber, requireEntry, withLog } from "./open-log.ts";

export async function show(context: Context, which: string, options: LogOptions): Promise<ExitCode> {
  const n = parseNumber(which);
  const products = await projectProducts(context);
  return withLog(context, options, async (log, config) => {
    const entry = await requireEntry(log, n);
    const event = entryEvent(products, entry, options.showSecrets);
    const why = explainCommand(context, config, entry.n, entry.verdicts);
    context.report({ type: "entry", event: { ...event, explainCommand: why } });
    return ExitCode.ok;
  });
}
