import { usageError } from "../util/errors.ts";
import { splitUrl } from "./delivery.ts";

/** Recognises the product by the body; below it, each product has a path of its own. */
export const WEBHOOK_PATH = "/webhooks/zoho";
export const HEALTH_PATH = "/healthz";
export const READY_PATH = "/readyz";
/** Serves the public halves of local keys. */
export const KEY_SET_PATH = "/.well-known/jwks.json";

const RECEIVER_PATHS: readonly string[] = [WEBHOOK_PATH, HEALTH_PATH, READY_PATH, KEY_SET_PATH];

/** An entry of the setting `paths`: a path of the user's app, at which `listen` receives as well. */
interface AppPath {
  /** `/api/hooks/crm`, or `/tenants/*` for all below `/tenants/`. */
  readonly path: string;
  /** The id of the product; undefined for `auto`: the body tells which one it is. */
  readonly product: string | undefined;
}

/** The entries of the setting `paths` by how specific they are; single paths of the same product stay in order. */
export type AppPaths = readonly AppPath[];

export const PATHS_HINT = 'write it as "paths": { "/api/hooks/crm": "crm", "/tenants/*": "auto" }';

/** Reads `/api/hooks/crm=crm`. Throws a usage error that names the `setting`. */
export function parsePath(text: string, setting: string): AppPath {
  const at = text.lastIndexOf("=");
  const [path, product] = [text.slice(0, at), text.slice(at + 1)];
  const fail = (reason: string, hint = PATHS_HINT): Error =>
    usageError(`${setting}: ${JSON.stringify(path)} ${reason}`, hint);
  if (at < 0) throw usageError(`${setting}: ${JSON.stringify(text)} names no product`, PATHS_HINT);
  if (product === "") throw fail("has no product", 'name its product, or "auto" to have it recognised from the body');
  if (!path.startsWith("/"))
    throw fail("does not begin with a slash", `write it as "/${path.replace(/^.*:\/\/[^/]*\/?/, "")}"`);
  if (RECEIVER_PATHS.includes(path)) throw fail("is a path of listen itself", "leave it out, or choose another path");
  const [beforeStar = "", ...afterStar] = path.split("*");
  if (afterStar.join("*") !== "" || (afterStar.length > 0 && !beforeStar.endsWith("/")))
    throw fail(
      "has a * elsewhere than in /* at its end",
      `for all paths below it, write ${JSON.stringify(`${withoutTrailingSlashes(beforeStar)}/*`)}`,
    );
  if (/[?#]/.test(path)) throw fail("has a query or a fragment", "leave it out: a path is accepted with any query");
  const matched = matchedPath(path);
  if (matched !== path) throw fail("would match no request", `write it as ${JSON.stringify(matched)}`);
  return { path, product: product.toLowerCase() === "auto" ? undefined : product };
}

/** The entries of the setting, which were checked when it was read. */
export function appPaths(texts: readonly string[]): AppPaths {
  const rank = ({ path }: AppPath): number => (path.endsWith("*") ? path.length : Number.POSITIVE_INFINITY);
  const compare = (one: AppPath, other: AppPath): number => (rank(one) === rank(other) ? 0 : rank(other) - rank(one));
  return texts.map((text) => parsePath(text, "paths")).sort(compare);
}

/** Finds the most specific entry for the URL of a request. */
export function findAppPath(paths: AppPaths, url: string): AppPath | undefined {
  if (paths.length === 0) return undefined;
  const path = matchedPath(splitUrl(url).path);
  return paths.find((each) => isAt(each.path, path));
}

/**
 * A URL whose path ends in a `/*` of the setting, with the path that a request came by in its place. Any other URL is returned as
 * it is.
 */
export function withRequestPath(target: string, url: string): string {
  const found = /^([^/]*\/\/[^/]*)(\/[^?#]*\/\*|\/\*)([?#].*)?$/.exec(target);
  if (found === null) return target;
  const [, origin = "", path = "", query = ""] = found;
  const requested = normalPath(splitUrl(url).path);
  return isAt(path, requested) ? origin + requested + query : target;
}

function isAt(path: string, requested: string): boolean {
  if (!path.endsWith("/*")) return requested === path;
  const isBelow = requested.length >= path.length && requested.startsWith(path.slice(0, -1));
  // An app, or a proxy in front of it, may decode slashes, after which `..` would lead out.
  return isBelow && !requested.split(/\/|%2f|%5c|\\/i).includes("..");
}

/** The path at which a product is received, and posted to the user's app; an undefined product stands for unrecognised deliveries. */
export function webhookPath(product: string | undefined, paths: AppPaths = []): string {
  if (product === undefined) return WEBHOOK_PATH;
  return (
    paths.find((each) => each.product === product && !each.path.endsWith("*"))?.path ?? `${WEBHOOK_PATH}/${product}`
  );
}

/** A loop, for a regular expression takes quadratic time on a long run of slashes that does not end the path. */
export function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end--;
  return path.slice(0, end);
}

/** The form in which paths are compared. */
function matchedPath(path: string): string {
  return withoutTrailingSlashes(normalPath(path)) || "/";
}

/** The path as an app gets it, without `..`: `/tenants/../admin` is not below `/tenants`. */
function normalPath(path: string): string {
  return path.startsWith("/") ? new URL(`http://localhost${path}`).pathname : path;
}
