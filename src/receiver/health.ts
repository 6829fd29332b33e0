import { get, type IncomingMessage } from "node:http";
import { isLoopbackAddress, reachableHost } from "../core/loopback.ts";
import type { Reply } from "../core/product.ts";
import type { ServerAddress } from "./http-server.ts";

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
