import { get, type IncomingMessage } from "node:http";
import { splitUrl } from "../body/delivery.ts";
import { findProduct, nearestProduct } from "../core/event-names.ts";
import type { Product, Reply } from "../core/product.ts";
import { isLoopbackAddress, reachableHost } from "../util/hosts.ts";
import type { ServerAddress } from "./http-server.ts";

const WEBHOOK_PATH = "/webhooks/zoho";
/** Where the public halves of local keys are served. */
export const KEY_SET_PATH = "/.well-known/jwks.json";

/** What a path says of a webhook. Without a product the body tells which one it is. */
export type WebhookRoute =
  | { readonly kind: "webhook"; readonly product: Product | undefined }
  | { readonly kind: "unknown"; readonly reason: string };

/** What a request's path asks for. */
type Route = WebhookRoute | { readonly kind: "health" } | { readonly kind: "ready" } | { readonly kind: "key-set" };

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

const SERVICE = "zoho-hooks";
const PATIENCE_MS = 500;
const LONGEST_ANSWER = 1000;

/** What `/healthz` says. The process id is for others on this machine, never for who comes through a tunnel. */
export function healthReply({ headers, socket }: IncomingMessage, pid: number, throughTunnel: boolean): Reply {
  const isNear = isLoopbackAddress(socket.remoteAddress) && !throughTunnel && headers["x-forwarded-for"] === undefined;
  const body = JSON.stringify({ status: "ok", service: SERVICE, ...(isNear ? { pid } : {}) });
  return { status: 200, contentType: "application/json", body };
}

/** The process id of the receiver that holds an address; undefined when it is another program, or does not answer. */
export function receiverAt({ host, port }: ServerAddress): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get(
      { host: reachableHost(host), port, path: "/healthz", timeout: PATIENCE_MS, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
          if (text.length > LONGEST_ANSWER) request.destroy();
        });
        response.on("end", () => resolve(readPid(text)));
      },
    );
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
    request.on("close", () => resolve(undefined));
  });
}

function readPid(text: string): number | undefined {
  try {
    const said: unknown = JSON.parse(text);
    if (typeof said !== "object" || said === null || !("service" in said) || said.service !== SERVICE) return undefined;
    return "pid" in said && typeof said.pid === "number" ? said.pid : undefined;
  } catch {
    return undefined;
  }
}
