import type { RequestListener } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { refuse } from "../core/reply.ts";
import { errorText } from "../util/errors.ts";
import { type AnswerOptions, type AnswerState, answer, batchTick, sendReply } from "./handler.ts";
import { type OpenServer, openServer } from "./http-server.ts";

export interface ReceiverOptions extends AnswerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
}

export interface Receiver {
  /** `http://127.0.0.1:4460`, with the port that was really taken. */
  readonly url: string;
  readonly port: number;
  /**
   * Opens a second port, on loopback, for a tunnel alone: only of what comes in there is the forwarded address believed.
   * Resolves to its number.
   */
  openTunnelPort(): Promise<number>;
  /** From now on `/readyz` says yes. */
  ready(): void;
  /** Stops accepting, lets what is under way end (at most `graceMs`), then closes every connection. */
  close(graceMs?: number): Promise<void>;
}

const CLOSE_GRACE_MS = 2_000;

/** Opens the local receiver; rejects when the port cannot be had. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  let isReady = false;
  const state: AnswerState = { isReady: () => isReady, allRead: batchTick() };
  const servers: OpenServer[] = [];
  const told = new Set<string>();
  // Who scans ports does so all day; who has mistaken the address needs a single word.
  const tellOnce = (what: string): void => {
    if (told.has(what)) return;
    told.add(what);
    options.onTrouble(`${what} (told once)`);
  };
  let underWay = 0;
  let noneLeft: () => void = () => {};
  const open = async (host: string, port: number, throughTunnel: boolean): Promise<OpenServer> => {
    const listener: RequestListener = (request, response) => {
      underWay++;
      const ended = (): void => {
        if (--underWay === 0) noneLeft();
      };
      answer(request, response, throughTunnel, options, state).then(ended, (error: unknown) => {
        ended();
        options.onTrouble(errorText(error));
        if (!response.headersSent && !response.destroyed) {
          sendReply(response, refuse(500, "internal error of zoho-hooks").reply);
        }
      });
    };
    const server = await openServer({ host, port }, listener, tellOnce, options.maxBody);
    servers.push(server);
    return server;
  };
  const { port } = await open(options.host, options.port, false);
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    port,
    openTunnelPort: async () => (await open("127.0.0.1", 0, true)).port,
    ready: () => {
      isReady = true;
    },
    async close(graceMs = CLOSE_GRACE_MS) {
      await Promise.all(servers.map((server) => server.close(graceMs)));
      // A request that was cut off learns of it a little later; it is told before the caller goes on.
      const limit = new AbortController();
      const passed = pause(graceMs, undefined, { signal: limit.signal }).catch(() => {});
      const answered = new Promise<void>((resolve) => {
        noneLeft = resolve;
        if (underWay === 0) resolve();
      });
      await Promise.race([answered, passed]);
      limit.abort();
    },
  };
}
