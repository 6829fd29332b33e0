import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { errorText, UserError } from "../core/errors.ts";
import { maskHeaders } from "../core/mask.ts";
import { PROBE_ANSWER_HEADER, PROBE_HEADER, type ProbeKey } from "../core/probe-key.ts";
import type { OfferedSecret } from "../core/product.ts";
import { emptyReceipt } from "../core/receive.ts";
import { type Decision, plainReply, refuse } from "../core/reply.ts";
import type { EventReport } from "../core/report.ts";
import { holdsOffer } from "../core/secret-offer.ts";
import { healthReply } from "./health.ts";
import { type OpenServer, openServer } from "./http-server.ts";
import { type Arrival, type Judgement, type JudgeOptions, judge } from "./judge.ts";
import type { Ledger } from "./ledger.ts";
import { readRequest } from "./read-request.ts";
import { route } from "./route.ts";
import { sendReply } from "./send-reply.ts";
import { isFromPublicUrl, senderAddress } from "./sender-address.ts";

export interface ReceiverOptions extends JudgeOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Bytes. */
  readonly maxBody: number;
  readonly ledger: Ledger;
  /** Of this process, for another receiver that finds the port taken. */
  readonly pid: number;
  /** Proves to a probe that comes through a public URL that it has arrived here. */
  readonly probeKey?: ProbeKey;
  /** The URL of a tunnel of the user's own, which has no port to itself as ours has. */
  readonly publicUrl?: string | undefined;
  now(): Date;
  /** Keeps a secret that a sender hands over when its webhook is set up. */
  keepSecret?(product: string, offered: OfferedSecret): void;
  /** Called after the answer is on its way, once for each request that was meant as a webhook. */
  onEvent(event: Omit<EventReport, "shown">): void;
  /** Something that went wrong and belongs to no event. */
  onTrouble(message: string, hint?: string): void;
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
/** How long the rest of a refused body is read and dropped, so that the sender sees the answer and not a reset. */
const DRAIN_MS = 2_000;

/** Opens the local receiver; rejects when the port cannot be had. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  let isReady = false;
  const servers: OpenServer[] = [];
  const underWay = new Set<Promise<void>>();
  const open = async (host: string, port: number, throughTunnel: boolean): Promise<OpenServer> => {
    const server = await openServer({ host, port }, (request, response) => {
      const work = answer(request, response, throughTunnel, options, () => isReady)
        .catch((error: unknown) => {
          options.onTrouble(errorText(error));
          if (!response.headersSent && !response.destroyed) {
            sendReply(response, refuse(500, "internal error of zoho-hooks").reply);
          }
        })
        .finally(() => underWay.delete(work));
      underWay.add(work);
    });
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
      await Promise.race([Promise.all(underWay), passed]);
      limit.abort();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  throughTunnel: boolean,
  options: ReceiverOptions,
  isReady: () => boolean,
): Promise<void> {
  const found = route(request.url ?? "/", options.products);
  const proof = found.kind === "ready" ? probeAnswer(request, options) : undefined;
  if (proof !== undefined) {
    return sendReply(response, { ...plainReply(200, "OK"), headers: [[PROBE_ANSWER_HEADER, proof]] });
  }
  if (found.kind === "health") return sendReply(response, healthReply(request, options.pid, throughTunnel));
  if (found.kind === "ready") {
    const word = isReady() ? "ready" : "starting";
    return sendReply(response, {
      status: isReady() ? 200 : 503,
      contentType: "application/json",
      body: `{"status":"${word}"}`,
    });
  }
  // Browsers and scanners ask for pages; a webhook that has gone astray is posted, and worth a line.
  if (found.kind === "unknown" && (request.method === "GET" || request.method === "HEAD")) {
    return sendReply(response, plainReply(404, found.reason));
  }
  const at = options.now();
  const read = await readRequest(request, options.maxBody).catch((error: unknown) => {
    options.onTrouble(`${request.method} ${request.url}: ${errorText(error)}`);
  });
  if (read === undefined) return;
  const address = senderAddress(request, throughTunnel || isFromPublicUrl(request, options.publicUrl));
  const arrival: Arrival = { delivery: read.delivery, address, at };
  const judgement: Judgement = read.ok
    ? judge(arrival, found, options)
    : {
        receipt: { ...emptyReceipt, product: found.kind === "webhook" ? found.product?.id : undefined },
        decision: refuse(read.status, read.reason),
      };
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
  const { receipt } = judged;
  let decision = keepSecret(judged, options);
  const kept = await options.ledger.keep({ arrival, receipt, decision }).catch((error: unknown) => {
    const hint = error instanceof UserError ? error.hint : undefined;
    options.onTrouble(`a delivery could not be kept: ${errorText(error)}`, hint);
    if (decision.accepted) decision = refuse(503, "the delivery could not be stored; send it again later");
  });
  const { delivery, at } = arrival;
  const event = {
    type: "event",
    n: kept?.n ?? 0,
    at,
    method: delivery.method,
    path: delivery.url,
    headers: holdsOffer(options.products, delivery) ? maskHeaders(delivery.headers) : delivery.headers,
    body: delivery.body,
    receipt,
    duplicateOf: kept?.duplicateOf,
    refusal: decision.reason,
  } as const;
  try {
    if (kept?.answer !== undefined) {
      options.onEvent({ ...event, status: undefined });
      return sendReply(response, await kept.answer());
    }
    const { reply } = decision;
    sendReply(response, reply);
    options.onEvent({ ...event, status: reply.status });
  } finally {
    kept?.after?.();
  }
}

/** A sender hands its secret over once: what cannot be kept must not be answered with a yes. */
function keepSecret({ decision, toKeep }: Judgement, options: ReceiverOptions): Decision {
  if (toKeep === undefined) return decision;
  try {
    options.keepSecret?.(toKeep.product, toKeep.offered);
    return decision;
  } catch (error) {
    options.onTrouble(`a secret that was handed over could not be kept: ${errorText(error)}`);
    return refuse(503, "the secret could not be kept; set the webhook up again later");
  }
}

/** Only to a GET of `/readyz`: whatever else bears the header is a delivery like any other. */
function probeAnswer({ method, headers }: IncomingMessage, { probeKey }: ReceiverOptions): string | undefined {
  const nonce = headers[PROBE_HEADER];
  return method === "GET" && typeof nonce === "string" ? probeKey?.answer(nonce) : undefined;
}

function dropRest(request: IncomingMessage): void {
  request.resume();
  const timer = setTimeout(() => request.socket.destroy(), DRAIN_MS);
  request.socket.once("close", () => clearTimeout(timer));
}
