import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { MuxStream } from "./mux-stream.ts";

/** Opens a stream to the agent that serves a host; undefined when none does. */
export type OpenStream = (host: string, clientAddr: string) => MuxStream | undefined;

const HOP_BY_HOP = new Set(["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"]);

/** The side that the world sees: an HTTP proxy that says who called, as the real service does. */
export function createPublicSide(open: OpenStream): Server {
  return createServer((incoming, response) => {
    const stream = open(incoming.headers.host ?? "", `${incoming.socket.remoteAddress}:${incoming.socket.remotePort}`);
    if (stream === undefined) {
      incoming.resume();
      return fail(response, "ERR_NGROK_3200", "no agent serves this endpoint");
    }
    relay(incoming, response, stream);
  });
}

function relay(incoming: IncomingMessage, response: ServerResponse, stream: MuxStream): void {
  const headers = [...endToEnd(incoming.rawHeaders), ...forwardedHeaders(incoming), "Connection", "close"];
  const outgoing = request({
    method: incoming.method ?? "GET",
    path: incoming.url ?? "/",
    headers,
    // The body keeps its framing: a length where the caller gave one, chunks where it did not.
    ...(incoming.headers["transfer-encoding"] === undefined ? {} : { setDefaultHeaders: true }),
    createConnection: () => stream,
  });
  outgoing.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders));
    answer.pipe(response);
    answer.on("error", () => response.destroy());
  });
  outgoing.on("error", (error) => {
    if (response.headersSent) response.destroy();
    else fail(response, "ERR_NGROK_3004", error.message);
  });
  incoming.on("error", () => outgoing.destroy());
  response.on("close", () => {
    if (!response.writableFinished) outgoing.destroy();
  });
  incoming.pipe(outgoing);
}

function forwardedHeaders(incoming: IncomingMessage): string[] {
  const caller = incoming.socket.remoteAddress ?? "";
  const before = incoming.headers["x-forwarded-for"];
  const chain = before === undefined ? caller : `${String(before)}, ${caller}`;
  return [
    ...["X-Forwarded-For", chain],
    ...["X-Forwarded-Host", incoming.headers.host ?? ""],
    ...["X-Forwarded-Proto", "https"],
  ];
}

function endToEnd(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && !lower.startsWith("x-forwarded-")) kept.push(name, rawHeaders[i + 1] ?? "");
  }
  return kept;
}

function fail(response: ServerResponse, code: string, message: string): void {
  response.writeHead(502, { "content-type": "text/plain", "ngrok-error-code": code });
  response.end(`${message}\n${code}\n`);
}
