import { isSuccess } from "../delivery/delivery.ts";
import { errorCode, errorText, UserError } from "../util/errors.ts";
import { parseJson } from "../util/json.ts";
import { retryAfterMs, type Sleep, timeLeftMs, withTimeout } from "../util/timing.ts";
import { formatSpan } from "../util/units.ts";
import { POLL_USER_AGENT, USER_AGENT } from "./user-agent.ts";

export interface ZohoRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly accessToken?: string | undefined;
  readonly form?: Readonly<Record<string, string>> | undefined;
  /** The JSON text of the body. */
  readonly json?: string | undefined;
  /** Fields of a multipart form. */
  readonly multipart?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Carrying it out twice does no harm, so it is retried after a timeout or a 5xx. */
  readonly repeatable: boolean;
  /** It is never retried: that it fails is what the caller asks for. */
  readonly isProbe?: boolean;
  /** A long run repeats it every few seconds or minutes: `--verbose` shows it only if it fails. */
  readonly isPoll?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface ZohoReply {
  readonly status: number;
  readonly text: string;
  /** Parsed JSON, with numbers past 2^53 as strings; undefined for an empty body or one that is not JSON. */
  readonly body: unknown;
  /** The body is not JSON (an HTML page), or is missing where there should be one. */
  readonly unreadable: boolean;
  /** The server's time, to the second; undefined if it does not say. */
  readonly date: Date | undefined;
  /** From `Retry-After`. */
  readonly retryAfterMs?: number | undefined;
}

export type ZohoHttp = ReturnType<typeof retryingHttp>;

/** One HTTP request, as it goes over the wire. */
interface WireRequest {
  readonly method: ZohoRequest["method"];
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly signal: AbortSignal;
}

/** An answer, as soon as its headers have arrived. */
interface WireReply {
  readonly status: number;
  /** Undefined or empty without it. */
  header(name: "date" | "retry-after"): string | null | undefined;
  /** Rejects if the body is cut off or too long. */
  text(): Promise<string>;
}

/** Sends one request, without following a redirect: undici's pool in the command line, `fetch` in an app. */
export interface Transport {
  send(request: WireRequest): Promise<WireReply>;
  /** Throws for settings that cannot work, before the first attempt. */
  open?(): Promise<void>;
  close?(): Promise<void>;
}

/** One attempt at a request. */
export interface Exchange {
  readonly request: ZohoRequest;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined if no answer came. */
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly latencyMs: number;
}

interface HttpPorts {
  readonly transport: Transport;
  readonly now: () => Date;
  readonly sleep: Sleep;
  /** For one attempt. */
  readonly timeoutMs: number;
  readonly onExchange?: ((exchange: Exchange) => void) | undefined;
  /** Called before a pause that a user notices. */
  readonly onPause?: ((message: string) => void) | undefined;
}

const MAX_ATTEMPTS = 4;
const FIRST_WAIT_MS = 500;
/** Longer ones are not waited for, nor any beyond the time limit of the signal: failing with the time to wait says more. */
const MAX_RETRY_AFTER_MS = 60_000;
const NOTICEABLE_PAUSE_MS = 3_000;

/** A client for Zoho's servers over any transport, which the caller closes. */
export function retryingHttp({ transport, now, sleep, onExchange, onPause, timeoutMs }: HttpPorts) {
  const sendOnce = async (request: ZohoRequest): Promise<ZohoReply> => {
    const started = performance.now();
    const { headers, body } = encode(request);
    const { method, url } = request;
    let status: number | undefined;
    let error: string | undefined;
    try {
      return await withTimeout(timeoutMs, [request.signal], async (signal) => {
        const reply = await transport.send({ method, url, headers, body, signal });
        status = reply.status;
        const read = readReply(method, status, await reply.text());
        const date = readDate(reply.header("date"));
        const askedMs = retryAfterMs(reply.header("retry-after") || undefined, date ?? now());
        return { ...read, date, retryAfterMs: askedMs };
      });
    } catch (failure) {
      error = errorText(failure);
      throw failure;
    } finally {
      onExchange?.({ request, headers, status, error, latencyMs: Math.round(performance.now() - started) });
    }
  };

  return {
    /** Resolves with any HTTP status; throws `UserError`: 7 if Zoho cannot be reached, 2 for an unusable proxy. */
    async send(request: ZohoRequest): Promise<ZohoReply> {
      const { signal } = request;
      const { host } = new URL(request.url);
      await transport.open?.();
      for (let attempt = 1; ; attempt++) {
        let reply: ZohoReply | undefined;
        let failure: unknown;
        try {
          reply = await sendOnce(request);
        } catch (error) {
          if (signal?.aborted) throw signal.reason;
          failure = error;
        }
        const pauseMs = pauseBeforeRetry(request, attempt, { reply, failure });
        if (pauseMs === undefined) {
          if (reply !== undefined) return reply;
          throw unreachable(host, failure, timeoutMs);
        }
        if (pauseMs > NOTICEABLE_PAUSE_MS) onPause?.(`${host} asked to wait: retrying in ${formatSpan(pauseMs)}`);
        await sleep(pauseMs, signal);
        if (signal?.aborted) throw signal.reason;
      }
    },
    close: async (): Promise<void> => transport.close?.(),
  };
}

interface Sent {
  readonly reply: ZohoReply | undefined;
  readonly failure: unknown;
}

/** How long to wait before the next attempt; undefined where the result of this one is final. */
function pauseBeforeRetry(
  { signal, repeatable, isProbe = false }: ZohoRequest,
  attempt: number,
  { reply, failure }: Sent,
): number | undefined {
  const mayRetry = reply === undefined ? repeatable || isUnsent(failure) : mayRetryAfter(reply, repeatable);
  if (isProbe || !mayRetry || attempt === MAX_ATTEMPTS) return undefined;
  // Exponential, with a jitter of one half.
  const backoffMs = Math.round(FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
  const pauseMs = reply?.retryAfterMs ?? backoffMs;
  return pauseMs > Math.min(MAX_RETRY_AFTER_MS, timeLeftMs(signal)) ? undefined : pauseMs;
}

/** A 429 was certainly not carried out; what failed at the server or came without its body may have been. */
function mayRetryAfter({ status, unreadable }: ZohoReply, repeatable: boolean): boolean {
  return status === 429 || (repeatable && (status >= 500 || (unreadable && status < 300)));
}

const UNSENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Whether a failure proves that the request was not sent: to none of the host's addresses. */
export function isUnsent(failure: unknown): boolean {
  if (failure instanceof AggregateError) return failure.errors.every(isUnsent);
  const code = errorCode(failure);
  // `fetch` of Node wraps the failure.
  if (code === undefined && failure instanceof Error && failure.cause !== undefined) return isUnsent(failure.cause);
  return UNSENT.has(code ?? "");
}

/** `unreachable`: it certainly did not arrive. `no_answer`: it may have been carried out. */
function unreachable(host: string, failure: unknown, timeoutMs: number): UserError {
  const timedOut = failure instanceof Error && /^(?:Timeout|Abort)/.test(failure.name);
  const message = isUnsent(failure)
    ? `${host} could not be reached: ${errorText(failure)}`
    : timedOut
      ? `${host} did not answer within ${timeoutMs / 1000} s`
      : `the connection to ${host} failed before an answer came: ${errorText(failure)}`;
  const hint = "check the network connection, and HTTPS_PROXY and NO_PROXY if you are behind a proxy";
  return new UserError("zohoApi", message, hint, isUnsent(failure) ? "unreachable" : "no_answer");
}

function encode({ accessToken, json, multipart, form, headers, isPoll }: ZohoRequest) {
  const boundary = `zoho-hooks-${crypto.randomUUID()}`;
  const [type, body] =
    json !== undefined
      ? ["application/json", json]
      : multipart !== undefined
        ? [`multipart/form-data; boundary=${boundary}`, multipartBody(multipart, boundary)]
        : form !== undefined
          ? ["application/x-www-form-urlencoded", new URLSearchParams(form).toString()]
          : [undefined, null];
  return {
    body,
    headers: {
      accept: "application/json",
      "user-agent": isPoll ? POLL_USER_AGENT : USER_AGENT,
      // Zoho's replies say Bearer, its documentation says this: https://www.zoho.com/crm/developer/docs/api/v8/refresh.html
      ...(accessToken !== undefined && { authorization: `Zoho-oauthtoken ${accessToken}` }),
      ...(type !== undefined && { "content-type": type }),
      ...headers,
    },
  };
}

/** `multipart/form-data` (RFC 7578). The names are constants that need no quoting. */
function multipartBody(fields: Readonly<Record<string, string>>, boundary: string): string {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return `${parts.join("")}--${boundary}--\r\n`;
}

function readDate(header: string | null | undefined): Date | undefined {
  const ms = Date.parse(header ?? "");
  return Number.isNaN(ms) ? undefined : new Date(ms);
}

function readReply(method: string, status: number, text: string) {
  if (text.trim() === "") {
    // An empty list is a 204 without a body; a 200 without one was lost on the way.
    const unreadable = isSuccess(status) && status !== 204 && method !== "DELETE";
    return { status, text, body: undefined, unreadable };
  }
  const parsed = parseJson(text);
  return { status, text, body: parsed.ok ? parsed.value : undefined, unreadable: !parsed.ok };
}
