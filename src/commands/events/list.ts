import type { Context } from "../../context.ts";
import { ExitCode, usageError } from "../../core/errors.ts";
import { parseWhole } from "../../core/units.ts";
import { projectProducts } from "../configured-products.ts";
import { DamageTeller } from "./damage-teller.ts";
import { dayHeadings, entryEvent } from "./entry-event.ts";
import { type FilterOptions, isFiltered, readFilter } from "./filter-flags.ts";
import { type LogOptions, withLog } from "./open-log.ts";
import { roomOnStdout } from "./room-on-stdout.ts";

export interface ListOptions extends FilterOptions, LogOptions {
  readonly limit?: string;
  readonly all?: boolean;
}

const DEFAULT_LIMIT = "50";

export async function list(context: Context, options: ListOptions): Promise<ExitCode> {
  if (options.all === true && options.limit !== undefined) throw usageError("--all and --limit exclude each other");
  const limit =
    options.all === true
      ? Number.POSITIVE_INFINITY
      : parseWhole(options.limit ?? DEFAULT_LIMIT, "--limit", 1, 1_000_000_000);
  const products = await projectProducts(context);
  const filter = readFilter(options, context.now(), products);
  return withLog(context, options, async (log) => {
    const headingOf = dayHeadings(context.now());
    const damage = new DamageTeller(context);
    let count = 0;
    // One more than is shown, to know whether there is one.
    for await (const entry of log.entries(filter, { limit: limit + 1, onDamaged: damage.onDamaged })) {
      await roomOnStdout(context);
      if (context.signal.aborted) return ExitCode.ok;
      if (count === limit) {
        context.report({ type: "notice", message: `showing the newest ${count}; use --limit or --all for more` });
        break;
      }
      count++;
      context.report(entryEvent(products, entry, options.showSecrets, { heading: headingOf(entry.receivedAt) }));
    }
    damage.tell();
    if (count === 0 && damage.exitCode === ExitCode.ok)
      context.report({ type: "notice", message: nothing(options, log.path) });
    return damage.exitCode;
  });
}

export function nothing(options: FilterOptions, path: string): string {
  return isFiltered(options)
    ? "no delivery in the log matches"
    : `the event log ${path} is empty: nothing has been received yet, or everything was pruned`;
}
