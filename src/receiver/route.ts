import { splitUrl } from "../core/delivery.ts";
import { findProduct, nearestProduct } from "../core/event-name.ts";
import type { Product } from "../core/product.ts";

const WEBHOOK_PATH = "/webhooks/zoho";
/** Where the public halves of local keys are served. */
export const KEY_SET_PATH = "/.well-known/jwks.json";

/** What a path says of a webhook. Without a product the body tells which one it is. */
export type WebhookRoute =
  | { readonly kind: "webhook"; readonly product: Product | undefined }
  | { readonly kind: "unknown"; readonly reason: string };

/** What a request's path asks for. */
export type Route =
  | WebhookRoute
  | { readonly kind: "health" }
  | { readonly kind: "ready" }
  | { readonly kind: "key-set" };

export function route(url: string, products: readonly Product[]): Route {
  const { path: written } = splitUrl(url);
  const path = withoutSlashes(written);
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
  const near = nearestProduct(products, id);
  return {
    kind: "unknown",
    reason: `unknown product ${JSON.stringify(id.slice(0, 60))}${near === undefined ? "" : `: did you mean ${near}?`}`,
  };
}

/** Of a path, those at its end: a pattern for it would take a moment for each of the slashes that a stranger may send. */
function withoutSlashes(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end--;
  return end === path.length ? path : path.slice(0, end);
}

export function webhookUrl(base: string, product: string): string {
  return `${base}${WEBHOOK_PATH}/${product}`;
}
