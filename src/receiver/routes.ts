import { get, type IncomingMessage } from "node:http";
import { findProduct, nearestProduct } from "../contract/event-names.ts";
import type { Product, Reply } from "../contract/product.ts";
import { splitUrl } from "../delivery/delivery.ts";
import { plainReply, refuse } from "../recognition/reply.ts";
import { isLoopback, isLoopbackAddress, reachableHost } from "../util/hosts.ts";

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

const SERVICE = "zoho-hooks";

const HEALTH_TIMEOUT_MS = 500;

const MAX_HEALTH_LENGTH = 100_000;

/** A running receiver, as it shows itself to other programs on this machine. */
export interface RunningReceiver {
  readonly pid: number;
  /** The servers that it forwards to, as origins. */
  readonly targets?: readonly string[];
}

/** The reply of `/healthz`. Only programs on this machine are told more, never what comes through a tunnel. */
export function healthReply(
  { headers, socket }: IncomingMessage,
  { pid, targets }: RunningReceiver,
  throughTunnel: boolean,
): Reply {
  // A page whose host name was rebound to this machine sends that name.
  const namesThisMachine = isLoopback((headers.host ?? "").replace(/:\d+$/, ""));
  const isLocal =
    isLoopbackAddress(socket.remoteAddress) &&
    namesThisMachine &&
    !throughTunnel &&
    headers["x-forwarded-for"] === undefined;
  return jsonReply(200, { status: "ok", service: SERVICE, ...(isLocal ? { pid, targets } : {}) });
}

/** The receiver at an address; undefined for another program, or when nothing answers. */
export function findReceiver(host: string, port: number): Promise<RunningReceiver | undefined> {
  return new Promise((resolve) => {
    const request = get(
      { host: reachableHost(host), port, path: "/healthz", timeout: HEALTH_TIMEOUT_MS, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
          if (text.length > MAX_HEALTH_LENGTH) request.destroy();
        });
        response.on("end", () => resolve(readHealth(text)));
      },
    );
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
    request.on("close", () => resolve(undefined));
  });
}

function readHealth(text: string): RunningReceiver | undefined {
  try {
    const health: unknown = JSON.parse(text);
    if (typeof health !== "object" || health === null || !("service" in health) || !("pid" in health)) return undefined;
    if (health.service !== SERVICE || typeof health.pid !== "number") return undefined;
    const targets = "targets" in health && Array.isArray(health.targets) ? health.targets : [];
    return { pid: health.pid, targets: targets.filter((each) => typeof each === "string" && URL.canParse(each)) };
  } catch {
    return undefined;
  }
}

export type ReadyState = "starting" | "ready" | "stopping";

/** `whyNot`: resolves to why deliveries cannot be recorded now; undefined if they can. Anybody may read it. */
export async function readyReply(
  status: ReadyState,
  whyNot: () => Promise<string | undefined> = async () => undefined,
): Promise<Reply> {
  if (status !== "ready") return jsonReply(503, { status });
  const reason = await whyNot();
  return reason === undefined ? jsonReply(200, { status }) : jsonReply(503, { status: "unavailable", reason });
}

/** The public keys (JWKS). Not to be cached: a new key is valid at once. */
export function keySetReply(method: string | undefined, keySet: string | undefined): Reply {
  if (keySet === undefined) return plainReply(404, "no key set is served here: ZOHO_WEBHOOK_PRIVATE_KEY is not set");
  if (method !== "GET" && method !== "HEAD") {
    return { ...refuse(405, "the key set is read-only").reply, headers: [["allow", "GET, HEAD"]] };
  }
  return { status: 200, contentType: "application/json", headers: [["cache-control", "no-cache"]], body: keySet };
}

export function jsonReply(status: number, body: object): Reply {
  return { status, contentType: "application/json", body: JSON.stringify(body) };
}
