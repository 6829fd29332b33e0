import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { errorText, usageError } from "../core/errors.ts";
import type { Reply } from "../core/product.ts";
import { emptyReceipt } from "../core/receive.ts";
import { refuse } from "../core/reply.ts";
import type { EventReport } from "../core/report.ts";
import { type Arrival, type Judgement, type JudgeOptions, judge } from "./judge.ts";
import type { Ledger } from "./ledger.ts";
import { readRequest } from "./read-request.ts";
import { route } from "./route.ts";

export interface ReceiverOptions extends JudgeOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Bytes. */
  readonly maxBody: number;
  readonly ledger: Ledger;
  now(): Date;
  /** Called after the answer is on its way, once for each request that was meant as a webhook. */
  onEvent(event: Omit<EventReport, "shown">): void;
  /** Something that went wrong and belongs to no event. */
  onTrouble(message: string): void;
}

export interface Receiver {
  /** `http://127.0.0.1:4460`, with the port that was really taken. */
  readonly url: string;
  readonly port: number;
  /** From now on `/readyz` says yes. */
  ready(): void;
  /** Stops accepting, lets what is under way end (at most `graceMs`), then closes every connection. */
  close(graceMs?: number): Promise<void>;
}

/** A request that takes longer than this to arrive is dropped. */
const REQUEST_TIMEOUT_MS = 60_000;
/** How long the rest of a refused body is read and dropped, so that the sender sees the answer and not a reset. */
const DRAIN_MS = 2_000;

/** Opens the local receiver; rejects when the port cannot be had. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  let isReady = false;
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, keepAlive: true }, (request, response) => {
    answer(request, response, options, () => isReady).catch((error: unknown) => {
      options.onTrouble(errorText(error));
      if (!response.headersSent && !response.destroyed)
        send(response, refuse(500, "internal error of zoho-hooks").reply);
    });
  });
  server.on("clientError", refuseBadHttp);
  await listening(server, options);
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    port,
    ready: () => {
      isReady = true;
    },
    close: (graceMs = DRAIN_MS) => closeServer(server, graceMs),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: ReceiverOptions,
  isReady: () => boolean,
): Promise<void> {
  const found = route(request.url ?? "/", options.products);
  if (found.kind === "health")
    return send(response, { status: 200, contentType: "application/json", body: '{"status":"ok"}' });
  if (found.kind === "ready") {
    const word = isReady() ? "ready" : "starting";
    return send(response, {
      status: isReady() ? 200 : 503,
      contentType: "application/json",
      body: `{"status":"${word}"}`,
    });
  }
  const at = options.now();
  const read = await readRequest(request, options.maxBody).catch((error: unknown) => {
    options.onTrouble(`${request.method} ${request.url}: ${errorText(error)}`);
  });
  if (read === undefined) return;
  const arrival: Arrival = { delivery: read.delivery, address: request.socket.remoteAddress, at };
  const judgement: Judgement = read.ok
    ? judge(arrival, found, options)
    : { receipt: emptyReceipt, decision: refuse(read.status, read.reason) };
  await keepAndAnswer(arrival, judgement, response, options);
  if (!read.ok) dropRest(request);
}

/** The order matters: what was not kept is never answered with a yes. */
async function keepAndAnswer(
  arrival: Arrival,
  judged: Judgement,
  response: ServerResponse,
  options: ReceiverOptions,
): Promise<void> {
  let { decision } = judged;
  const { receipt } = judged;
  const kept = await options.ledger.keep({ arrival, receipt, decision }).catch((error: unknown) => {
    options.onTrouble(`a delivery could not be kept: ${errorText(error)}`);
    if (decision.accepted) decision = refuse(503, "the delivery could not be stored; send it again later");
  });
  const { delivery, at } = arrival;
  const event = {
    type: "event",
    n: kept?.n ?? 0,
    at,
    method: delivery.method,
    path: delivery.url,
    headers: delivery.headers,
    body: delivery.body,
    receipt,
    duplicateOf: kept?.duplicateOf,
    refusal: decision.reason,
  } as const;
  if (kept?.answer !== undefined) {
    options.onEvent({ ...event, status: undefined });
    return send(response, await kept.answer());
  }
  const { reply } = decision;
  send(response, reply);
  options.onEvent({ ...event, status: reply.status });
  kept?.after?.();
}

function send(response: ServerResponse, { status, contentType, body, headers = [] }: Reply): void {
  const bytes = Buffer.from(body);
  for (const [name, value] of headers) response.setHeader(name, value);
  if (status === 413) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": contentType, "content-length": bytes.length });
  response.end(bytes);
}

function dropRest(request: IncomingMessage): void {
  request.resume();
  const timer = setTimeout(() => request.socket.destroy(), DRAIN_MS);
  request.socket.once("close", () => clearTimeout(timer));
}

/** What is not HTTP gets the shortest answer that is. */
function refuseBadHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
  const [status, text] =
    error.code === "HPE_HEADER_OVERFLOW"
      ? ["431 Request Header Fields Too Large", "the headers are too large"]
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? ["408 Request Timeout", "the request took too long to arrive"]
        : ["400 Bad Request", "this is not a valid HTTP request"];
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
  );
}

function listening(server: Server, { host, port }: ReceiverOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen({ host, port }, resolve);
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === "EADDRINUSE") {
    return usageError(
      `port ${port} on ${host} is in use, perhaps by another zoho-hooks listen`,
      "stop that one, or choose another port: --port 4461, or --port 0 for any free one",
    );
  }
  if (error.code === "EACCES")
    return usageError(`port ${port} may not be opened by this user`, "choose one above 1023");
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND") {
    return usageError(
      `${host} is not an address of this machine`,
      "use --host 127.0.0.1, or --host 0.0.0.0 for all of them",
    );
  }
  return error;
}

function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
