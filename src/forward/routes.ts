import { maskUrl } from "../delivery/mask.ts";
import { appPaths, findAppPath, webhookPath } from "../delivery/paths.ts";
import { isQueue, originOf, targetName, targetUrl } from "../delivery/target.ts";
import { parseRoute } from "../model/event-names.ts";

/** Maps events to the targets of a run. */
export interface Routes {
  /**
   * The targets of an event, as absolute URLs without passwords: those of every matching route, else the general ones. `url`: the
   * one that the delivery came by.
   */
  targetsOf(product: string | undefined, event: string | undefined, url: string): readonly string[];
  readonly empty: boolean;
  /** All targets that events of these products may have, each with its address: that of a queue may have a user and a password. */
  all(products: readonly string[]): ReadonlyMap<string, string>;
  /** For people. */
  readonly texts: readonly string[];
}

/** The guide's own handler listens on port 3000. */
const DEFAULT_PORT = 3000;

/** The settings that say where deliveries go, as texts. */
interface RouteSettings {
  readonly forwardTo: readonly string[];
  readonly routes: readonly string[];
  readonly paths: readonly string[];
}

/**
 * A target is written as for `send --to`. Without a path it gets the one of `paths` that the delivery came by, or else
 * that of the product; a bare path is one of `http://localhost:3000`.
 */
export function createRoutes({ forwardTo, routes: routeTexts, paths }: RouteSettings): Routes {
  const routes = routeTexts.map((text) => parseRoute(text, "--route"));
  const app = { host: "localhost", port: DEFAULT_PORT, paths };
  const byPath = appPaths(paths);
  const addressOf = (target: string, product: string | undefined, path: string | undefined): string =>
    targetUrl(target, product, app, "--forward-to", path);
  const names = new Map<string, string>();
  // Once for each product and path: deliveries come by the thousand.
  const urlOf = (target: string, product: string | undefined, path?: string): string => {
    const key = `${product} ${path} ${target}`;
    const known = names.get(key);
    if (known !== undefined) return known;
    const name = targetName(addressOf(target, product, path));
    names.set(key, name);
    return name;
  };
  const textOf = (target: string): string => {
    const url = maskUrl(urlOf(target, "<product>"));
    const hasOwnPath = byPath.length === 0 || isQueue(target) || url === maskUrl(urlOf(target, "<product>", "/"));
    return hasOwnPath ? url : `${originOf(url)}, at the path in paths, else ${webhookPath("<product>")}`;
  };
  return {
    texts: [...routes.map(({ pattern, target }) => `${textOf(target)} (${pattern.text})`), ...forwardTo.map(textOf)],
    empty: forwardTo.length === 0 && routes.length === 0,
    all(products) {
      const addresses = new Map<string, string>();
      for (const target of [...forwardTo, ...routes.map((route) => route.target)]) {
        for (const product of [...products, undefined]) {
          for (const path of [undefined, ...byPath.map((each) => each.path)]) {
            const address = addressOf(target, product, path);
            const name = targetName(address);
            // The first with a password, where one is without.
            if ((addresses.get(name) ?? name) === name) addresses.set(name, address);
          }
        }
      }
      return addresses;
    },
    targetsOf(product, event, url) {
      const matching = routes.filter((route) => route.pattern.matches(product, event)).map((route) => route.target);
      const path = findAppPath(byPath, url)?.path;
      const targets = matching.length > 0 ? matching : forwardTo;
      return [...new Set(targets.map((target) => urlOf(target, product, path)))];
    },
  };
}
