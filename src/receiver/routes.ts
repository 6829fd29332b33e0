import { findProduct, nearestProduct } from "../contract/event-names.ts";
import type { Product } from "../contract/product.ts";
import { splitUrl } from "../delivery/delivery.ts";

const WEBHOOK_PATH = "/webhooks/zoho";
/** Serves the public halves of local keys. */
export const KEY_SET_PATH = "/.well-known/jwks.json";

/** The webhook that a path names. Without a product the body tells which one it is. */
export type WebhookRoute =
  | { readonly kind: "webhook"; readonly product: Product | undefined }
  | { readonly kind: "unknown"; readonly reason: string };

type Route = WebhookRoute | { readonly kind: "health" | "ready" | "key-set" };

export function route(url: string, products: readonly Product[]): Route {
  const path = withoutTrailingSlashes(splitUrl(url).path);
  if (path === "/healthz") return { kind: "health" };
  if (path === "/readyz") return { kind: "ready" };
  if (path === KEY_SET_PATH) return { kind: "key-set" };
  if (path === WEBHOOK_PATH) return { kind: "webhook", product: undefined };
  const id = path.startsWith(`${WEBHOOK_PATH}/`) ? path.slice(WEBHOOK_PATH.length + 1) : undefined;
  if (id === undefined || id.includes("/")) {
    return { kind: "unknown", reason: `no webhook at this path: post to ${WEBHOOK_PATH}/<product>` };
  }
  const product = findProduct(products, id);
  if (product !== undefined) return { kind: "webhook", product };
  const nearest = nearestProduct(products, id);
  const suggestion = nearest === undefined ? "" : `: did you mean ${nearest}?`;
  return { kind: "unknown", reason: `unknown product ${JSON.stringify(id.slice(0, 60))}${suggestion}` };
}

/** A loop, for a regular expression takes quadratic time on a long run of slashes that does not end the path. */
function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end--;
  return path.slice(0, end);
}

export function webhookUrl(base: string, product: string): string {
  return `${base}${WEBHOOK_PATH}/${product}`;
}
