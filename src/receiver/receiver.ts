import type { RequestListener } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { refuse } from "../recognition/reply.ts";
import { errorText } from "../util/errors.ts";
import { type HandlerOptions, handleRequest } from "./handler.ts";
import { type OpenServer, openServer } from "./http-server.ts";
import { createInFlight } from "./in-flight.ts";
import { type ReadyState, sendReply } from "./respond.ts";

export interface ReceiverOptions extends Omit<HandlerOptions, "inFlight"> {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

const CLOSE_GRACE_MS = 2_000;

/** Opens the local receiver; rejects when it cannot listen on the port. */
export async function startReceiver(options: ReceiverOptions) {
  let state: ReadyState = "starting";
  const servers: OpenServer[] = [];
  const reported = new Set<string>();
  const pending = new Set<Promise<void>>();
  const inFlight = createInFlight(() =>
    options.onTrouble(
      "too many requests are in flight: further ones are answered 503 until some are done",
      "the sender may be flooding this port, or the event log or your app is slow",
    ),
  );
  const handlerOptions = { ...options, inFlight };

  // A port scanner comes all day, and a mistaken address needs a single line.
  const onProtocolError = (message: string): void => {
    if (reported.has(message)) return;
    reported.add(message);
    options.onTrouble(`${message} (reported once)`);
  };

  async function open(host: string, port: number, throughTunnel: boolean): Promise<number> {
    const listener: RequestListener = (request, response) => {
      // Its next request goes to another receiver.
      if (state === "stopping") response.shouldKeepAlive = false;
      const handling = handleRequest({ request, response, throughTunnel, state }, handlerOptions)
        .catch((error: unknown) => {
          options.onTrouble(errorText(error));
          if (response.headersSent || response.destroyed) return;
          sendReply(response, refuse(500, "internal error of zoho-hooks").reply);
        })
        .finally(() => pending.delete(handling));
      pending.add(handling);
    };
    const server = await openServer({ host, port }, listener, { onProtocolError, maxBody: options.maxBody });
    servers.push(server);
    return server.port;
  }

  const port = await open(options.host, options.port, false);
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    /** `http://127.0.0.1:4460`, with the port that was really taken. */
    url: `http://${host}:${port}`,
    port,
    /**
     * Opens a second port, on loopback, for a tunnel alone: X-Forwarded-For is believed only there. Resolves to its
     * number.
     */
    openTunnelPort: () => open("127.0.0.1", 0, true),
    /** From now on `/readyz` answers 200 while deliveries can be recorded. */
    ready(): void {
      if (state === "starting") state = "ready";
    },
    /** From now on `/readyz` answers 503, and connections end with the answer. */
    drain(): void {
      state = "stopping";
    },
    /** Stops accepting, lets requests end for at most `graceMs`, then closes every connection. */
    async close(graceMs = CLOSE_GRACE_MS): Promise<void> {
      await Promise.all(servers.map((server) => server.close(graceMs)));
      // A request that was cut off learns of it a little later, and is reported before the caller goes on.
      const timeout = new AbortController();
      await Promise.race([Promise.all(pending), delay(graceMs, undefined, { signal: timeout.signal })]);
      timeout.abort();
    },
  };
}
