import type { IncomingMessage, ServerResponse } from "node:http";
import { type Delivery, type HeaderPair, headerValue } from "../body/delivery.ts";
import { offersSecret } from "../core/handshake.ts";
import { maskHeaders, maskUrl } from "../core/mask.ts";
import { PROBE_ANSWER_HEADER, PROBE_HEADER, type ProbeKey } from "../core/probe-key.ts";
import type { OfferedSecret, Reply } from "../core/product.ts";
import { emptyReceipt, type Receipt } from "../core/receive.ts";
import { type Decision, plainReply, refuse } from "../core/reply.ts";
import type { EventReport } from "../reports/event.ts";
import { errorText, UserError } from "../util/errors.ts";
import { isLoopbackAddress } from "../util/hosts.ts";
import { type Arrival, type Evaluation, evaluateWithKeys, isFromPage, type KeyOptions } from "./evaluate.ts";
import type { Recorded, Recorder } from "./recorder.ts";
import { healthReply, route } from "./routes.ts";

/** What a request is answered by. */
export interface AnswerOptions extends KeyOptions {
  /** Bytes. */
  readonly maxBody: number;
  readonly ledger: Recorder;
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
  readonly allRead: BatchTick;
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
    ? evaluateWithKeys(arrival, found, options)
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
  judged: Evaluation,
  response: ServerResponse,
  options: AnswerOptions,
  until: Promise<void> | undefined,
): Promise<void> {
  const { receipt } = judged;
  let decision = keepSecret(judged, options);
  let kept: Recorded | undefined;
  try {
    kept = await options.ledger.record({ arrival, receipt, decision });
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
  kept: Recorded | undefined,
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
    headers: offersSecret(products, delivery) ? maskHeaders(delivery.headers) : delivery.headers,
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
function keepSecret({ decision, shouldRecord }: Evaluation, options: AnswerOptions): Decision {
  if (shouldRecord === undefined) return decision;
  try {
    options.keepSecret?.(shouldRecord.product, shouldRecord.offered);
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

type ReadResult =
  | { readonly ok: true; readonly delivery: Delivery }
  | { readonly ok: false; readonly delivery: Delivery; readonly status: 413; readonly reason: string };

/**
 * Reads a request to its end as exact bytes. Rejects when the sender goes away before that.
 * Past `maxBytes` reading stops and what came is dropped: a 413 needs no body.
 */
async function readRequest(request: IncomingMessage, maxBytes: number): Promise<ReadResult> {
  const headers = headerPairs(request.rawHeaders);
  const tooLarge = (): ReadResult => ({
    ok: false,
    delivery: toDelivery(request, headers, Buffer.alloc(0)),
    status: 413,
    reason: `the body is larger than ${maxBytes} bytes (--max-body)`,
  });
  if (Number(headerValue({ headers }, "content-length")) > maxBytes) return tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) resolve(tooLarge());
      else chunks.push(chunk);
    });
    request.on("end", () => {
      const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      resolve({ ok: true, delivery: toDelivery(request, headers, body) });
    });
    const broken = (): void => reject(new Error(`the connection was closed after ${length} bytes of the body`));
    request.on("error", broken);
    request.on("close", () => {
      if (!request.complete) broken();
    });
  });
}

function toDelivery({ method, url }: IncomingMessage, headers: readonly HeaderPair[], body: Buffer): Delivery {
  return { method: method ?? "GET", url: url ?? "/", headers, body };
}

/** Not from `request.headers`, which has neither order nor repeats, and is made only when it is asked for. */
function headerPairs(raw: readonly string[]): readonly HeaderPair[] {
  const headers: HeaderPair[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) headers.push([raw[i] ?? "", raw[i + 1] ?? ""]);
  return headers;
}

/** The nearest proxy, which is the tunnel, writes the address that it has seen behind all others. */
function senderAddress({ headers, socket }: IncomingMessage, throughTunnel: boolean): string | undefined {
  if (!throughTunnel) return socket.remoteAddress;
  const forwarded = [headers["x-forwarded-for"] ?? []].flat().join(",");
  return forwarded.split(",").at(-1)?.trim() || socket.remoteAddress;
}

/** A tunnel of the user's own runs on this machine and names the public host. Anyone else could write that name, too. */
function isFromPublicHost({ headers, socket }: IncomingMessage, publicHost: string | undefined): boolean {
  if (publicHost === undefined || headers.host !== publicHost) return false;
  return isLoopbackAddress(socket.remoteAddress);
}

/** These have no body, and so no length (RFC 9110, section 6.4.1). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** Writes an answer, whole. It ends, and with it a connection that is not kept, no sooner than `until` resolves. */
export function sendReply(response: ServerResponse, reply: Reply, until?: Promise<void>): void {
  const { status, contentType, body } = reply;
  // A text goes out in one piece with the head, bytes in a second one.
  const sent = WITHOUT_BODY.has(status) ? "" : body;
  const headers: string[] = [];
  for (const [name, value] of reply.headers ?? []) headers.push(name, value);
  if (contentType !== "") headers.push("content-type", contentType);
  if (!WITHOUT_BODY.has(status)) headers.push("content-length", String(Buffer.byteLength(sent)));
  if (status === 413) headers.push("connection", "close");
  response.writeHead(status, headers);
  if (until === undefined) response.end(sent);
  else {
    response.write(sent);
    void until.then(() => response.end());
  }
}

/** The answer to whoever asks for the public keys. Not to be cached: a key that is made anew counts at once. */
export function keySetReply(method: string | undefined, keySet: string | undefined): Reply {
  if (keySet === undefined) return plainReply(404, "no key set is served here: start with --serve-jwks");
  if (method !== "GET" && method !== "HEAD") {
    return { ...refuse(405, "a key set can only be read").reply, headers: [["allow", "GET, HEAD"]] };
  }
  return { status: 200, contentType: "application/json", headers: [["cache-control", "no-cache"]], body: keySet };
}

/**
 * A point at which requests wait for each other for a moment: all that have come are read, then all are judged and kept. A
 * processor has at hand what it has just used; where each request goes all its way by itself, it costs a quarter more.
 */
type BatchTick = () => Promise<void>;

/** Resolves, for all who have asked meanwhile, when the event loop has looked twice for what else has come. */
export function batchTick(): BatchTick {
  let waiting: Promise<void> | undefined;
  return () => {
    waiting ??= new Promise((resolve) => {
      setImmediate(() =>
        setImmediate(() => {
          waiting = undefined;
          resolve();
        }),
      );
    });
    return waiting;
  };
}
