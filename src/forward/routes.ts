import { parseRoute } from "../contract/event-names.ts";
import { maskUrl } from "../delivery/mask.ts";
import { type ListenAddress, targetName, targetUrl } from "../delivery/target.ts";

/** Maps events to the targets of a run. */
export interface Routes {
  /** The targets of an event, as absolute URLs without passwords: those of every matching route, else the general ones. */
  targetsOf(product: string | undefined, event: string | undefined): readonly string[];
  readonly empty: boolean;
  /** All targets that events of these products may have, each with its address: that of a queue may have a user and a password. */
  all(products: readonly string[]): ReadonlyMap<string, string>;
  /** For people. */
  readonly texts: readonly string[];
}

/** The app of a bare path: the guide's own handler listens on port 3000. */
const DEFAULT_APP: ListenAddress = { host: "localhost", port: 3000 };

/**
 * A target is written as for `send --to`: without a path it gets `/webhooks/zoho/<product>`, like the receiver, and a
 * bare path is one of `http://localhost:3000`.
 */
export function createRoutes(forwardTo: readonly string[], routeTexts: readonly string[]): Routes {
  const routes = routeTexts.map((text) => parseRoute(text, "--route"));
  const addressOf = (target: string, product: string | undefined): string => targetUrl(target, product, DEFAULT_APP);
  const names = new Map<string, string>();
  // Once for each product: deliveries come by the thousand.
  const urlOf = (target: string, product: string | undefined): string => {
    const key = `${product} ${target}`;
    const name = names.get(key) ?? targetName(addressOf(target, product));
    names.set(key, name);
    return name;
  };
  const urlsOf = (targets: readonly string[], product: string | undefined): readonly string[] => [
    ...new Set(targets.map((target) => urlOf(target, product))),
  ];
  return {
    texts: [
      ...routes.map(({ pattern, target }) => `${maskUrl(urlOf(target, "<product>"))} (${pattern.text})`),
      ...forwardTo.map((target) => maskUrl(urlOf(target, "<product>"))),
    ],
    empty: forwardTo.length === 0 && routes.length === 0,
    all(products) {
      const addresses = new Map<string, string>();
      for (const target of [...forwardTo, ...routes.map((route) => route.target)]) {
        for (const product of [...products, undefined]) {
          const address = addressOf(target, product);
          const name = targetName(address);
          // The first with a password, where one is without.
          if ((addresses.get(name) ?? name) === name) addresses.set(name, address);
        }
      }
      return addresses;
    },
    targetsOf(product, event) {
      const matching = routes.filter((route) => route.pattern.matches(product, event)).map((route) => route.target);
      return urlsOf(matching.length > 0 ? matching : forwardTo, product);
    },
  };
}
