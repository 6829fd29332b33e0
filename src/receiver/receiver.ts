import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Delivery, HeaderPair } from "../delivery/delivery.ts";
import { maskHeaders, maskUrl } from "../delivery/mask.ts";
import type { AppPaths } from "../delivery/paths.ts";
import { type OfferedSecret, plainReply } from "../model/product.ts";
import { emptyReceipt } from "../model/receipt.ts";
import { allSecretFieldNames } from "../model/secret-names.ts";
import { offersSecret } from "../recognition/handshake.ts";
import { type Decision, NOT_RECORDED, refuse } from "../recognition/reply.ts";
import { acceptedUnsigned } from "../recognition/unsigned.ts";
import { errorText, hintOf } from "../util/errors.ts";
import { isLoopbackAddress } from "../util/hosts.ts";
import { PROBE_ADDRESS_HEADER, PROBE_ANSWER_HEADER, PROBE_HEADER, type ProbeKey } from "../util/probe-key.ts";
import {
  type Arrival,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  isFromPage,
  productOfUnknownKey,
} from "./evaluate.ts";
import type { ReceivedEvent } from "./event-report.ts";
import { type OpenServer, openServer, sendReply } from "./http-server.ts";
import { type Admission, createInFlight, drain, type InFlight, overloadedReply, readBody } from "./read-body.ts";
import type { Recorded, Recorder } from "./recorder.ts";
import {
  healthReply,
  keySetReply,
  type ReadyState,
  type RunningReceiver,
  readyReply,
  route,
  type WebhookRoute,
} from "./routes.ts";
import { TurnBatches } from "./turn-batches.ts";

export interface ReceiverOptions extends EvaluateOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Paths of the user's app, at which deliveries are received as well. */
  readonly paths?: AppPaths;
  /** Bytes. */
  readonly maxBody: number;
  readonly recorder: Recorder;
  /** The id of this process, for a receiver that finds the port in use. */
  readonly pid: number;
  /** The real path of the project's folder, for other programs on this machine. */
  readonly folder?: string;
  /** The servers that deliveries are forwarded to, for other programs on this machine. */
  readonly targets?: readonly string[];
  /** Proves to a probe that comes through a public URL that it has arrived here. */
  readonly probeKey?: ProbeKey;
  /** The public keys (JWKS) for apps that verify what is signed with the private ones here. */
  readonly keySet?: string;
  /** Host of a user-provided tunnel (--public-url). It shares the main port, so requests are matched by Host header. */
  readonly publicHost?: string;
  /** The public base URL of the moment, for other programs on this machine; undefined without a tunnel. */
  publicUrl?(): string | undefined;
  /** Whether an event is shown; all are by default. */
  isShown?(product: string | undefined, event: string | undefined): boolean;
  /** Why deliveries cannot be recorded now, for `/readyz`; by default they always can. */
  readonly whyNotReady?: () => Promise<string | undefined>;
  now(): Date;
  /** Fetches the public keys of a product again; resolves soon, to whether they have changed. */
  renewKeys?(product: string): Promise<boolean>;
  /** Saves a secret that a sender offers when its webhook is set up; known at once. `from`: the sender's address. */
  keepSecret?(product: string, offered: OfferedSecret, from: string | undefined): void | Promise<void>;
  /** Called once per webhook request: after the answer is written, or with `--respond mirror` before the app answers. */
  onEvent(event: ReceivedEvent): void;
  /** Reports a problem that belongs to no event. */
  onTrouble(message: string, hint?: string): void;
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

const CLOSE_GRACE_MS = 2_000;

/** Opens the local receiver; rejects when it cannot listen on the port. */
export async function startReceiver(options: ReceiverOptions) {
  let state: ReadyState = "starting";
  const servers: OpenServer[] = [];
  const reported = new Set<string>();
  const pending = new Set<Promise<void>>();
  const batches = new TurnBatches();
  const inFlight = createInFlight(() =>
    options.onTrouble(
      "too many requests are in flight: further ones are answered 503 until some are done",
      "the sender may be flooding this port, or the event log or your app is slow",
    ),
  );

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
      const handling = handleRequest({ request, response, throughTunnel, state, inFlight, batches }, options)
        .catch((error: unknown) => {
          options.onTrouble(errorText(error));
          if (response.headersSent || response.destroyed) return;
          sendReply(response, refuse(500, "internal error of zoho-hooks").reply);
        })
        // `then`, not `finally`, which allocates more promises per request.
        .then(() => void pending.delete(handling));
      pending.add(handling);
    };
    const server = await openServer({ host, port }, listener, { onProtocolError, maxBody: options.maxBody });
    servers.push(server);
    return server.port;
  }

  const port = await open(options.host, options.port, false);
  let tunnelPort: Promise<number> | undefined;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    /** `http://127.0.0.1:4460`, with the port that was really taken. */
    url: `http://${host}:${port}`,
    port,
    /**
     * Opens a second port, on loopback, for a tunnel alone: X-Forwarded-For is believed only there. Resolves to its
     * number.
     */
    openTunnelPort(): Promise<number> {
      tunnelPort ??= open("127.0.0.1", 0, true);
      return tunnelPort;
    },
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

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly throughTunnel: boolean;
  /** For `/readyz`. */
  readonly state: ReadyState;
  readonly inFlight: InFlight;
  readonly batches: TurnBatches;
}

/** Answers one request of any kind. */
async function handleRequest(exchange: Exchange, options: ReceiverOptions): Promise<void> {
  const { request, response, throughTunnel, state } = exchange;
  const found = route(request.url ?? "/", options.products, options.paths);
  switch (found.kind) {
    case "ready": {
      // Any other request with the header is an ordinary delivery.
      const nonce = request.method === "GET" ? request.headers[PROBE_HEADER] : undefined;
      const proof = typeof nonce === "string" ? options.probeKey?.answer(nonce) : undefined;
      if (proof === undefined) return sendReply(response, await readyReply(state, options.whyNotReady));
      const address = senderAddress(request, isFromOutside(exchange, options)) ?? "";
      const headers: readonly HeaderPair[] = [
        [PROBE_ANSWER_HEADER, proof],
        [PROBE_ADDRESS_HEADER, address],
      ];
      return sendReply(response, { ...plainReply(200, "OK"), headers });
    }
    case "health":
      return sendReply(
        response,
        healthReply(request, () => selfOf(options), throughTunnel),
      );
    case "key-set":
      return sendReply(response, keySetReply(request.method, options.keySet));
    case "unknown":
      // Browsers and scanners ask for pages. A webhook that has gone astray is posted, and worth a line.
      if (request.method === "GET" || request.method === "HEAD")
        return sendReply(response, plainReply(404, found.reason));
      return handleDelivery(exchange, found, options);
    case "webhook":
      return handleDelivery(exchange, found, options);
  }
}

function selfOf({ pid, folder, publicUrl, targets, products, secrets }: ReceiverOptions): RunningReceiver {
  return {
    command: "listen",
    pid,
    folder,
    publicUrl: publicUrl?.(),
    targets,
    unsigned: acceptedUnsigned(products, secrets),
  };
}

async function handleDelivery(exchange: Exchange, found: WebhookRoute, options: ReceiverOptions): Promise<void> {
  const admission = exchange.inFlight.admit();
  if (admission === undefined) return refuseOverload(exchange);
  try {
    await receiveDelivery(exchange, found, admission, options);
  } finally {
    admission.release();
  }
}

async function receiveDelivery(
  exchange: Exchange,
  found: WebhookRoute,
  admission: Admission,
  options: ReceiverOptions,
): Promise<void> {
  const { request, response, batches } = exchange;
  const { maxBody, products } = options;
  const at = options.now();
  const headers = headerPairs(request.rawHeaders);
  const body = await readBody({ stream: request, headers: request.headers, maxBytes: maxBody, admission }).catch(
    (error: unknown) => {
      options.onTrouble(
        `${request.method} ${maskUrl(request.url ?? "", allSecretFieldNames(products))}: ${errorText(error)}`,
      );
    },
  );
  if (body === undefined) return;
  if (body === "no-room") return refuseOverload(exchange);
  const delivery: Delivery = {
    method: request.method ?? "GET",
    url: request.url ?? "/",
    headers,
    body: body === "too-large" ? Buffer.alloc(0) : body,
  };
  const fromOutside = isFromOutside(exchange, options);
  // Before any wait: a connection that breaks takes its address with it.
  const address = senderAddress(request, fromOutside);
  const arrival = { delivery, address, isFromPage: !fromOutside && isFromPage(delivery.headers), at };
  if (body === "too-large") {
    const receipt = { ...emptyReceipt, product: found.kind === "webhook" ? found.product?.id : undefined };
    const decision = refuse(413, `the body is larger than ${maxBody} bytes (the setting maxBody)`);
    return recordAndAnswer(arrival, { receipt, decision }, response, options, drain(request, decision.reply));
  }
  do {
    await batches.next();
  } while (batches.isOver());
  let evaluation = evaluate(arrival, found, options);
  const product = productOfUnknownKey(evaluation);
  if (product !== undefined && (await options.renewKeys?.(product)) === true)
    evaluation = evaluate(arrival, found, options);
  // No wait from here until `keepSecret` is called: two offers must not both be evaluated as the first.
  await recordAndAnswer(arrival, evaluation, response, options);
}

function refuseOverload({ request, response }: Exchange): void {
  sendReply(response, overloadedReply, drain(request, overloadedReply));
}

/**
 * The order matters: a delivery that was not recorded is never answered 2xx. `drained` resolves when the rest of the request is
 * read: the response must not end before.
 */
async function recordAndAnswer(
  arrival: Arrival,
  { receipt, decision: evaluated, offered }: Evaluation,
  response: ServerResponse,
  options: ReceiverOptions,
  drained?: Promise<void>,
): Promise<void> {
  let decision = evaluated;
  if (offered !== undefined) decision = await saveOfferedSecret(decision, offered, arrival.address, options);
  let recorded: Recorded | undefined;
  try {
    recorded = await options.recorder.record({ arrival, receipt, decision });
  } catch (error) {
    options.onTrouble(`a delivery could not be recorded: ${errorText(error)}`, hintOf(error));
    if (decision.accepted) decision = refuse(503, NOT_RECORDED);
  }
  const reply = recorded?.mirror === undefined ? decision.reply : undefined;
  const { products, isShown } = options;
  const { delivery, at } = arrival;
  try {
    if (reply !== undefined) sendReply(response, reply, drained);
    options.onEvent({
      n: recorded?.n ?? 0,
      at,
      method: delivery.method,
      path: delivery.url,
      headers: offersSecret(products, delivery) ? maskHeaders(delivery.headers) : delivery.headers,
      body: delivery.body,
      receipt,
      duplicateOf: recorded?.duplicateOf,
      status: reply?.status,
      refusal: decision.reason,
      shown: isShown?.(receipt.product, receipt.event) ?? true,
    });
  } finally {
    recorded?.forward?.();
  }
  if (recorded?.mirror !== undefined) sendReply(response, await recorded.mirror());
}

/** A sender offers its secret only once, so a webhook whose secret could not be saved must not be accepted. */
async function saveOfferedSecret(
  decision: Decision,
  { product, offered }: NonNullable<Evaluation["offered"]>,
  from: string | undefined,
  options: ReceiverOptions,
): Promise<Decision> {
  try {
    await options.keepSecret?.(product, offered, from);
    return decision;
  } catch (error) {
    options.onTrouble(`the secret that the sender offered could not be saved: ${errorText(error)}`, hintOf(error));
    return refuse(503, "the secret could not be saved; set the webhook up again later");
  }
}

/** From the raw ones: `request.headers` loses order and repeats. */
function headerPairs(raw: readonly string[]): readonly HeaderPair[] {
  const headers: HeaderPair[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) headers.push([raw[i] ?? "", raw[i + 1] ?? ""]);
  return headers;
}

/**
 * Whether a request came through a tunnel: ours, by its port; the user's own (--public-url), by its Host and a loopback address.
 * A local program can forge the latter.
 */
function isFromOutside({ request, throughTunnel }: Exchange, { publicHost }: ReceiverOptions): boolean {
  if (throughTunnel) return true;
  const { headers, socket } = request;
  return publicHost !== undefined && headers.host === publicHost && isLoopbackAddress(socket.remoteAddress);
}

/** The nearest proxy, which is the tunnel, appends the address that it has seen. */
function senderAddress({ headers, socket }: IncomingMessage, throughTunnel: boolean): string | undefined {
  if (!throughTunnel) return socket.remoteAddress;
  const forwarded = [headers["x-forwarded-for"] ?? []].flat().join(",");
  return forwarded.split(",").at(-1)?.trim() || socket.remoteAddress;
}
