import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { errorCode } from "../core/errors.ts";

export interface LoopbackServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Of these a machine without IPv6 has the first one only. */
const ADDRESSES = ["127.0.0.1", "::1"] as const;
const NO_SUCH_ADDRESS = ["EADDRNOTAVAIL", "EAFNOSUPPORT"];
/** For any free port, one of the two may be taken at the other address. */
const MOST_TRIES = 20;

/**
 * Listens wherever `localhost` may lead to. At one address alone, another program of this machine could take the same
 * port of the other, and get what is meant for here. `port` 0: any that is free at both.
 */
export async function listenOnLoopback(port: number, listener: RequestListener): Promise<LoopbackServer> {
  for (let tries = 1; ; tries++) {
    const servers: Server[] = [];
    const close = async (): Promise<void> => void (await Promise.all(servers.map(closeServer)));
    try {
      let taken = port;
      for (const host of ADDRESSES) {
        const server = await listen(listener, host, taken).catch((error: unknown) => {
          if (servers.length > 0 && NO_SUCH_ADDRESS.includes(errorCode(error) ?? "")) return undefined;
          throw error;
        });
        if (server === undefined) continue;
        servers.push(server);
        taken = (server.address() as AddressInfo).port;
      }
      return { port: taken, close };
    } catch (error) {
      await close();
      if (port !== 0 || errorCode(error) !== "EADDRINUSE" || tries === MOST_TRIES) throw error;
    }
  }
}

function listen(listener: RequestListener, host: string, port: number): Promise<Server> {
  const server = createServer(listener);
  return new Promise((listening, failed) => {
    server.once("error", failed);
    server.listen({ host, port, ipv6Only: true }, () => listening(server));
  });
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((closed) => server.close(() => closed()));
}
