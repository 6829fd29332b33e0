import { get, type IncomingMessage } from "node:http";
import { z } from "zod";
import { splitUrl } from "../delivery/delivery.ts";
import {
  type AppPaths,
  appPaths,
  findAppPath,
  HEALTH_PATH,
  KEY_SET_PATH,
  READY_PATH,
  WEBHOOK_PATH,
  webhookPath,
  withoutTrailingSlashes,
} from "../delivery/paths.ts";
import { findProduct, nearestProduct } from "../model/event-names.ts";
import { type Product, plainReply, type Reply } from "../model/product.ts";
import { refuse } from "../recognition/reply.ts";
import { UNSIGNED_REASONS, type Unsigned } from "../recognition/unsigned.ts";
import { orUndefined } from "../util/errors.ts";
import { isLoopback, isLoopbackAddress, reachableHost } from "../util/hosts.ts";

/** The webhook that a path names. Without a product the body tells which one it is. */
export type WebhookRoute =
  | { readonly kind: "webhook"; readonly product: Product | undefined }
  | { readonly kind: "unknown"; readonly reason: string };

type Route = WebhookRoute | { readonly kind: "health" | "ready" | "key-set" };

/** `paths`: those of the user's app. Those of the receiver itself come first. */
export function route(url: string, products: readonly Product[], paths: AppPaths = []): Route {
  const path = withoutTrailingSlashes(splitUrl(url).path);
  if (path === HEALTH_PATH) return { kind: "health" };
  if (path === READY_PATH) return { kind: "ready" };
  if (path === KEY_SET_PATH) return { kind: "key-set" };
  if (path === WEBHOOK_PATH) return { kind: "webhook", product: undefined };
  const id = path.startsWith(`${WEBHOOK_PATH}/`) ? path.slice(WEBHOOK_PATH.length + 1) : undefined;
  const product = id === undefined ? undefined : findProduct(products, id);
  if (product !== undefined) return { kind: "webhook", product };
  const appPath = findAppPath(paths, url);
  if (appPath !== undefined)
    return {
      kind: "webhook",
      product: appPath.product === undefined ? undefined : findProduct(products, appPath.product),
    };
  if (id === undefined || id.includes("/")) {
    const reason = `no webhook at this path: post to ${WEBHOOK_PATH}/<product>, or add this path to "paths" in zoho-hooks.config.json`;
    return { kind: "unknown", reason };
  }
  const nearest = nearestProduct(products, id);
  const suggestion = nearest === undefined ? "" : `: did you mean ${nearest}?`;
  return { kind: "unknown", reason: `unknown product ${JSON.stringify(id.slice(0, 60))}${suggestion}` };
}

/** `paths`: the setting. */
export function webhookUrl(base: string, product: string, paths: readonly string[] = []): string {
  return base + webhookPath(product, appPaths(paths));
}

const SERVICE = "zoho-hooks";

const HEALTH_TIMEOUT_MS = 500;

const MAX_HEALTH_LENGTH = 100_000;

/** A running `emulate`, as it shows itself to other programs. */
interface RunningEmulator {
  readonly command: "emulate";
  /** Shown to programs on this machine only, as is all that follows. */
  readonly pid?: number | undefined;
  /** The real path of the project's folder; undefined for one in the process of a test. */
  readonly folder?: string | undefined;
}

/** A running `listen`. */
export interface RunningReceiver extends Omit<RunningEmulator, "command"> {
  readonly command: "listen";
  readonly pid: number;
  /** Undefined without a tunnel. */
  readonly publicUrl?: string | undefined;
  /** The servers that it forwards to, as origins; undefined where it forwards to none. */
  readonly targets?: readonly string[] | undefined;
  /** Deliveries that it accepts without a signature. */
  readonly unsigned: readonly Unsigned[];
}

export type RunningServer = RunningReceiver | RunningEmulator;

/** The reply of `/healthz`. Only programs on this machine get all that `self` returns, never what comes through a tunnel. */
export function healthReply(
  { headers, socket }: IncomingMessage,
  self: () => RunningServer,
  throughTunnel: boolean,
): Reply {
  // A page whose host name was rebound to this machine sends that name.
  const namesThisMachine = isLoopback((headers.host ?? "").replace(/:\d+$/, ""));
  const isLocal =
    isLoopbackAddress(socket.remoteAddress) &&
    namesThisMachine &&
    !throughTunnel &&
    headers["x-forwarded-for"] === undefined;
  const server = self();
  const shown = isLocal ? healthOf(server) : { command: server.command };
  return jsonReply(200, { status: "ok", service: SERVICE, ...shown });
}

function healthOf(server: RunningServer) {
  if (server.command === "emulate") return server;
  const { publicUrl, ...others } = server;
  return { ...others, public_url: publicUrl };
}

/** The `listen` at an address of this machine; undefined for another program, or when nothing answers. */
export async function findReceiver(host: string, port: number): Promise<RunningReceiver | undefined> {
  const found = await findServer(host, port);
  return found?.command === "listen" ? found : undefined;
}

/** The `listen` or `emulate` at an address of this machine; undefined for another program, or when nothing answers. */
export function findServer(host: string, port: number): Promise<RunningServer | undefined> {
  return new Promise((resolve) => {
    const request = get(
      { host: reachableHost(host), port, path: HEALTH_PATH, timeout: HEALTH_TIMEOUT_MS, agent: false },
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

function health() {
  const service = z.literal(SERVICE);
  const folder = z.string().optional();
  const unsigned = z.object({ product: z.string(), reason: z.enum(UNSIGNED_REASONS), only: z.string().optional() });
  return z.discriminatedUnion("command", [
    z.object({ service, command: z.literal("emulate"), pid: z.number().optional(), folder }),
    z.object({
      service,
      command: z.literal("listen"),
      pid: z.number(),
      folder,
      public_url: z.url().optional(),
      targets: z.array(z.url()).optional(),
      unsigned: z.array(unsigned),
    }),
  ]);
}

/** Undefined for the answer of another program, which may have the port. */
function readHealth(text: string): RunningServer | undefined {
  const found = orUndefined(() => health().parse(JSON.parse(text)));
  if (found?.command !== "listen") return found;
  const { public_url: publicUrl, targets, ...listen } = found;
  return { ...listen, publicUrl, targets };
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
