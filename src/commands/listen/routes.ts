import type { Config } from "../../config/load.ts";
import { usageError } from "../../core/errors.ts";
import type { EventPattern } from "../../core/event-pattern.ts";
import type { Product } from "../../core/product.ts";
import { isLoopback } from "../../delivery/dispatchers.ts";
import { createRoutes, parseRoute, type Routes } from "../../delivery/routes.ts";

/** Where this run's events go. */
export interface RunRoutes extends Routes {
  /** All that an event can go to. */
  readonly targets: readonly string[];
  has(target: string): boolean;
}

/** Events that the user filters out are neither shown nor forwarded. */
export function runRoutes({ settings }: Config, shown: EventPattern, products: readonly Product[]): RunRoutes {
  const all = createRoutes(settings.forwardTo, settings.routes.map(parseRoute));
  const targets = all.all(products.map((product) => product.id));
  for (const target of targets) refuseOwn(target, settings);
  return {
    ...all,
    targets,
    has: (target) => targets.includes(target),
    targetsOf: (product, event) => (shown.matches(product, event) ? all.targetsOf(product, event) : []),
  };
}

/** What is forwarded to the receiver itself would come in again and again. */
function refuseOwn(target: string, { host, port }: Config["settings"]): void {
  const url = new URL(target);
  const isHere = isLoopback(url.hostname) || url.hostname === host;
  if (port === 0 || !isHere || Number(url.port || 80) !== port) return;
  throw usageError(`--forward-to ${target} is the receiver's own port`, "name the port that your app listens on");
}
