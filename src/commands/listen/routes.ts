import { hostname as machineName, networkInterfaces } from "node:os";
import type { Config } from "../../config/load.ts";
import { usageError } from "../../core/errors.ts";
import type { EventPattern } from "../../core/event-pattern.ts";
import { isEveryAddress, isLoopback } from "../../core/loopback.ts";
import { maskUrl } from "../../core/mask.ts";
import type { Product } from "../../core/product.ts";
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
function refuseOwn(target: string, { host, port, publicUrl, domain }: Config["settings"]): void {
  const url = new URL(target);
  const isOwnPort = port !== 0 && Number(url.port || 80) === port && reachesHost(url.hostname, host);
  const isPublic = [publicUrl, domain && `https://${domain}`].some(
    (own) => own !== undefined && URL.canParse(own) && new URL(own).host === url.host,
  );
  if (!isOwnPort && !isPublic) return;
  throw usageError(
    `--forward-to ${maskUrl(target)} is listen's own ${isOwnPort ? "port" : "public URL"}`,
    "name the port that your app listens on",
  );
}

/** Whether what is sent to a name arrives at a receiver on this address. One on every address has all of this machine's. */
function reachesHost(hostname: string, host: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, "");
  const isEvery = isEveryAddress(host);
  if (isLoopback(hostname) || isEveryAddress(name)) return isEvery || isLoopback(host) || host === "::1";
  if (!isEvery) return name === host;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return name === machineName() || own.some(({ address }) => address === name);
}
