import { isCustomEvent } from "../contract/event-names.ts";
import { projectProducts } from "../custom/project-products.ts";
import type { Progress } from "../process/messages.ts";
import { waitForDrain } from "../process/output.ts";
import type { Context } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { isStdoutClosed } from "../util/timing.ts";
import { parseInteger } from "../util/units.ts";
import { reportCurl } from "./curl.ts";
import { DamageReport, dayHeadings, entryEvent, hiddenSecrets, type MaskOptions } from "./entry.ts";
import { emptyMessage, type FilterOptions, readFilter } from "./filter.ts";
import { follow } from "./follow.ts";
import { explainCommand, parseNumber, requireEntry, requireWholeBody, withLog } from "./open-log.ts";

interface ListOptions extends FilterOptions, MaskOptions {
  readonly limit?: string;
  readonly all?: boolean;
  readonly follow?: boolean;
}

export async function list(context: Context, options: ListOptions): Promise<ExitCode> {
  const { all, follow: follows } = options;
  if (all && options.limit !== undefined) throw usageError("--all and --limit cannot be combined");
  if (follows && options.until !== undefined)
    throw usageError("--follow and --until cannot be combined: --follow shows what comes from now on");
  const least = follows ? 0 : 1;
  const limit = all ? Number.POSITIVE_INFINITY : parseInteger(options.limit ?? "50", "--limit", least, 1_000_000_000);
  const config = loadConfig(context);
  const products = await projectProducts(config, { schemas: false });
  const filter = readFilter(options, context.now(), products);
  if (follows && filter.only?.includes("failed"))
    throw usageError("--follow and --only failed cannot be combined: a delivery that has just come has not failed yet");
  return withLog(context, config, async (log) => {
    if (follows) return follow(context, { log, filter, options, products, limit });
    const hidden = hiddenSecrets(context, options);
    const headingOf = dayHeadings(context.now());
    const damage = new DamageReport(context);
    const { onDamaged } = damage;
    let progress: Progress | undefined;
    const onSearched = (searched: number, total: number): void => {
      progress ??= context.progress(total);
      progress.advance(searched, 0);
    };
    let count = 0;
    // One more than is shown, to find out whether there are more.
    for await (const entry of log.entries(filter, { limit: limit + 1, onDamaged, onSearched })) {
      await waitForDrain(context);
      progress?.end();
      // `| head` closes the pipe once it has enough; what Ctrl-C cut short is not the whole list.
      if (isStdoutClosed(context.signal)) return ExitCode.ok;
      if (context.signal.aborted) throw context.signal.reason;
      if (count === limit) {
        context.report({ type: "notice", message: `showing the newest ${count}; use --limit or --all for more` });
        break;
      }
      count++;
      context.report(entryEvent(products, entry, hidden, { heading: headingOf(entry.receivedAt) }));
    }
    progress?.end();
    damage.report();
    if (count === 0 && damage.exitCode === ExitCode.ok)
      context.report({ type: "notice", message: emptyMessage(options, filter, log.path) });
    return damage.exitCode;
  });
}

interface ShowOptions extends MaskOptions {
  readonly curl?: boolean;
}

export async function show(context: Context, which: string, options: ShowOptions): Promise<ExitCode> {
  const n = parseNumber(which);
  const config = loadConfig(context);
  const products = await projectProducts(config, { schemas: false });
  return withLog(context, config, async (log) => {
    const entry = await requireEntry(log, n);
    const event = entryEvent(products, entry, hiddenSecrets(context, options));
    if (options.curl === true) {
      requireWholeBody(entry);
      await reportCurl(context, config, event);
      return ExitCode.ok;
    }
    const isCut = event.logged.cutTo !== undefined;
    const why = isCut ? undefined : explainCommand(context, config, entry.n, entry.verdicts);
    context.report({ type: "event-details", event: { ...event, explainCommand: why } });
    return ExitCode.ok;
  });
}

export async function stats(context: Context, options: FilterOptions): Promise<ExitCode> {
  const config = loadConfig(context);
  const products = await projectProducts(config, { schemas: false });
  const filter = readFilter(options, context.now(), products);
  return withLog(context, config, async (log) => {
    const { periods: hours, ...counts } = await log.stats(filter, {
      isCustom: (event) => isCustomEvent(products, event),
    });
    const isEmpty = counts.total.received === 0 && !context.json;
    context.report(
      isEmpty
        ? { type: "notice", message: emptyMessage(options, filter, log.path) }
        : { type: "log-stats", hours, ...counts },
    );
    return ExitCode.ok;
  });
}
