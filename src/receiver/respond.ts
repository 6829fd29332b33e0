import { get, type IncomingMessage, type ServerResponse } from "node:http";
import type { Reply } from "../contract/product.ts";
import { plainReply, refuse } from "../recognition/reply.ts";
import { isLoopback, isLoopbackAddress, reachableHost } from "../util/hosts.ts";

/** These have no body, and so no length (RFC 9110, section 6.4.1). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** Writes a whole reply. With `drained`, which resolves once the rest of the request has been read, the connection ends after it. */
export function sendReply(response: ServerResponse, reply: Reply, drained?: Promise<void>): void {
  const { status, contentType } = reply;
  const body = WITHOUT_BODY.has(status) ? "" : reply.body;
  const headers = (reply.headers ?? []).flat();
  if (contentType !== "") headers.push("content-type", contentType);
  if (!WITHOUT_BODY.has(status)) headers.push("content-length", String(Buffer.byteLength(body)));
  if (drained !== undefined) headers.push("connection", "close");
  response.writeHead(status, headers);
  if (drained === undefined) {
    response.end(body);
    return;
  }
  response.write(body);
  void drained.then(() => response.end());
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
  if (keySet === undefined) return plainReply(404, "no key set is served here: start with --serve-jwks");
  if (method !== "GET" && method !== "HEAD") {
    return { ...refuse(405, "the key set is read-only").reply, headers: [["allow", "GET, HEAD"]] };
  }
  return { status: 200, contentType: "application/json", headers: [["cache-control", "no-cache"]], body: keySet };
}

export function jsonReply(status: number, body: object): Reply {
  return { status, contentType: "application/json", body: JSON.stringify(body) };
}
