import { hostname as machineName, networkInterfaces } from "node:os";
import type { Config } from "../../config/load.ts";
import { usageError } from "../../core/errors.ts";
import type { EventPattern } from "../../core/event-pattern.ts";
import { maskUrl } from "../../core/mask.ts";
import type { Product } from "../../core/product.ts";
import { isLoopback } from "../../delivery/dispatchers.ts";
import { createRoutes, type Routes } from "../../delivery/routes.ts";

/** Where this run's events go. */
export interface RunRoutes extends Routes {
  /** All that an event can go to. */
  readonly targets: readonly string[];
  has(target: string): boolean;
}

/** Events that the user filters out are neither shown nor forwarded. */
export function runRoutes({ settings }: Config, shown: EventPattern, products: readonly Product[]): RunRoutes {
  const all = createRoutes(settings.forwardTo, settings.routes);
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
  if (port === 0 || Number(url.port || 80) !== port || !isThisMachine(url.hostname, host)) return;
  throw usageError(
    `--forward-to ${maskUrl(target)} is the receiver's own port`,
    "name the port that your app listens on",
  );
}

/** A receiver on every address is reached by each of this machine's own. */
function isThisMachine(hostname: string, host: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, "");
  if (isLoopback(hostname) || EVERY_ADDRESS.includes(name) || name === host) return true;
  if (!EVERY_ADDRESS.includes(host)) return false;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return name === machineName() || own.some(({ address }) => address === name);
}

const EVERY_ADDRESS: readonly string[] = ["0.0.0.0", "::"];
