import { type ListenAddress, targetUrl } from "../body/target-url.ts";
import { parseRoute } from "../core/event-names.ts";
import { maskUrl } from "../core/mask.ts";

/** The targets of a run. */
export interface Routes {
  /** The targets of an event, as absolute URLs: those of every route that names it, else the general one. */
  targetsOf(product: string | undefined, event: string | undefined): readonly string[];
  readonly empty: boolean;
  /** All that events of these products can go to. */
  all(products: readonly string[]): readonly string[];
  /** Where things go, for a person. */
  readonly texts: readonly string[];
}

/** Where a bare path leads: the guide's own handler listens on port 3000. */
const APP: ListenAddress = { host: "localhost", port: 3000 };

/**
 * Where events go. A target is written as for `send --to`: where it leaves the path open it is
 * `/webhooks/zoho/<product>`, as at the receiver, and a bare path is one of `http://localhost:3000`.
 */
export function createRoutes(forwardTo: readonly string[], routeTexts: readonly string[]): Routes {
  const routes = routeTexts.map((text) => parseRoute(text, "--route"));
  const urlOf = (target: string, product: string | undefined): string => targetUrl(target, product, APP);
  const urlsOf = (targets: readonly string[], product: string | undefined): readonly string[] => [
    ...new Set(targets.map((target) => urlOf(target, product))),
  ];
  const general = new Map<string | undefined, readonly string[]>();
  return {
    texts: [
      ...routes.map(({ pattern, target }) => `${maskUrl(urlOf(target, "<product>"))} (${pattern.text})`),
      ...forwardTo.map((target) => maskUrl(urlOf(target, "<product>"))),
    ],
    empty: forwardTo.length === 0 && routes.length === 0,
    all: (products) => [
      ...new Set(
        [...forwardTo, ...routes.map((route) => route.target)].flatMap((target) =>
          [...products, undefined].map((product) => urlOf(target, product)),
        ),
      ),
    ],
    targetsOf(product, event) {
      const own = routes.filter((route) => route.pattern.matches(product, event)).map((route) => route.target);
      if (own.length > 0) return urlsOf(own, product);
      const known = general.get(product) ?? urlsOf(forwardTo, product);
      general.set(product, known);
      return known;
    },
  };
}
