import { randomInt } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

/** One request as it stood on the wire. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

export interface Target {
  readonly port: number;
  /** `http://127.0.0.1:<port>`, or https. */
  readonly url: string;
  readonly seen: readonly Seen[];
  /** The most requests that were under way at the same time. */
  readonly mostAtOnce: number;
  /** How many connections were opened. */
  readonly connections: number;
  close(): Promise<void>;
}

export type Answer = (response: ServerResponse, seen: Seen, n: number) => void | Promise<void>;

export interface TargetOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Sees a request before its body is there; when it answers, the body is not waited for. */
  readonly early?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** A developer's app on a free port of loopback that keeps all it gets. Answers `200 OK` unless told. */
export async function startTarget(
  answer: Answer = (response) => void response.end("OK"),
  { host = "127.0.0.1", port: wanted = 0, tls, early }: TargetOptions = {},
): Promise<Target> {
  const seen: Seen[] = [];
  let underWay = 0;
  let mostAtOnce = 0;
  let connections = 0;
  const listener: RequestListener = (request, response) => {
    mostAtOnce = Math.max(mostAtOnce, ++underWay);
    response.on("close", () => underWay--);
    if (early?.(request, response)) return;
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const raw = request.rawHeaders;
      const one: Seen = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? ""] as const] : [])),
        body: Buffer.concat(chunks),
      };
      seen.push(one);
      void answer(response, one, seen.length);
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on(tls === undefined ? "connection" : "secureConnection", () => connections++);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(wanted, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${port}`,
    seen,
    get mostAtOnce() {
      return mostAtOnce;
    },
    get connections() {
      return connections;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A port of loopback that nothing listens on. Tests that run at the same time do not get it, as the system gives out higher ones. */
export async function freePort(): Promise<number> {
  const port = randomInt(10_000, 30_000);
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  return isFree ? port : freePort();
}

/** The values of a header, in order. */
export function valuesOf({ headers }: Seen, name: string): readonly string[] {
  return headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}
