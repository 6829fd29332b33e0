import type { Dispatcher } from "undici";
import { type Delivery, type HeaderPair, headerValue, requestTarget } from "../core/delivery.ts";
import { type DispatcherOptions, openDispatchers } from "./dispatchers.ts";
import { dribble } from "./dribble.ts";
import { LONGEST_REPLY_BYTES, startExchange } from "./exchange.ts";
import { onAbort } from "./on-abort.ts";
import {
  explainFailure,
  interruptedFailure,
  type PostCircumstances,
  type PostFailure,
  timeoutFailure,
  tooLongFailure,
} from "./post-failure.ts";

export interface PosterOptions extends DispatcherOptions {
  /** For a whole exchange: connecting, sending, and the answer to its end. */
  readonly timeoutMs: number;
}

interface PostOptions {
  /** Send the body bit by bit over this time, which does not count as the target's. */
  readonly slowMs?: number | undefined;
  /** For this exchange, where that is less than the time-out of all. */
  readonly atMostMs?: number | undefined;
  /** Gives up the exchange. */
  readonly signal?: AbortSignal | undefined;
  /** Keep the whole answer and not its beginning only; one of more than a megabyte is then a failure. */
  readonly wholeReply?: boolean | undefined;
}

/** What came of one delivery. Never thrown: an unreachable target is a result like any other. */
export interface PostResult {
  /** Undefined when no answer came. */
  readonly status: number | undefined;
  /** The answer's, in order, with repeats. */
  readonly headers: readonly HeaderPair[];
  /** The first 500 bytes of the answer as text, cut at a whole character. */
  readonly replyPreview: string;
  /** The answer's exact bytes, where they were asked for. */
  readonly reply: Buffer<ArrayBuffer> | undefined;
  /** From the start, or with `slowMs` from the body's last byte, to the end of the answer. */
  readonly latencyMs: number;
  /** Why there is no whole answer; undefined when there is one, whatever its status. */
  readonly error: PostFailure | undefined;
}

export interface Poster {
  post(delivery: Delivery, options?: PostOptions): Promise<PostResult>;
  /** Whether a URL is reached without a proxy. */
  isDirect(url: string): boolean;
  /** Closes the connections. */
  close(): Promise<void>;
}

const PREVIEW_BYTES = 500;
const MOST_DECODED = 1_048_576;

/**
 * Posts deliveries to absolute URLs: the exact body, and the headers in order with repeats, but for those that belong
 * to one connection (RFC 9110, section 7.6.1) and `host`, which is the URL's. Redirects are not followed.
 */
export async function openPoster(options: PosterOptions): Promise<Poster> {
  const dispatchers = await openDispatchers(options);
  const addressOf = rememberLast((text: string): Address => {
    const url = new URL(text);
    const { origin } = url;
    return {
      url,
      origin,
      path: requestTarget(text),
      dispatcher: dispatchers.for(url),
      isDirect: dispatchers.isDirect(url),
    };
  });
  return {
    post: (delivery, each = {}) =>
      post(delivery, addressOf(delivery.url), Math.min(options.timeoutMs, each.atMostMs ?? options.timeoutMs), each),
    isDirect: (url) => addressOf(url).isDirect,
    close: () => dispatchers.close(),
  };
}

/** A URL, taken apart. */
interface Address {
  readonly url: URL;
  readonly origin: string;
  readonly path: string;
  readonly dispatcher: Dispatcher;
  readonly isDirect: boolean;
}

async function post(
  delivery: Delivery,
  { url, origin, path, dispatcher }: Address,
  timeoutMs: number,
  { slowMs = 0, signal, wholeReply = false }: PostOptions,
): Promise<PostResult> {
  const slowly = slowMs > 0 && delivery.body.length > 1;
  let startedAt = performance.now();
  const restart = (): void => {
    startedAt = performance.now();
  };
  const request = {
    origin,
    path,
    method: delivery.method,
    headers: sentHeaders(delivery, slowly),
    body: slowly ? dribble(delivery.body, slowMs, restart) : delivery.body,
  };
  const { ended, cut } = startExchange(dispatcher, request, wholeReply ? LONGEST_REPLY_BYTES : PREVIEW_BYTES);
  const timer = setTimeout(() => cut(TIMED_OUT), timeoutMs + slowMs);
  const stopListening = onAbort(signal, () => cut(INTERRUPTED));
  const { status, headers, bytes, complete, error } = await ended;
  const latencyMs = performance.now() - startedAt;
  clearTimeout(timer);
  stopListening();
  return {
    status,
    headers,
    replyPreview: previewOf(
      isCompressed(headers) ? await decodedStart(bytes.subarray(0, PREVIEW_BYTES), headers) : bytes,
      complete,
    ),
    reply: wholeReply ? bytes : undefined,
    latencyMs,
    error: failureOf(error, wholeReply && !complete, { url, timeoutMs, status }),
  };
}

const TIMED_OUT = new Error("timed out");
const INTERRUPTED = new Error("interrupted");

function failureOf(error: unknown, isTooLong: boolean, circumstances: PostCircumstances): PostFailure | undefined {
  if (error === TIMED_OUT) return timeoutFailure(circumstances);
  if (error === INTERRUPTED) return interruptedFailure(circumstances);
  if (error !== undefined) return explainFailure(error, circumstances);
  return isTooLong ? tooLongFailure(circumstances) : undefined;
}

const OF_THE_CONNECTION = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** A header that the connection sets for itself, so that nobody else can. */
export function isOfTheConnection(name: string): boolean {
  return OF_THE_CONNECTION.has(name.toLowerCase());
}

/** The headers that are the sender's and not the connection's. */
export function endToEnd(headers: readonly HeaderPair[]): readonly HeaderPair[] {
  const ends = headers.filter(([name]) => !isOfTheConnection(name));
  if (headerValue({ headers }, "connection") === undefined) return ends;
  const named = headers
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.split(",").map((each) => each.trim().toLowerCase()));
  return ends.filter(([name]) => !named.includes(name.toLowerCase()));
}

/** Names and values in turn. A body that is sent bit by bit needs its length told. */
function sentHeaders({ headers, body }: Delivery, withLength: boolean): string[] {
  const sent: string[] = [];
  for (const [name, value] of endToEnd(headers)) sent.push(name, value);
  if (withLength) sent.push("content-length", String(body.length));
  return sent;
}

/** Remembers the last answer: one delivery after the other goes to the same place. */
function rememberLast<T>(ask: (text: string) => T): (text: string) => T {
  let last: { readonly text: string; readonly answer: T } | undefined;
  return (text) => {
    if (last?.text !== text) last = { text, answer: ask(text) };
    return last.answer;
  };
}

function isCompressed(headers: readonly HeaderPair[]): boolean {
  return headerValue({ headers }, "content-encoding") !== undefined;
}

/** What an app's compression has made of its answer, for a person: as much of it as the first bytes tell. */
async function decodedStart(bytes: Buffer, headers: readonly HeaderPair[]): Promise<Buffer> {
  const coding = headerValue({ headers }, "content-encoding")?.trim().toLowerCase();
  if (coding === "identity" || bytes.length === 0) return bytes;
  const { brotliDecompressSync, constants, unzipSync } = await import("node:zlib");
  try {
    // What is cut off is no error, and what would grow without end is one.
    return coding === "br"
      ? brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength: MOST_DECODED })
      : unzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MOST_DECODED });
  } catch {
    return Buffer.from(`(${coding}, ${bytes.length} bytes)`);
  }
}

function previewOf(bytes: Buffer, complete: boolean): string {
  if (bytes.length === 0) return "";
  const start = bytes.subarray(0, PREVIEW_BYTES);
  // A streaming decoder holds back the bytes of a character that is not there as a whole.
  return new TextDecoder().decode(start, { stream: !complete || start.length < bytes.length });
}
