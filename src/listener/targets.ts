import { hostname as machineName, networkInterfaces } from "node:os";
import { maskUrl } from "../delivery/mask.ts";
import { isQueue, portOf } from "../delivery/target.ts";
import { createRoutes, type Routes } from "../forward/routes.ts";
import { type EventPattern, parseRoute } from "../model/event-names.ts";
import type { Product } from "../model/product.ts";
import type { Config } from "../project/load.ts";
import type { Settings } from "../project/settings.ts";
import { usageError } from "../util/errors.ts";
import { isLoopback, isWildcardAddress } from "../util/hosts.ts";

/** The targets of a run. */
export interface RunRoutes extends Routes {
  /** All that an event can go to. */
  readonly targets: readonly string[];
  readonly addresses: ReadonlyMap<string, string>;
  has(target: string): boolean;
}

/** Events that the user filters out are neither shown nor forwarded. */
export function runRoutes({ settings }: Config, shown: EventPattern, products: readonly Product[]): RunRoutes {
  const all = createRoutes(settings);
  if (settings.respond === "mirror") rejectMirroredQueue(settings);
  const addresses = all.all(products.map((product) => product.id));
  const targets = [...addresses.keys()];
  for (const target of targets) {
    const own = receiverTargeted(target, settings);
    if (own === undefined) continue;
    throw usageError(
      `--forward-to ${maskUrl(target)} is listen's own ${own}`,
      "name the port that your app listens on",
    );
  }
  return {
    ...all,
    targets,
    addresses,
    has: (target) => addresses.has(target),
    targetsOf: (product, event, url) => (shown.matches(product, event) ? all.targetsOf(product, event, url) : []),
  };
}

/** The first target of an event gives the sender its answer. */
function rejectMirroredQueue({ forwardTo, routes }: Settings): void {
  const first = new Map<string, string>([["", forwardTo[0] ?? ""]]);
  for (const text of routes) {
    const { pattern, target } = parseRoute(text, "--route");
    if (!first.has(pattern.text)) first.set(pattern.text, target);
  }
  const queue = [...first.values()].find(isQueue);
  if (queue === undefined) return;
  throw usageError(
    `--respond mirror: ${maskUrl(queue)} is a queue, which has no answer for the sender`,
    "name your app first, and the queue after it; or leave --respond mirror out",
  );
}

/** How a target leads back to the receiver, which would receive its own deliveries without end; undefined if it does not. */
export function receiverTargeted(
  target: string,
  { host, port, publicUrl, domain }: Pick<Settings, "host" | "port" | "publicUrl" | "domain">,
): "port" | "public URL" | undefined {
  const url = new URL(target);
  if (port !== 0 && portOf(target) === port && reachesHost(url.hostname, host)) return "port";
  const isPublic = [publicUrl, domain && `https://${domain}`].some(
    (own) => own !== undefined && URL.canParse(own) && new URL(own).host === url.host,
  );
  return isPublic ? "public URL" : undefined;
}

/** Whether what is sent to a name arrives at a receiver on this address. On every address it has all of the machine's. */
function reachesHost(hostname: string, host: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, "");
  const isEvery = isWildcardAddress(host);
  if (isLoopback(hostname) || isWildcardAddress(name)) return isEvery || isLoopback(host) || host === "::1";
  if (!isEvery) return name === host;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return name === machineName() || own.some(({ address }) => address === name);
}
