import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { plainReply } from "../core/reply.ts";
import { errorCode, errorText, usageError } from "../util/errors.ts";
import { sendReply } from "./handler.ts";
import { receiverAt } from "./routes.ts";

export interface ServerAddress {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
}

export interface OpenServer {
  /** The one that was really taken. */
  readonly port: number;
  /** Stops accepting and lets what is under way end; after `graceMs` every connection is closed. */
  close(graceMs: number): Promise<void>;
}

/** A request that takes longer than this to arrive is dropped. */
const REQUEST_TIMEOUT_MS = 60_000;
/**
 * Longer than any proxy between keeps its own (cloudflared 90 seconds, nginx 60): of the two who close an idle connection it
 * must not be this one, since a delivery that meets its end on the way is lost.
 */
const IDLE_TIMEOUT_MS = 120_000;
/** How long a connection on which nothing has come yet holds up the end. */
const SPARE_MS = 200;
/** How long a sender of what is not HTTP has to read that, and to close its side, which some never do. */
const LINGER_MS = 2_000;

/**
 * Opens an HTTP server, or rejects with what is wrong with the address. `onNoHttp` is told of what came and never became a
 * request.
 */
export async function openServer(
  address: ServerAddress,
  listener: RequestListener,
  onNoHttp: (what: string) => void = () => {},
  maxBody = Number.POSITIVE_INFINITY,
): Promise<OpenServer> {
  const options = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    keepAlive: true,
    requireHostHeader: false,
  };
  const server = createServer(options, (request, response) => {
    if (request.httpVersion === "1.1" && headerOf(request, "host") === undefined)
      refuseRequest(response, 400, "the request has no Host header");
    else listener(request, response);
  });
  const refuseRequest = (response: ServerResponse, status: number, text: string): void => {
    sendReply(response, plainReply(status, text));
    onNoHttp(`answered ${status} ${STATUS_CODES[status]}: ${text}`);
  };
  // Node drops those beyond a thousand without a word; what they take altogether has a limit of its own.
  server.maxHeadersCount = 0;
  // These three Node would answer itself, and nobody would learn why nothing came.
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    // To go on with what is refused for its size would be a waste of both.
    if (!(Number(headerOf(request, "content-length")) > maxBody)) response.writeContinue();
    server.emit("request", request, response);
  });
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) =>
    refuseRequest(response, 417, "nothing but 100-continue can be expected"),
  );
  server.on("connect", (_request: IncomingMessage, socket: Socket) =>
    onNoHttp(endWith(socket, "405 Method Not Allowed", "this is no proxy: CONNECT is not supported")),
  );
  // A sender that ends its side behind the request still waits for the answer, which the disk or the app may take a while
  // to give. Node has this switch, though not in its documentation.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on("clientError", (error: BadRequest, socket: Socket) => {
    const what = refuseBadHttp(error, socket);
    if (what !== undefined) onNoHttp(what);
  });
  const connections = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    // Node drops its own listener when it hands a socket to "connect": a reset after that would end the process.
    socket.on("error", () => {});
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  // A connection that is kept alive would hold up the end: once nothing is accepted any more it goes with its last answer.
  server.on("request", (_request, response) => {
    response.once("close", () => {
      if (!server.listening) server.closeIdleConnections();
    });
  });
  await listening(server, address);
  // The system can be out of memory for one more connection: an error that nobody hears would end the process.
  server.on("error", (error) => onNoHttp(`a connection could not be accepted: ${errorText(error)}`));
  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs) => closeServer(server, connections, graceMs),
  };
}

type BadRequest = NodeJS.ErrnoException & { readonly rawPacket?: Uint8Array };

/** How a connection of TLS begins: https://www.rfc-editor.org/rfc/rfc8446#section-5.1 */
const TLS_HANDSHAKE = 0x16;

/** What is not HTTP gets the shortest answer that is. Gives what it was; undefined for a sender that went away. */
function refuseBadHttp(error: BadRequest, socket: Socket): string | undefined {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return undefined;
  }
  const [status, text] =
    error.code === "HPE_HEADER_OVERFLOW"
      ? ["431 Request Header Fields Too Large", "the headers are too large"]
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? ["408 Request Timeout", "the request took too long to arrive"]
        : ["400 Bad Request", "this is not a valid HTTP request"];
  const what = endWith(socket, status, text);
  // In the middle of a request it went away: what there was of it is told by who reads it.
  // Of one that never began, such as a browser's spare connection, there is nothing to tell.
  if (error.code === "HPE_INVALID_EOF_STATE" || socket.bytesRead === 0) return undefined;
  return error.rawPacket?.[0] === TLS_HANDSHAKE ? "a sender spoke https, and this port takes http" : what;
}

/** Answers with no more than that. Gives what is to be told of it. */
function endWith(socket: Socket, status: string, text: string): string {
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
  );
  // What comes behind it is dropped: a connection that nobody reads never ends, and of those there are only so many.
  socket.resume();
  const leaving = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(leaving));
  return `answered ${status}: ${text}`;
}

/** Not from `request.headers`, which is made only when it is asked for. */
function headerOf({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  const at = rawHeaders.findIndex(
    (each, i) => i % 2 === 0 && each.length === name.length && each.toLowerCase() === name,
  );
  return at === -1 ? undefined : rawHeaders[at + 1];
}

async function listening(server: Server, address: ServerAddress): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: address.host, port: address.port }, resolve);
    });
  } catch (error) {
    throw await listenError(error, address);
  }
}

async function listenError(error: unknown, address: ServerAddress): Promise<unknown> {
  const { host, port } = address;
  const code = errorCode(error);
  if (code === "EADDRINUSE") {
    const pid = await receiverAt(address);
    const busy = usageError(
      `port ${port} on ${host} is in use by ${pid === undefined ? "another program" : `another zoho-hooks listen, process ${pid}`}`,
      "stop that one, or choose another port: --port 4462, or --port 0 for any free one",
    );
    return Object.assign(busy, { cause: error });
  }
  if (code === "EACCES") return usageError(`port ${port} may not be opened by this user`, "choose one above 1023");
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return usageError(
      `${host} is not an address of this machine`,
      "use --host 127.0.0.1, or --host 0.0.0.0 for all of them",
    );
  }
  if (code === undefined) return error;
  return usageError(
    `port ${port} on ${host} cannot be opened: ${errorText(error)}`,
    /^fe80:[^%]*$/i.test(host)
      ? `an address of one link names its interface, too: --host ${host}%eth0`
      : "use --host 127.0.0.1, or --host 0.0.0.0 for all addresses of this machine",
  );
}

function closeServer(server: Server, connections: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // Node's own way leaves out what asked for a tunnel (CONNECT), and waits for it all the same.
    const timer = setTimeout(destroyAll, graceMs, connections);
    // To Node a browser's spare connection is not idle. What has come on one by now is read before it is looked at.
    const spare = setTimeout(() => setImmediate(closeUnused, connections), Math.min(SPARE_MS, graceMs));
    server.close(() => {
      clearTimeout(timer);
      clearTimeout(spare);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function destroyAll(connections: ReadonlySet<Socket>): void {
  for (const socket of connections) socket.destroy();
}

function closeUnused(connections: ReadonlySet<Socket>): void {
  for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
}
