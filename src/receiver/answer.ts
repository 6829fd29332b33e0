import type { IncomingMessage, ServerResponse } from "node:http";
import { errorText, UserError } from "../core/errors.ts";
import { maskHeaders, maskUrl } from "../core/mask.ts";
import { PROBE_ANSWER_HEADER, PROBE_HEADER, type ProbeKey } from "../core/probe-key.ts";
import type { OfferedSecret } from "../core/product.ts";
import { emptyReceipt, type Receipt } from "../core/receive.ts";
import { type Decision, plainReply, refuse } from "../core/reply.ts";
import type { EventReport } from "../core/report.ts";
import { holdsOffer } from "../core/secret-offer.ts";
import { isFromPage } from "./from-page.ts";
import { healthReply } from "./health.ts";
import type { Arrival, Judgement } from "./judge.ts";
import { judgeWithKeys, type KeyOptions } from "./judge-with-keys.ts";
import { keySetReply } from "./key-set-reply.ts";
import type { Kept, Ledger } from "./ledger.ts";
import { readRequest } from "./read-request.ts";
import { route } from "./route.ts";
import { sendReply } from "./send-reply.ts";
import { isFromPublicHost, senderAddress } from "./sender-address.ts";
import type { Together } from "./together.ts";

/** What a request is answered by. */
export interface AnswerOptions extends KeyOptions {
  /** Bytes. */
  readonly maxBody: number;
  readonly ledger: Ledger;
  /** Of this process, for another receiver that finds the port taken. */
  readonly pid: number;
  /** Proves to a probe that comes through a public URL that it has arrived here. */
  readonly probeKey?: ProbeKey;
  /** The public keys (JWKS) to serve to an app that checks what is signed with the private ones here. */
  readonly keySet?: string | undefined;
  /** Of a tunnel of the user's own, which has no port to itself as ours has. */
  readonly publicHost?: string | undefined;
  /** Whether an event is to be shown; all are unless it is given. */
  isShown?(product: string | undefined, event: string | undefined): boolean;
  readonly showSecrets?: boolean | undefined;
  now(): Date;
  /** Keeps a secret that a sender hands over when its webhook is set up. */
  keepSecret?(product: string, offered: OfferedSecret): void;
  /** Called after the answer is on its way, once for each request that was meant as a webhook. */
  onEvent(event: EventReport): void;
  /** Something that went wrong and belongs to no event. */
  onTrouble(message: string, hint?: string): void;
}

/** What belongs to one receiver. */
export interface AnswerState {
  isReady(): boolean;
  readonly allRead: Together;
}

/** How long the rest of a refused body is read and dropped, so that the sender sees the answer and not a reset. */
const DRAIN_MS = 2_000;

/** Answers one request, whatever it asks for. */
export async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  throughTunnel: boolean,
  options: AnswerOptions,
  { isReady, allRead }: AnswerState,
): Promise<void> {
  const found = route(request.url ?? "/", options.products);
  const proof = found.kind === "ready" ? probeAnswer(request, options) : undefined;
  if (proof !== undefined) {
    return sendReply(response, { ...plainReply(200, "OK"), headers: [[PROBE_ANSWER_HEADER, proof]] });
  }
  if (found.kind === "health") return sendReply(response, healthReply(request, options.pid, throughTunnel));
  if (found.kind === "key-set") return sendReply(response, keySetReply(request.method, options.keySet));
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
    options.onTrouble(`${request.method} ${maskUrl(request.url ?? "")}: ${errorText(error)}`);
  });
  if (read === undefined) return;
  // A connection that breaks meanwhile takes its address with it.
  const fromOutside = throughTunnel || isFromPublicHost(request, options.publicHost);
  const { delivery } = read;
  const arrival: Arrival = {
    delivery,
    address: senderAddress(request, fromOutside),
    isFromPage: !fromOutside && isFromPage(delivery.headers),
    at,
  };
  await allRead();
  const made = read.ok
    ? judgeWithKeys(arrival, found, options)
    : {
        receipt: { ...emptyReceipt, product: found.kind === "webhook" ? found.product?.id : undefined },
        decision: refuse(read.status, read.reason),
      };
  // A secret that is handed over is judged by what is kept: no other request may be judged before it is kept, too.
  const judgement = made instanceof Promise ? await made : made;
  await keepAndAnswer(arrival, judgement, response, options, read.ok ? undefined : dropRest(request));
}

/** The order matters: what was not kept is never answered with a yes. */
async function keepAndAnswer(
  arrival: Arrival,
  judged: Judgement,
  response: ServerResponse,
  options: AnswerOptions,
  until: Promise<void> | undefined,
): Promise<void> {
  const { receipt } = judged;
  let decision = keepSecret(judged, options);
  let kept: Kept | undefined;
  try {
    kept = await options.ledger.keep({ arrival, receipt, decision });
  } catch (error) {
    const hint = error instanceof UserError ? error.hint : undefined;
    options.onTrouble(`a delivery could not be kept: ${errorText(error)}`, hint);
    if (decision.accepted) decision = refuse(503, "the delivery could not be stored; send it again later");
  }
  const reply = kept?.answer === undefined ? decision.reply : undefined;
  try {
    if (reply !== undefined) sendReply(response, reply, until);
    options.onEvent(eventOf(arrival, receipt, kept, reply?.status, decision.reason, options));
  } finally {
    kept?.after?.();
  }
  if (kept?.answer !== undefined) sendReply(response, await kept.answer());
}

function eventOf(
  { delivery, at }: Arrival,
  receipt: Receipt,
  kept: Kept | undefined,
  status: number | undefined,
  refusal: string | undefined,
  { products, isShown, showSecrets }: AnswerOptions,
): EventReport {
  return {
    type: "event",
    n: kept?.n ?? 0,
    at,
    method: delivery.method,
    path: delivery.url,
    headers: holdsOffer(products, delivery) ? maskHeaders(delivery.headers) : delivery.headers,
    body: delivery.body,
    receipt,
    duplicateOf: kept?.duplicateOf,
    status,
    refusal,
    shown: isShown?.(receipt.product, receipt.event) ?? true,
    showSecrets,
  };
}

/** A sender hands its secret over once: what cannot be kept must not be answered with a yes. */
function keepSecret({ decision, toKeep }: Judgement, options: AnswerOptions): Decision {
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
function probeAnswer({ method, headers }: IncomingMessage, { probeKey }: AnswerOptions): string | undefined {
  const nonce = headers[PROBE_HEADER];
  return method === "GET" && typeof nonce === "string" ? probeKey?.answer(nonce) : undefined;
}

/** Resolves when all of it has come, or enough of it. */
function dropRest(request: IncomingMessage): Promise<void> {
  if (request.readableEnded || request.destroyed) return Promise.resolve();
  request.resume();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, DRAIN_MS);
    const ended = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.once("end", ended);
    request.once("close", ended);
  });
}
