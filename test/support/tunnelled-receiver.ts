import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { secret } from "../../src/delivery/secrets.ts";
import { openNgrok } from "../../src/tunnel/ngrok.ts";
import type { NgrokSettings } from "../../src/tunnel/ngrok-session.ts";
import { probe } from "../../src/tunnel/probe.ts";
import type { Tunnel, TunnelOptions, TunnelStatus } from "../../src/tunnel/tunnel.ts";
import { createProbeKey, PROBE_ANSWER_HEADER, PROBE_HEADER, type ProbeKey } from "../../src/util/probe-key.ts";
import type { NgrokEdge } from "./ngrok-edge.ts";

export interface LocalReceiver {
  readonly port: number;
  readonly key: ProbeKey;
  close(): Promise<void>;
}

/** A plain HTTP server that answers probes as the real receiver does, and hands the rest to the test. */
export async function startLocalReceiver(
  handle: (request: IncomingMessage, response: ServerResponse) => void = (request, response) => {
    request.resume().on("end", () => response.end("OK"));
  },
): Promise<LocalReceiver> {
  const key = createProbeKey();
  const server = createServer((request, response) => {
    const answer = key.answer(String(request.headers[PROBE_HEADER]));
    if (answer === undefined) handle(request, response);
    else response.setHeader(PROBE_ANSWER_HEADER, answer).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
  return {
    port: address.port,
    key,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export interface TunnelUnderTest {
  readonly tunnel: Tunnel;
  readonly statuses: readonly TunnelStatus[];
  /** Resolves with the first status of a type, also where it has been said already. */
  said<T extends TunnelStatus["type"]>(type: T): Promise<Extract<TunnelStatus, { type: T }>>;
}

/** Opens a tunnel with the real agent through the local edge. */
export async function openThrough(
  edge: Pick<NgrokEdge, "serverAddr" | "caFile">,
  receiver: LocalReceiver,
  settings: Partial<NgrokSettings> = {},
  options: Partial<TunnelOptions> = {},
): Promise<TunnelUnderTest> {
  const statuses: TunnelStatus[] = [];
  const changes = new EventEmitter();
  const tunnel = await openNgrok(
    {
      authtoken: secret("a-token-of-the-test", "NGROK_AUTHTOKEN"),
      domain: undefined,
      serverAddr: edge.serverAddr,
      rootCas: edge.caFile,
      ...settings,
    },
    {
      addr: { host: "127.0.0.1", port: receiver.port },
      reaches: async (publicUrl, signal) => {
        const result = await probe({ publicUrl, key: receiver.key, signal, pausesMs: [0], timeoutMs: 2000 });
        return result.ok;
      },
      timeoutMs: 60_000,
      onStatus: (status) => {
        statuses.push(status);
        changes.emit("status");
      },
      now: () => new Date(),
      signal: new AbortController().signal,
      ...options,
    },
  );
  return {
    tunnel,
    statuses,
    said: async <T extends TunnelStatus["type"]>(type: T) => {
      for (;;) {
        const status = statuses.find((each): each is Extract<TunnelStatus, { type: T }> => each.type === type);
        if (status !== undefined) return status;
        await once(changes, "status");
      }
    },
  };
}
