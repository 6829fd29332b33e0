import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { type Delivery, type HeaderPair, headerValue, requestTarget } from "../body/delivery.ts";
import { errorCode } from "../util/errors.ts";
import { onAbort } from "../util/timing.ts";
import { type DispatcherOptions, openDispatchers } from "./dispatchers.ts";
import { type Exchange, MAX_REPLY_BYTES, startExchange } from "./exchange.ts";
import {
  explainFailure,
  interruptedFailure,
  type PostCircumstances,
  type PostFailure,
  timeoutFailure,
  tooLongFailure,
} from "./post-failure.ts";
import { endToEnd } from "./request.ts";

export interface PosterOptions extends DispatcherOptions {
  /** For a whole exchange: connecting, sending, and the answer to its end. */
  readonly timeoutMs: number;
  /** No delivery is posted once more, also where its connection may have been closed before it came. */
  readonly onlyOnce?: boolean;
  /** Each delivery gets a connection of its own: none can meet one that is being closed, which has to be posted once more. */
  readonly ownConnections?: boolean;
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
  /** False where its compression is unknown here or broken: the preview tells of it then, and is not its text. */
  readonly isLegible: boolean;
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

/**
 * Posts deliveries to absolute URLs: the exact body, and the headers in order with repeats, but for those that belong
 * to one connection (RFC 9110, section 7.6.1) and `host`, which is the URL's. Redirects are not followed.
 */
export async function openPoster(options: PosterOptions): Promise<Poster> {
  const dispatchers = await openDispatchers(options);
  const servers = new Map<string, KeepAliveStats>();
  const addressOf = rememberLast((text: string): Address => {
    const url = new URL(text);
    const { origin } = url;
    const habits = servers.get(origin) ?? noKeepAliveStats();
    servers.set(origin, habits);
    return {
      url,
      origin,
      habits,
      path: requestTarget(text),
      dispatcher: dispatchers.for(url),
      isDirect: dispatchers.isDirect(url),
    };
  });
  return {
    post(delivery, each = {}) {
      const timeoutMs = Math.min(options.timeoutMs, each.atMostMs ?? options.timeoutMs);
      return post(delivery, addressOf(delivery.url), timeoutMs, each, options);
    },
    isDirect: (url) => addressOf(url).isDirect,
    close: () => dispatchers.close(),
  };
}

/** A URL, taken apart. */
interface Address {
  readonly url: URL;
  readonly origin: string;
  readonly habits: KeepAliveStats;
  readonly path: string;
  readonly dispatcher: Dispatcher;
  readonly isDirect: boolean;
}

async function post(
  delivery: Delivery,
  { url, origin, habits, path, dispatcher }: Address,
  timeoutMs: number,
  { slowMs = 0, signal, wholeReply = false }: PostOptions,
  { onlyOnce = false, ownConnections = false }: PosterOptions,
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
    body: slowly ? sendSlowly(delivery.body, slowMs, restart) : delivery.body,
    reset: ownConnections || habits.hangsUp,
  };
  const start = () => startExchange(dispatcher, request, wholeReply ? MAX_REPLY_BYTES : PREVIEW_BYTES);
  let running = start();
  const timer = setTimeout(() => afterALook(() => running.cut(TIMED_OUT)), timeoutMs + slowMs);
  const stopListening = onAbort(signal, () => running.cut(INTERRUPTED));
  let exchange = await running.ended;
  if (recordExchange(habits, exchange) && !request.reset && !slowly && !onlyOnce) {
    request.reset = true;
    running = start();
    const again = await running.ended;
    recordExchange(habits, again);
    // A server that is gone by now was there before: that is what there is to be told of.
    if (again.status !== undefined || again.error === TIMED_OUT || again.error === INTERRUPTED) exchange = again;
  }
  const { status, headers, bytes, complete, error } = exchange;
  const latencyMs = performance.now() - startedAt;
  clearTimeout(timer);
  stopListening();
  const coding = codingOf(headers);
  const preview = coding === undefined ? previewOf(bytes, complete) : await decodedPreview(bytes, coding);
  return {
    status,
    headers,
    replyPreview: preview ?? `(${coding}, ${bytes.length} bytes)`,
    isLegible: preview !== undefined,
    reply: wholeReply ? bytes : undefined,
    latencyMs,
    error: failureOf(error, wholeReply && !complete, { url, timeoutMs, status }),
  };
}

/**
 * Once the event loop has looked twice for what has come. After this process has stood still (a laptop that slept, SIGSTOP)
 * a timer fires before an answer is read that was there long ago: it would be none, and the delivery made once more.
 */
function afterALook(work: () => void): void {
  setImmediate(() => setImmediate(work));
}

const TIMED_OUT = new Error("timed out");
const INTERRUPTED = new Error("interrupted");

function failureOf(error: unknown, isTooLong: boolean, circumstances: PostCircumstances): PostFailure | undefined {
  if (error === TIMED_OUT) return timeoutFailure(circumstances);
  if (error === INTERRUPTED) return interruptedFailure(circumstances);
  if (error !== undefined) return explainFailure(error, circumstances);
  return isTooLong ? tooLongFailure(circumstances) : undefined;
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

const LEAST_PAUSE_MS = 20;
const MOST_PARTS = 200;

/**
 * A body of two bytes or more that arrives in small parts, the first at once and the last after the whole time.
 * `onEnd` is called when the last one is on its way.
 */
export function sendSlowly(body: Buffer, overMs: number, onEnd: () => void): Readable {
  const parts = Math.max(2, Math.min(body.length, MOST_PARTS, Math.ceil(overMs / LEAST_PAUSE_MS)));
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;
  // Not an async generator: a stream made of one waits for its pause to end before it closes.
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
    // A target that answers before it has read everything ends the stream; no timer may outlive it.
    destroy(error, done) {
      clearTimeout(timer);
      done(error);
    },
  });
}

const PREVIEW_BYTES = 500;
const MOST_DECODED = 1_048_576;

/** How an answer was compressed; undefined where it was not. */
function codingOf(headers: readonly HeaderPair[]): string | undefined {
  const coding = headerValue({ headers }, "content-encoding")?.trim().toLowerCase();
  return coding === "identity" ? undefined : coding;
}

/** The start of an answer as text, cut at a whole character. */
function previewOf(bytes: Buffer, complete: boolean): string {
  if (bytes.length === 0) return "";
  const start = bytes.subarray(0, PREVIEW_BYTES);
  // A streaming decoder holds back the bytes of a character that is not there as a whole.
  return new TextDecoder().decode(start, { stream: !complete || start.length < bytes.length });
}

/** The same of what an app's compression has made of its answer: as much of it as the first bytes tell, undefined where they tell nothing. */
async function decodedPreview(bytes: Buffer, coding: string): Promise<string | undefined> {
  if (bytes.length === 0) return "";
  const { brotliDecompressSync, constants, unzipSync } = await import("node:zlib");
  const start = bytes.subarray(0, PREVIEW_BYTES);
  try {
    // What is cut off is no error, and what would grow without end is one.
    const decoded =
      coding === "br"
        ? brotliDecompressSync(start, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength: MOST_DECODED })
        : unzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MOST_DECODED });
    return previewOf(decoded, false);
  } catch {
    return undefined;
  }
}

/** What is known of a server from what was posted to it before. */
interface KeepAliveStats {
  hasAnswered: boolean;
  /** It closes connections that it has not said it would close: each delivery gets one of its own. */
  hangsUp: boolean;
}

function noKeepAliveStats(): KeepAliveStats {
  return { hasAnswered: false, hangsUp: false };
}

/**
 * Learns from how an exchange has ended. True where a connection that may have been used before was closed without a word of
 * an answer by a server that has answered before: perhaps before the delivery had come, as the end of the last answer.
 */
function recordExchange(habits: KeepAliveStats, { status, error }: Pick<Exchange, "status" | "error">): boolean {
  const code = errorCode(error);
  if (code === "ECONNREFUSED") {
    // What comes back may be another program, or the same one that had only ended in the middle of something.
    Object.assign(habits, noKeepAliveStats());
    return false;
  }
  const isHungUp = status === undefined && HUNG_UP.has(code) && habits.hasAnswered && !isFirstUse(error);
  habits.hangsUp ||= isHungUp;
  habits.hasAnswered ||= status !== undefined;
  return isHungUp;
}

/** Nothing has ever come on it: it was closed over this delivery, which an app may have crashed at. */
function isFirstUse(error: unknown): boolean {
  const socket = error instanceof Error && "socket" in error ? error.socket : undefined;
  return typeof socket === "object" && socket !== null && "bytesRead" in socket && socket.bytesRead === 0;
}

const HUNG_UP: ReadonlySet<unknown> = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);
