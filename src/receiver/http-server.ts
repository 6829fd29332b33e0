import { closeSync, openSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { devNull } from "node:os";
import { plainReply, type Reply } from "../model/product.ts";
import { errorCode, errorText, UserError, usageError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";

import { findServer } from "./routes.ts";

interface ServerAddress {
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

interface ServerOptions {
  /** Called for connections that never produced a request. */
  onProtocolError?(message: string): void;
  readonly maxBody?: number;
}

/** For a whole request to arrive. */
const REQUEST_TIMEOUT_MS = 60_000;
/**
 * Longer than the idle timeout of any proxy in front (cloudflared 90 seconds, nginx 60): a delivery that is sent while
 * this side closes the connection would be lost.
 */
const IDLE_TIMEOUT_MS = 120_000;
/**
 * Connections that the system completes before they are accepted here; it may have a lower limit. With Node's default of
 * 511 some of a thousand that come at once waited for seconds, or were reset.
 */
const ACCEPT_BACKLOG = 4096;
/** How long a connection without a byte delays `close`. */
const UNUSED_TIMEOUT_MS = 200;
/** For a sender of invalid HTTP to read the answer and close its side, which some never do. */
const LINGER_TIMEOUT_MS = 2_000;

/** Opens an HTTP server; rejects with a usage error for an address that cannot be listened on. */
export async function openServer(
  address: ServerAddress,
  listener: RequestListener,
  { onProtocolError = () => {}, maxBody = Number.POSITIVE_INFINITY }: ServerOptions = {},
): Promise<OpenServer> {
  const options = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    keepAlive: true,
    requireHostHeader: false,
  };
  const server = createServer(options, (request, response) => {
    if (request.httpVersion === "1.1" && request.headers.host === undefined)
      rejectRequest(response, 400, "the request has no Host header");
    else startInTurn(request, response, () => listener(request, response));
  });
  const rejectRequest = (response: ServerResponse, status: number, text: string): void => {
    sendReply(response, plainReply(status, text));
    onProtocolError(`answered ${status} ${STATUS_CODES[status]}: ${text}`);
  };
  // By default Node silently drops headers beyond a thousand; their total size has a limit of its own.
  server.maxHeadersCount = 0;
  // Node's default answers to these three would leave no trace of why no delivery arrived.
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    // Do not send 100-continue for a body that will get 413.
    if (!(Number(request.headers["content-length"]) > maxBody)) response.writeContinue();
    server.emit("request", request, response);
  });
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) =>
    rejectRequest(response, 417, "the Expect header supports only 100-continue"),
  );
  server.on("connect", (_request: IncomingMessage, socket: Socket) =>
    onProtocolError(endWith(socket, "405 Method Not Allowed", "this is not a proxy: CONNECT is not supported")),
  );
  // A sender may close its side after the request and still wait for the answer. Node has this option undocumented.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on("clientError", (error: BadRequest, socket: Socket) => {
    const message = rejectBadHttp(error, socket);
    if (message !== undefined) onProtocolError(message);
  });
  const connections = new Set<Socket>();
  const checkHandles = createHandleCheck(onProtocolError);
  server.on("connection", (socket: Socket) => {
    checkHandles();
    // For "connect" Node removes its own listener: a reset after that would end the process.
    socket.on("error", () => {});
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  // While the server closes, a keep-alive connection must go with its last answer, or it would delay the end.
  const closeIfIdle = (): void => {
    if (!server.listening) server.closeIdleConnections();
  };
  server.on("request", (_request, response) => response.on("close", closeIfIdle));
  await listen(server, address);
  // Accepting may fail when the system is out of memory: without a listener the process would end.
  server.on("error", (error) => onProtocolError(`a connection could not be accepted: ${errorText(error)}`));
  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs) => closeServer(server, connections, graceMs),
  };
}

/**
 * Returns a function to call for new connections, which reports when they have taken the last file handle: from then on
 * libuv accepts connections only to close them, without an event.
 */
function createHandleCheck(onProtocolError: (message: string) => void): () => void {
  let isScheduled = false;
  return () => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      try {
        closeSync(openSync(devNull, "r"));
      } catch (error) {
        const code = errorCode(error);
        if (code !== "EMFILE" && code !== "ENFILE") return;
        const text = "no file handles are left, so new connections are closed without an answer";
        onProtocolError(`${text} (${code}): raise the limit of open files (ulimit -n 4096)`);
      }
    });
  };
}

type BadRequest = NodeJS.ErrnoException & { readonly rawPacket?: Uint8Array };

/** The first byte of a TLS connection: https://www.rfc-editor.org/rfc/rfc8446#section-5.1 */
const TLS_HANDSHAKE = 0x16;

/** Answers invalid HTTP. Returns a message to report, undefined when the sender has gone away. */
function rejectBadHttp(error: BadRequest, socket: Socket): string | undefined {
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
  const message = endWith(socket, status, text);
  // A request that breaks off is reported by its reader, and an unused connection (a browser's spare one) is no error.
  if (error.code === "HPE_INVALID_EOF_STATE" || socket.bytesRead === 0) return undefined;
  return error.rawPacket?.[0] === TLS_HANDSHAKE ? "a sender used https, but this port accepts only http" : message;
}

/** Writes a minimal answer and ends the connection. Returns a message to report. */
function endWith(socket: Socket, status: string, text: string): string {
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
  );
  // Drop what follows: a connection that nobody reads never ends, and file descriptors are limited.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_TIMEOUT_MS);
  socket.once("close", () => clearTimeout(timer));
  return `answered ${status}: ${text}`;
}

async function listen(server: Server, address: ServerAddress): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: address.host, port: address.port, backlog: ACCEPT_BACKLOG }, resolve);
    });
  } catch (error) {
    throw await listenError(error, address);
  }
}

async function listenError(error: unknown, address: ServerAddress): Promise<unknown> {
  const { host, port } = address;
  const code = errorCode(error);
  if (code === "EADDRINUSE") {
    const { command, pid, folder } = (await findServer(host, port)) ?? {};
    const by = [
      command === undefined ? "another program" : `another zoho-hooks ${command}`,
      ...(pid === undefined ? [] : [`, process ${pid}`]),
      ...(folder === undefined ? [] : [` in ${oneLine(folder)}`]),
    ];
    const busy = usageError(
      `port ${port} on ${host} is in use by ${by.join("")}`,
      "stop that one, or choose another port: --port 0 for any free one",
    );
    return Object.assign(busy, { cause: error });
  }
  if (code === "EACCES") return usageError(`this user has no permission to open port ${port}`, "choose one above 1023");
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
      ? `a link-local address needs its network interface: --host ${host}%eth0`
      : "use --host 127.0.0.1, or --host 0.0.0.0 for all addresses of this machine",
  );
}

export function isPortBusy(error: unknown): error is UserError {
  return error instanceof UserError && errorCode(error.cause) === "EADDRINUSE";
}

/** Opens something on the first of these ports that is not in use; undefined where all are. */
export async function openOnFreePort<T>(
  ports: readonly number[],
  open: (port: number) => Promise<T>,
): Promise<T | undefined> {
  for (const port of ports) {
    try {
      return await open(port);
    } catch (error) {
      if (!isPortBusy(error)) throw error;
    }
  }
  return undefined;
}

function closeServer(server: Server, connections: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // `server.closeAllConnections` leaves CONNECT sockets out, and `server.close` waits for them all the same.
    const timeout = setTimeout(() => {
      for (const socket of connections) socket.destroy();
    }, graceMs);
    // Node does not count a browser's spare connection as idle. Pending input is read before the check.
    const unusedTimeout = setTimeout(
      () => setImmediate(closeUnused, connections),
      Math.min(UNUSED_TIMEOUT_MS, graceMs),
    );
    const closeIdle = (): void => {
      server.close(() => {
        clearTimeout(timeout);
        clearTimeout(unusedTimeout);
        resolve();
      });
      server.closeIdleConnections();
    };
    // A turn to accept the connections that have come by now, and one to read their requests: unread, they count as idle.
    setImmediate(() => setImmediate(closeIdle));
  });
}

function closeUnused(connections: ReadonlySet<Socket>): void {
  for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
}

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

/** Requests of one connection; no sender of webhooks posts the next one before it has an answer. */
const MAX_UNANSWERED = 32;

/** Requests that wait, of all connections together. One more closes its connection. */
const MAX_WAITING = 512;

/** For a paused connection on which nothing moves, as when its client reads no answers. */
const PAUSED_TIMEOUT_MS = 10_000;

interface Pipeline {
  readonly socket: Socket;
  /** Called when a response closes. */
  readonly onAnswered: () => void;
  /** A request counts until the turn of the event loop after its answer, so that a flood leaves turns to other connections. */
  unanswered: number;
  /** Requests that wait while the connection is paused; undefined while it is read. */
  waiting: (() => void)[] | undefined;
}

const pipelines = new WeakMap<Socket, Pipeline>();

let waitingCount = 0;

/** Connections of the requests that were answered in this turn of the event loop. */
let answered: Pipeline[] = [];

/**
 * Starts handling a request, at once unless 32 others of its connection are unanswered: then the connection is paused until
 * all are answered. A request is answered when its answer is written to the connection, so a client that reads none
 * is not read either.
 */
export function startInTurn({ socket }: IncomingMessage, response: ServerResponse, start: () => void): void {
  if (socket.destroyed) return;
  const connection = pipelines.get(socket) ?? watchPipeline(socket);
  if (connection.waiting === undefined && connection.unanswered < MAX_UNANSWERED) run(connection, response, start);
  else wait(connection, () => run(connection, response, start));
}

function run(connection: Pipeline, response: ServerResponse, start: () => void): void {
  connection.unanswered++;
  response.once("close", connection.onAnswered);
  start();
}

function watchPipeline(socket: Socket): Pipeline {
  const onAnswered = (): void => {
    if (answered.push(connection) === 1) setImmediate(settleAnswered);
  };
  const connection: Pipeline = { socket, onAnswered, unanswered: 0, waiting: undefined };
  pipelines.set(socket, connection);
  socket.once("close", () => endWaiting(connection));
  return connection;
}

function wait(connection: Pipeline, start: () => void): void {
  const { socket } = connection;
  // Later in this turn: Node resumes the connection after each complete request that it has already read.
  setImmediate(() => {
    if (connection.waiting !== undefined) socket.pause();
  });
  if (connection.waiting === undefined) {
    connection.waiting = [];
    socket.setTimeout(PAUSED_TIMEOUT_MS);
  }
  connection.waiting.push(start);
  waitingCount++;
  if (waitingCount > MAX_WAITING) socket.destroy();
}

function settleAnswered(): void {
  const settled = answered;
  answered = [];
  for (const connection of settled) {
    connection.unanswered--;
    if (connection.unanswered === 0 && connection.waiting !== undefined) startWaiting(connection, connection.waiting);
  }
}

function startWaiting(connection: Pipeline, waiting: (() => void)[]): void {
  const next = waiting.splice(0, MAX_UNANSWERED);
  waitingCount -= next.length;
  for (const start of next) start();
  if (next.length > 0) return;
  // Not sooner: until all answers are written, Node itself may have paused the connection, and its parser.
  endWaiting(connection);
  connection.socket.resume();
}

function endWaiting(connection: Pipeline): void {
  waitingCount -= connection.waiting?.length ?? 0;
  connection.waiting = undefined;
}
