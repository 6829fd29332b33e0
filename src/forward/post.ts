import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { type Delivery, type HeaderPair, headerValue, requestTarget } from "../delivery/delivery.ts";
import { errorCode } from "../util/errors.ts";
import { type DispatcherOptions, openDispatchers } from "./dispatchers.ts";

import {
  explainFailure,
  interruptedFailure,
  type PostCircumstances,
  type PostFailure,
  timeoutFailure,
  tooLongFailure,
} from "./post-failure.ts";
import type { QueuedEvent } from "./request.ts";
import { endToEnd } from "./request.ts";

export interface PosterOptions extends DispatcherOptions {
  /** For a whole exchange: connecting, sending, and the answer to its end. */
  readonly timeoutMs: number;
  /** Never posts a delivery again, even if the server may have closed its connection before it arrived. */
  readonly onlyOnce?: boolean;
  /** A new connection for each delivery: none can meet a connection that is being closed, and have to be posted again. */
  readonly ownConnections?: boolean;
}

interface PostOptions {
  /** Sends the body in small parts over this time, which does not count as the target's. */
  readonly slowMs?: number;
  /** For this exchange, when it is less than the general timeout. */
  readonly atMostMs?: number;
  /** Interrupts the exchange. */
  readonly signal?: AbortSignal;
  /** Returns the whole answer and not its start only; one of more than a megabyte is then a failure. */
  readonly wholeReply?: boolean;
  /** For a target that is a queue. */
  readonly event?: QueuedEvent;
}

/** The outcome of one delivery. Never thrown: an unreachable target is a result as well. */
export interface PostResult {
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  /** In wire order, with repeats. */
  readonly headers: readonly HeaderPair[];
  /** The first 500 bytes of the answer as text, cut at a whole character. */
  readonly replyPreview: string;
  /** False for a compression that is unknown or broken: the preview then names it, and is not the text of the answer. */
  readonly isLegible: boolean;
  /** The exact bytes of the answer, with `wholeReply`. */
  readonly reply: Buffer<ArrayBuffer> | undefined;
  /** From the start, or with `slowMs` from the last byte of the body, to the end of the answer. */
  readonly latencyMs: number;
  /** Why there is no whole answer; undefined for a whole one of any status. */
  readonly error: PostFailure | undefined;
}

/** Routes are few, but a URL may come from each delivery's path and query. */
const MAX_ADDRESSES = 100;

export type Poster = Awaited<ReturnType<typeof openPoster>>;

/**
 * Posts deliveries to absolute URLs: the exact body, and the headers in order with repeats, without hop-by-hop headers
 * and `host`, which is the URL's. Redirects are not followed.
 */
export async function openPoster(options: PosterOptions) {
  const dispatchers = await openDispatchers(options);
  const servers = new Map<string, KeepAliveStats>();
  const addresses = new Map<string, Address>();
  // Most deliveries go to the same URL, and parsing it costs more than the rest of this.
  const addressOf = (text: string): Address => {
    const known = addresses.get(text);
    if (known !== undefined) return known;
    const url = new URL(text);
    const { origin } = url;
    const stats = servers.get(origin) ?? { hasAnswered: false, closesConnections: false };
    servers.set(origin, stats);
    const isDirect = dispatchers.isDirect(url);
    const address = { url, origin, path: requestTarget(text), dispatcher: dispatchers.for(url), isDirect, stats };
    if (addresses.size >= MAX_ADDRESSES) addresses.clear();
    addresses.set(text, address);
    return address;
  };
  return {
    post: (delivery: Delivery, postOptions: PostOptions = {}): Promise<PostResult> =>
      post({ delivery, address: addressOf(delivery.url), postOptions, options }),
    /** Whether a URL is reached without a proxy. */
    isDirect: (url: string): boolean => addressOf(url).isDirect,
    /** Closes the connections. */
    close: (): Promise<void> => dispatchers.close(),
  };
}

interface Address {
  readonly url: URL;
  readonly origin: string;
  readonly path: string;
  readonly dispatcher: Dispatcher;
  readonly isDirect: boolean;
  readonly stats: KeepAliveStats;
}

interface Post {
  readonly delivery: Delivery;
  readonly address: Address;
  readonly postOptions: PostOptions;
  readonly options: PosterOptions;
}

async function post({ delivery, address, postOptions, options }: Post): Promise<PostResult> {
  const { url, origin, path, dispatcher, stats } = address;
  const { slowMs = 0, signal, wholeReply = false } = postOptions;
  const { onlyOnce = false, ownConnections = false } = options;
  const timeoutMs = Math.min(options.timeoutMs, postOptions.atMostMs ?? options.timeoutMs);
  const isSlow = slowMs > 0 && delivery.body.length > 1;
  let startedAt = performance.now();
  const onBodySent = (): void => {
    startedAt = performance.now();
  };
  const request = {
    origin,
    path,
    method: delivery.method,
    headers: flatHeaders(delivery, isSlow),
    body: isSlow ? sendSlowly(delivery.body, slowMs, onBodySent) : delivery.body,
    reset: ownConnections || stats.closesConnections,
  };
  const start = () => startRequest(dispatcher, request, wholeReply ? MAX_REPLY_BYTES : PREVIEW_BYTES);
  let running = start();
  const timer = setTimeout(() => afterPendingIo(() => running.abort(TIMED_OUT)), timeoutMs + slowMs);
  const onAbort = (): void => running.abort(INTERRUPTED);
  const interrupts = signal && interruptsOf(signal);
  interrupts?.add(onAbort);
  if (signal?.aborted) onAbort();
  let exchange = await running.ended;
  if (recordResult(stats, exchange) && !request.reset && !isSlow && !onlyOnce) {
    request.reset = true;
    running = start();
    const again = await running.ended;
    recordResult(stats, again);
    // A server that is gone by now was there for the first exchange, which is then the one to report.
    if (again.status !== undefined || again.error === TIMED_OUT || again.error === INTERRUPTED) exchange = again;
  }
  const { status, headers, bytes, complete, error } = exchange;
  const latencyMs = performance.now() - startedAt;
  clearTimeout(timer);
  interrupts?.delete(onAbort);
  const encoding = contentEncodingOf(headers);
  const preview = encoding === undefined ? previewOf(bytes, complete) : await decodedPreview(bytes, encoding);
  return {
    status,
    headers,
    replyPreview: preview ?? `(${encoding}, ${bytes.length} bytes)`,
    isLegible: preview !== undefined,
    reply: wholeReply ? bytes : undefined,
    latencyMs,
    error: failureOf(error, wholeReply && !complete, { url, timeoutMs, status }),
  };
}

/**
 * When this process has been suspended (a laptop that slept, SIGSTOP), timers fire before answers are read that arrived
 * long ago. They get two turns of the event loop, or the delivery would be sent again.
 */
function afterPendingIo(callback: () => void): void {
  setImmediate(() => setImmediate(callback));
}

const interruptsBySignal = new WeakMap<AbortSignal, Set<() => void>>();

/** Called when the signal aborts: one listener for all exchanges, since adding and removing one takes longer. */
function interruptsOf(signal: AbortSignal): Set<() => void> {
  const known = interruptsBySignal.get(signal);
  if (known !== undefined) return known;
  const interrupts = new Set<() => void>();
  interruptsBySignal.set(signal, interrupts);
  signal.addEventListener("abort", () => {
    for (const interrupt of interrupts) interrupt();
  });
  return interrupts;
}

const TIMED_OUT = new Error("timed out");
const INTERRUPTED = new Error("interrupted");

function failureOf(error: unknown, isTooLong: boolean, circumstances: PostCircumstances): PostFailure | undefined {
  if (error === TIMED_OUT) return timeoutFailure(circumstances);
  if (error === INTERRUPTED) return interruptedFailure(circumstances);
  if (error !== undefined) return explainFailure(error, circumstances);
  return isTooLong ? tooLongFailure(circumstances) : undefined;
}

/** Names and values in turn. For a body that is a stream undici needs its length. */
function flatHeaders({ headers, body }: Delivery, withLength: boolean): string[] {
  const flat: string[] = [];
  for (const [name, value] of endToEnd(headers)) flat.push(name, value);
  if (withLength) flat.push("content-length", String(body.length));
  return flat;
}

const MIN_PAUSE_MS = 20;
const MAX_PARTS = 200;

/**
 * A body of two bytes or more in small parts, the first at once and the last after the whole time. `onEnd` is called when
 * the last part is being sent.
 */
export function sendSlowly(body: Buffer, overMs: number, onEnd: () => void): Readable {
  const parts = Math.max(2, Math.min(body.length, MAX_PARTS, Math.ceil(overMs / MIN_PAUSE_MS)));
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;
  // Not an async generator, whose stream closes only after the current pause.
  return new Readable({
    read() {
      timer = setTimeout(
        () => {
          const from = Math.floor((body.length * sent) / parts);
          sent++;
          if (sent === parts) onEnd();
          this.push(body.subarray(from, Math.floor((body.length * sent) / parts)));
          if (sent === parts) this.push(null);
        },
        sent === 0 ? 0 : overMs / (parts - 1),
      );
    },
    // A target may answer, and end the stream, before it has read everything.
    destroy(error, done) {
      clearTimeout(timer);
      done(error);
    },
  });
}

const PREVIEW_BYTES = 500;
const MAX_DECODED_BYTES = 1_048_576;

/** Undefined for an answer that is not compressed. */
function contentEncodingOf(headers: readonly HeaderPair[]): string | undefined {
  const encoding = headerValue({ headers }, "content-encoding")?.trim().toLowerCase();
  return encoding === "identity" ? undefined : encoding;
}

/** The start of an answer as text, cut at a whole character. */
function previewOf(bytes: Buffer, complete: boolean): string {
  if (bytes.length === 0) return "";
  const start = bytes.subarray(0, PREVIEW_BYTES);
  // A streaming decoder holds back the bytes of an incomplete character.
  return new TextDecoder().decode(start, { stream: !complete || start.length < bytes.length });
}

/** Decodes the start of a compressed answer, as far as its first bytes go; undefined if that fails. */
async function decodedPreview(bytes: Buffer, encoding: string): Promise<string | undefined> {
  if (bytes.length === 0) return "";
  const { brotliDecompressSync, constants, unzipSync } = await import("node:zlib");
  const start = bytes.subarray(0, PREVIEW_BYTES);
  try {
    // A truncated input is no error; one that expands without limit is.
    const decoded =
      encoding === "br"
        ? brotliDecompressSync(start, {
            finishFlush: constants.BROTLI_OPERATION_FLUSH,
            maxOutputLength: MAX_DECODED_BYTES,
          })
        : unzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_DECODED_BYTES });
    return previewOf(decoded, false);
  } catch {
    return undefined;
  }
}

/** Learned about a server from earlier deliveries. */
interface KeepAliveStats {
  hasAnswered: boolean;
  /** It closes keep-alive connections without notice: each delivery gets a connection of its own. */
  closesConnections: boolean;
}

/**
 * Returns true when a server that has answered before closed a connection without any answer, and the connection may have
 * been used before: the server may have closed it after its last answer, before it received this delivery.
 */
function recordResult(stats: KeepAliveStats, { status, error }: Pick<RequestResult, "status" | "error">): boolean {
  const code = errorCode(error);
  if (code === "ECONNREFUSED") {
    // The server has stopped: what starts there next may be another program.
    Object.assign(stats, { hasAnswered: false, closesConnections: false });
    return false;
  }
  const wasClosed = status === undefined && CONNECTION_CLOSED.has(code) && stats.hasAnswered && !isFirstUse(error);
  stats.closesConnections ||= wasClosed;
  stats.hasAnswered ||= status !== undefined;
  return wasClosed;
}

/** Nothing was ever received on the connection: it was closed because of this delivery, which may have crashed the app. */
function isFirstUse(error: unknown): boolean {
  const socket = error instanceof Error && "socket" in error ? error.socket : undefined;
  return typeof socket === "object" && socket !== null && "bytesRead" in socket && socket.bytesRead === 0;
}

const CONNECTION_CLOSED: ReadonlySet<unknown> = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

interface RequestResult {
  readonly status: number | undefined;
  readonly headers: readonly HeaderPair[];
  /** The first bytes of the answer, at most `maxBytes`. */
  readonly bytes: Buffer<ArrayBuffer>;
  /** False when the answer was longer than `maxBytes`. */
  readonly complete: boolean;
  /** From undici, or the argument of `abort`. */
  readonly error: unknown;
}

interface RunningRequest {
  readonly ended: Promise<RequestResult>;
  /** Ends it with this error at any stage: queued, connecting, or in the middle of the answer. No effect after its end. */
  abort(error: Error): void;
}

/** Answers are read to their end so that the connection can be reused, up to this limit. */
const MAX_REPLY_BYTES = 1_048_576;

/**
 * One request and its answer, on undici's handler interface: it costs much less than `request`, which creates streams and
 * signals for each. Has no timeout: the caller aborts.
 */
function startRequest(dispatcher: Dispatcher, request: Dispatcher.DispatchOptions, maxBytes: number): RunningRequest {
  const chunks: Buffer<ArrayBuffer>[] = [];
  let length = 0;
  let status: number | undefined;
  let headers: readonly HeaderPair[] = [];
  let controller: Dispatcher.DispatchController | undefined;
  let abortedBy: Error | undefined;
  let hasEnded = false;
  let end: (error: unknown) => void = () => {};
  const ended = new Promise<RequestResult>((resolve) => {
    end = (error) => {
      hasEnded = true;
      const [first, second] = chunks;
      const bytes = first !== undefined && second === undefined ? first : Buffer.concat(chunks);
      resolve({ status, headers, bytes, complete: length <= maxBytes, error });
    };
  });
  const abort = (error: Error): void => {
    if (hasEnded) return;
    abortedBy = error;
    end(error);
    controller?.abort(error);
  };
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started;
      if (abortedBy !== undefined) started.abort(abortedBy);
    },
    onResponseStart({ rawHeaders }, code) {
      // 1xx answers come before the final one.
      if (code < 200) return;
      status = code;
      headers = headerPairs(rawHeaders);
    },
    onResponseData(_, chunk) {
      // A copy, since a slice would keep the much larger buffer of the socket.
      if (length < maxBytes) chunks.push(Buffer.from(chunk.subarray(0, maxBytes - length)));
      length += chunk.length;
      if (length > MAX_REPLY_BYTES) {
        end(undefined);
        controller?.abort(new Error("the answer is too long"));
      }
    },
    onResponseEnd: () => end(undefined),
    onResponseError: (_, error) => end(abortedBy ?? (hasNoBody(status) ? undefined : error)),
  };
  try {
    dispatcher.dispatch(request, handler);
  } catch (error) {
    end(error);
  }
  return { ended, abort };
}

/** RFC 9110, section 6.4.1. Some apps send a length with these all the same, and undici then calls the answer broken. */
function hasNoBody(status: number | undefined): boolean {
  return status === 204 || status === 205 || status === 304;
}

/** From the flat list of names and values, in wire order. */
function headerPairs(raw: Dispatcher.DispatchController["rawHeaders"]): readonly HeaderPair[] {
  if (!Array.isArray(raw)) return [];
  const found: HeaderPair[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) found.push([textOf(raw[i]), textOf(raw[i + 1])]);
  return found;
}

function textOf(part: Buffer | string | undefined): string {
  return typeof part === "string" ? part : (part?.toString("latin1") ?? "");
}
