import { projectProducts } from "../custom/project-products.ts";
import type { Context } from "../project/context.ts";
import { driftOf, hasDrifted } from "../samples/traffic.ts";
import type { ExitCode } from "../util/errors.ts";
import { counted } from "../util/units.ts";
import { DamageReport } from "./entry.ts";
import { type FilterOptions, isFiltered, readFilter } from "./filter.ts";
import { learn, observeLog, refuseLinkedFolders } from "./observed.ts";
import { type LogOptions, withLog } from "./open-log.ts";

export interface DriftOptions extends FilterOptions, LogOptions {
  readonly learn?: boolean;
}

/** Reports where the deliveries of the log differ from the schemas of their events. */
export async function drift(context: Context, options: DriftOptions): Promise<ExitCode> {
  const products = await projectProducts(context);
  const filter = readFilter(options, context.now(), products);
  return withLog(context, options, async (log, config) => {
    const samples = options.learn === true;
    if (samples) refuseLinkedFolders(config.root, products);
    const damage = new DamageReport(context);
    const { onDamaged } = damage;
    const read = () => observeLog(log, products, { filter, samples, onDamaged });
    const traffic = await context.waiting("reading the log", read);
    damage.report();
    const events = traffic.events();
    const drifts = events.map(driftOf).filter((each) => hasDrifted(each) || each.unseen.length > 0);
    const overlooked = traffic.overlooked();
    if (drifts.length > 0 || overlooked > 0) {
      context.report({ type: "drift", drifts, brief: false, overlooked, moreCommand: undefined });
    } else {
      const deliveries = events.reduce((sum, each) => sum + each.deliveries, 0);
      const none = `no drift: ${counted(deliveries, "delivery matches its schema", "deliveries match their schemas")}`;
      const nothing = `nothing to compare: no delivery ${isFiltered(options) ? "matches" : "is in the log"}, not counting unknown events, duplicates, wrong signatures and tokens, and samples posted by send`;
      const message = deliveries === 0 ? nothing : none;
      context.report({ type: "notice", message });
    }
    if (samples) learn(context, { root: config.root, events, products });
    return damage.exitCode;
  });
}
