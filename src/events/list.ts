import { isDesigned } from "../contract/event-names.ts";
import type { Verdict } from "../contract/product.ts";
import { projectProducts } from "../custom/project-products.ts";
import type { Progress } from "../process/messages.ts";
import { waitForDrain } from "../process/output.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { parseInteger } from "../util/units.ts";
import { emptyMessage } from "./empty-message.ts";
import { DamageReport, dayHeadings, entryEvent, hiddenSecrets } from "./entry.ts";
import { type FilterOptions, readFilter } from "./filter.ts";
import { follow } from "./follow.ts";
import { type LogOptions, parseNumber, requireEntry, storeFlag, withLog } from "./open-log.ts";

interface ListOptions extends FilterOptions, LogOptions {
  readonly limit?: string;
  readonly all?: boolean;
  readonly follow?: boolean;
}

const DEFAULT_LIMIT = "50";

export async function list(context: Context, options: ListOptions): Promise<ExitCode> {
  if (options.all === true && options.limit !== undefined) throw usageError("--all and --limit cannot be combined");
  if (options.follow === true && options.failed === true)
    throw usageError("--follow and --failed cannot be combined: a delivery that has just come has not failed yet");
  const limit =
    options.all === true
      ? Number.POSITIVE_INFINITY
      : parseInteger(options.limit ?? DEFAULT_LIMIT, "--limit", options.follow === true ? 0 : 1, 1_000_000_000);
  const products = await projectProducts(context, { schemas: false });
  const filter = readFilter(options, context.now(), products);
  return withLog(context, options, async (log) => {
    if (options.follow === true) return follow(context, { log, filter, options, products, limit });
    const headingOf = dayHeadings(context.now());
    const damage = new DamageReport(context);
    let progress: Progress | undefined;
    const onSearched = (searched: number, total: number): void => {
      progress ??= context.progress(total);
      progress.advance(searched, 0);
    };
    const { onDamaged } = damage;
    let count = 0;
    // One more than is shown, to find out whether there are more.
    for await (const entry of log.entries(filter, { limit: limit + 1, onDamaged, onSearched })) {
      await waitForDrain(context);
      progress?.end();
      if (context.signal.aborted) return ExitCode.ok;
      if (count === limit) {
        context.report({ type: "notice", message: `showing the newest ${count}; use --limit or --all for more` });
        break;
      }
      count++;
      context.report(
        entryEvent(products, entry, hiddenSecrets(context, options), { heading: headingOf(entry.receivedAt) }),
      );
    }
    progress?.end();
    damage.report();
    if (count === 0 && damage.exitCode === ExitCode.ok)
      context.report({ type: "notice", message: emptyMessage(options, log.path) });
    return damage.exitCode;
  });
}

export async function show(context: Context, which: string, options: LogOptions): Promise<ExitCode> {
  const n = parseNumber(which);
  const products = await projectProducts(context, { schemas: false });
  return withLog(context, options, async (log, config) => {
    const entry = await requireEntry(log, n);
    const event = entryEvent(products, entry, hiddenSecrets(context, options));
    const isCut = event.logged.cutTo !== undefined;
    const why = isCut ? undefined : explainCommand(context, config, entry.n, entry.verdicts);
    context.report({ type: "entry", event: { ...event, explainCommand: why } });
    return ExitCode.ok;
  });
}

export async function stats(context: Context, options: FilterOptions & LogOptions): Promise<ExitCode> {
  const products = await projectProducts(context, { schemas: false });
  const filter = readFilter(options, context.now(), products);
  return withLog(context, options, async (log) => {
    const counts = await log.stats(filter, (event) => isDesigned(products, event));
    if (counts.total.received === 0 && !context.json) {
      context.report({ type: "notice", message: emptyMessage(options, log.path) });
    } else {
      context.report({ type: "log-stats", ...counts });
    }
    return ExitCode.ok;
  });
}

/** The command that explains a wrong signature or token; undefined where none is wrong or the delivery is not in the log. */
export function explainCommand(
  { invocation }: Pick<Context, "invocation">,
  config: Pick<Config, "settings" | "origins">,
  n: number,
  verdicts: readonly Verdict[],
): string | undefined {
  if (n === 0 || config.settings.store === false || !verdicts.some(isFailedProof)) return undefined;
  return `${invocation} verify --logged ${n} --explain${storeFlag(config)}`;
}

/** An address that is not on the list needs no explanation. */
function isFailedProof({ id, verdict }: Verdict): boolean {
  return verdict === "failed" && id !== "source-address";
}
