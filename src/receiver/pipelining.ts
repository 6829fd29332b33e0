import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Requests of one connection; no sender of webhooks posts the next one before it has an answer. */
const MAX_UNANSWERED = 32;
/** Requests that wait, of all connections together. One more closes its connection. */
const MAX_WAITING = 512;
/** For a paused connection on which nothing moves, as when its client reads no answers. */
const PAUSED_TIMEOUT_MS = 10_000;

interface Connection {
  readonly socket: Socket;
  /** Called when a response closes. */
  readonly onAnswered: () => void;
  /** A request counts until the turn of the event loop after its answer, so that a flood leaves turns to other connections. */
  unanswered: number;
  /** Requests that wait while the connection is paused; undefined while it is read. */
  waiting: (() => void)[] | undefined;
}

const connections = new WeakMap<Socket, Connection>();
let waitingCount = 0;
/** Connections of the requests that were answered in this turn of the event loop. */
let answered: Connection[] = [];

/**
 * Starts handling a request, at once unless 32 others of its connection are unanswered: then the connection is paused until
 * all are answered. A request is answered when its answer is written to the connection, so a client that reads none
 * is not read either.
 */
export function startInTurn({ socket }: IncomingMessage, response: ServerResponse, start: () => void): void {
  if (socket.destroyed) return;
  const connection = connections.get(socket) ?? watchConnection(socket);
  if (connection.waiting === undefined && connection.unanswered < MAX_UNANSWERED) run(connection, response, start);
  else wait(connection, () => run(connection, response, start));
}

function run(connection: Connection, response: ServerResponse, start: () => void): void {
  connection.unanswered++;
  response.once("close", connection.onAnswered);
  start();
}

function watchConnection(socket: Socket): Connection {
  const onAnswered = (): void => {
    if (answered.push(connection) === 1) setImmediate(settleAnswered);
  };
  const connection: Connection = { socket, onAnswered, unanswered: 0, waiting: undefined };
  connections.set(socket, connection);
  socket.once("close", () => endWaiting(connection));
  return connection;
}

function wait(connection: Connection, start: () => void): void {
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

function startWaiting(connection: Connection, waiting: (() => void)[]): void {
  const next = waiting.splice(0, MAX_UNANSWERED);
  waitingCount -= next.length;
  for (const start of next) start();
  if (next.length > 0) return;
  // Not sooner: until all answers are written, Node itself may have paused the connection, and its parser.
  endWaiting(connection);
  connection.socket.resume();
}

function endWaiting(connection: Connection): void {
  waitingCount -= connection.waiting?.length ?? 0;
  connection.waiting = undefined;
}
