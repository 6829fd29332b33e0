import { readPayload } from "../delivery/payload.ts";
import type { Log, LogFilter, LogListOptions } from "../log/log.ts";
import { isBodyCut } from "../log/retention.ts";
import type { Product } from "../model/product.ts";
import { projectProducts } from "../own-products/project-products.ts";
import type { Context } from "../project/context.ts";
import { loadConfig } from "../project/load.ts";
import type { ExitCode } from "../util/errors.ts";
import { counted } from "../util/units.ts";
import { DamageReport } from "./entry.ts";
import { type FilterOptions, isFiltered, readFilter } from "./filter.ts";
import type { DriftLine, DriftsReport } from "./lines.ts";
import { withLog } from "./open-log.ts";
import { driftOf, hasDrifted } from "./schema-drift.ts";
import { createTraffic, type Traffic } from "./traffic.ts";

/** Reports where the deliveries of the log differ from the schemas of their events. */
export async function drift(context: Context<DriftLine | DriftsReport>, options: FilterOptions): Promise<ExitCode> {
  const config = loadConfig(context);
  const products = await projectProducts(config);
  const filter = readFilter(options, context.now(), products);
  return withLog(context, config, async (log) => {
    const damage = new DamageReport(context);
    const { onDamaged } = damage;
    const read = () => observeLog(log, products, { filter, onDamaged });
    const traffic = await context.waiting("reading the log", read);
    damage.report();
    const events = traffic.events();
    const drifts = events.map(driftOf).filter((each) => hasDrifted(each) || each.unseen.length > 0);
    const overlooked = traffic.overlooked();
    if (drifts.length > 0 || overlooked > 0) {
      for (const line of drifts) context.report(line);
      context.report({ type: "drifts", person: { drifts, brief: false, overlooked, moreCommand: undefined } });
    } else {
      const deliveries = events.reduce((sum, { observer }) => sum + observer.root.count, 0);
      const none = `no drift: ${counted(deliveries, "delivery matches its schema", "deliveries match their schemas")}`;
      const nothing = `nothing to compare: no delivery ${isFiltered(options) ? "matches" : "is in the log"}, not counting unknown events, duplicates, wrong signatures and tokens, and samples posted by send`;
      context.report({ type: "notice", message: deliveries === 0 ? nothing : none });
    }
    return damage.exitCode;
  });
}

interface ObserveOptions extends Pick<LogListOptions, "onDamaged"> {
  readonly filter: LogFilter;
}

/** The shapes of the logged events. */
export async function observeLog(
  log: Log,
  products: readonly Product[],
  { filter, onDamaged }: ObserveOptions,
): Promise<Traffic> {
  const traffic = createTraffic(products);
  for await (const entry of log.entries(filter, { order: "oldest", onDamaged })) {
    if (isBodyCut(entry)) continue;
    traffic.add(entry, () => {
      const read = readPayload(entry.delivery);
      return read.ok ? read.payload.data : undefined;
    });
  }
  return traffic;
}
