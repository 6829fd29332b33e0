import type { Context } from "../../context.ts";
import { ExitCode } from "../../core/errors.ts";
import { projectProducts } from "../configured-products.ts";
import { type FilterOptions, readFilter } from "./filter-flags.ts";
import { nothing } from "./list.ts";
import { type LogOptions, withLog } from "./open-log.ts";

export async function stats(context: Context, options: FilterOptions & LogOptions): Promise<ExitCode> {
  const products = await projectProducts(context);
  const filter = readFilter(options, context.now(), products);
  return withLog(context, options, async (log) => {
    const counts = await log.stats(filter);
    if (counts.total.received === 0 && !context.json) {
      context.report({ type: "notice", message: nothing(options, log.path) });
    } else {
      context.report({ type: "log-stats", ...counts });
    }
    return ExitCode.ok;
  });
}
