import { setMaxListeners } from "node:events";
import type { Dispatcher } from "undici";
import type { Delivery, HeaderPair } from "../core/delivery.ts";
import { type DispatcherOptions, openDispatchers } from "./dispatchers.ts";
import { dribble } from "./dribble.ts";
import {
  explainFailure,
  interruptedFailure,
  type PostFailure,
  timeoutFailure,
  tooLongFailure,
} from "./post-failure.ts";

export interface PosterOptions extends DispatcherOptions {
  /** For a whole exchange: connecting, sending, and the answer to its end. */
  readonly timeoutMs: number;
}

export interface PostOptions {
  /** Send the body bit by bit over this time, which does not count as the target's. */
  readonly slowMs?: number | undefined;
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
  readonly reply: Buffer | undefined;
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
/** An answer is read to its end so that its connection can be used again, but not without limit. */
const LONGEST_REPLY_BYTES = 1_048_576;

/**
 * Posts deliveries to absolute URLs: the exact body, and the headers in order with repeats, but for those that belong
 * to one connection (RFC 9110, section 7.6.1) and `host`, which is the URL's. Redirects are not followed.
 */
export async function openPoster(options: PosterOptions): Promise<Poster> {
  const dispatchers = await openDispatchers(options);
  return {
    post: (delivery, each = {}) => exchange(dispatchers.for(new URL(delivery.url)), delivery, options.timeoutMs, each),
    isDirect: (url) => dispatchers.isDirect(new URL(url)),
    close: () => dispatchers.close(),
  };
}

async function exchange(
  dispatcher: Dispatcher,
  delivery: Delivery,
  timeoutMs: number,
  { slowMs = 0, signal, wholeReply = false }: PostOptions,
): Promise<PostResult> {
  const url = new URL(delivery.url);
  const slowly = slowMs > 0 && delivery.body.length > 1;
  const controller = new AbortController();
  let ended: typeof timeoutFailure | undefined;
  const end = (why: typeof timeoutFailure): void => {
    ended ??= why;
    controller.abort();
  };
  const interrupt = (): void => end(interruptedFailure);
  const timer = setTimeout(() => end(timeoutFailure), timeoutMs + slowMs);
  // As many wait for it as deliveries are under way, which is no leak.
  if (signal !== undefined) setMaxListeners(0, signal);
  signal?.addEventListener("abort", interrupt);
  if (signal?.aborted) interrupt();

  let startedAt = performance.now();
  let status: number | undefined;
  let headers: readonly HeaderPair[] = [];
  let read: ReadReply = { bytes: Buffer.alloc(0), complete: true };
  let error: PostFailure | undefined;
  try {
    const response = await dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: delivery.method,
      headers: sentHeaders(delivery, slowly).flat(),
      body: slowly
        ? dribble(delivery.body, slowMs, () => {
            startedAt = performance.now();
          })
        : delivery.body,
      responseHeaders: "raw",
      signal: controller.signal,
    });
    status = response.statusCode;
    headers = pairs(response.headers);
    read = await readReply(response.body, wholeReply ? LONGEST_REPLY_BYTES : PREVIEW_BYTES);
    if (wholeReply && !read.complete) error = tooLongFailure({ url, timeoutMs, status });
  } catch (thrown) {
    const circumstances = { url, timeoutMs, status };
    error = ended === undefined ? explainFailure(thrown, circumstances) : ended(circumstances);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", interrupt);
  }
  const latencyMs = performance.now() - startedAt;
  return {
    status,
    headers,
    replyPreview: previewOf(read),
    reply: wholeReply ? read.bytes : undefined,
    latencyMs,
    error,
  };
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
  const named = headers
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.split(",").map((each) => each.trim().toLowerCase()));
  return headers.filter(([name]) => !isOfTheConnection(name) && !named.includes(name.toLowerCase()));
}

/** A body that is sent bit by bit needs its length told. */
function sentHeaders({ headers, body }: Delivery, withLength: boolean): readonly HeaderPair[] {
  return withLength ? [...endToEnd(headers), ["content-length", String(body.length)]] : endToEnd(headers);
}

/** undici gives raw headers as one flat list, though its types say otherwise. */
function pairs(raw: unknown): readonly HeaderPair[] {
  if (!Array.isArray(raw)) return [];
  const texts = raw.map(String);
  return texts.flatMap((name, i): HeaderPair[] => (i % 2 === 0 ? [[name, texts[i + 1] ?? ""]] : []));
}

interface ReadReply {
  readonly bytes: Buffer;
  /** False when the answer was longer than what was to be kept of it. */
  readonly complete: boolean;
}

async function readReply(body: AsyncIterable<unknown>, keepBytes: number): Promise<ReadReply> {
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue;
    if (bytes < keepBytes) kept.push(Buffer.from(chunk.subarray(0, keepBytes - bytes)));
    bytes += chunk.length;
    if (bytes > LONGEST_REPLY_BYTES) break;
  }
  return { bytes: Buffer.concat(kept), complete: bytes <= keepBytes };
}

function previewOf({ bytes, complete }: ReadReply): string {
  const start = bytes.subarray(0, PREVIEW_BYTES);
  // A streaming decoder holds back the bytes of a character that is not there as a whole.
  return new TextDecoder().decode(start, { stream: !complete || start.length < bytes.length });
}
