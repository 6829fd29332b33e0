import type { Context } from "../../context.ts";
import { ExitCode } from "../../core/errors.ts";
import { projectProducts } from "../configured-products.ts";
import { entryEvent } from "./entry-event.ts";
import { type LogOptions, parseNumber, requireEntry, withLog } from "./open-log.ts";

export async function show(context: Context, which: string, options: LogOptions): Promise<ExitCode> {
  const n = parseNumber(which);
  const products = await projectProducts(context);
  return withLog(context, options, async (log) => {
    const entry = await requireEntry(log, n);
    context.report({ type: "entry", event: entryEvent(products, entry, options.showSecrets) });
    return ExitCode.ok;
  });
}
