import { randomBytes } from "node:crypto";
import type { Dispatcher } from "undici";
import { isSuccess } from "../delivery/delivery.ts";
import { isSecretName, MASK, maskBody, maskUrl } from "../delivery/mask.ts";
import { errorText, UserError } from "../util/errors.ts";
import { explainProxyError, isLoopback, proxySettings, withoutProxyRetry } from "../util/hosts.ts";
import { parseJson } from "../util/json.ts";
import { retryAfterMs, type Sleep, withTimeout } from "../util/timing.ts";
import { type AttemptOutcome, backoffMs, MAX_ATTEMPTS, MAX_RETRY_AFTER_MS, mayRetry, neverSent } from "./retry.ts";

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

/** One attempt at a request, with all secrets masked. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly attempt: number;
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly latencyMs: number;
}

export interface HttpOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly sleep: Sleep;
  /** From 0 to 1, for the jitter. */
  readonly random: () => number;
  readonly timeoutMs?: number;
  /** For a `Retry-After` date in an answer without `Date`. */
  readonly now?: () => Date;
  /** Called before a pause that is long enough for a user to notice. */
  readonly onPause?: (host: string, ms: number) => void;
  readonly onExchange?: ((exchange: Exchange) => void) | undefined;
}

export type ZohoHttp = ReturnType<typeof createHttp>;

const TIMEOUT_MS = 30_000;
const NOTICEABLE_PAUSE_MS = 3_000;

export function createHttp(options: HttpOptions) {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  // Loaded with the first request, because many commands send none.
  let pool: Promise<Dispatcher> | undefined;
  const connect = (): Promise<Dispatcher> => {
    pool ??= connectionPool(options.env, timeoutMs);
    return pool;
  };

  const once = async (request: ZohoRequest, attempt: number): Promise<ZohoReply> => {
    const started = performance.now();
    const parts = request.multipart && multipartBody(request.multipart);
    const headers = requestHeaders(request, parts?.contentType);
    const body = request.json ?? parts?.body ?? (request.form && new URLSearchParams(request.form).toString());
    let status: number | undefined;
    let failure: unknown;
    try {
      const url = new URL(request.url);
      const pool = await connect();
      return await withTimeout(timeoutMs, [request.signal], async (signal) => {
        const response = await pool.request({
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method: request.method,
          headers,
          body: body ?? null,
          signal,
        });
        status = response.statusCode;
        const text = await readText(response.body, MAX_BODY_BYTES);
        const { date: dateHeader, "retry-after": retryAfter } = response.headers;
        const date = readDate(dateHeader);
        const askedMs = retryAfterMs(String(retryAfter ?? "") || undefined, date ?? options.now?.());
        return { ...readReply(request, status, text), date, retryAfterMs: askedMs };
      });
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      options.onExchange?.({
        method: request.method,
        url: maskUrl(request.url),
        headers: "authorization" in headers ? { ...headers, authorization: `Zoho-oauthtoken ${MASK}` } : headers,
        body: maskedBody(request),
        attempt,
        status,
        error: failure === undefined ? undefined : errorText(failure),
        latencyMs: Math.round(performance.now() - started),
      });
    }
  };

  return {
    /** Resolves with any HTTP status; throws `UserError`: 7 if Zoho cannot be reached, 2 for an unusable proxy. */
    async send(request: ZohoRequest): Promise<ZohoReply> {
      await connect();
      for (let attempt = 1; ; attempt++) {
        let outcome: AttemptOutcome;
        let reply: ZohoReply | undefined;
        try {
          reply = await once(request, attempt);
          outcome = { status: reply.status, unreadable: reply.unreadable };
        } catch (failure) {
          if (request.signal?.aborted) throw request.signal.reason;
          outcome = { failure };
        }
        const askedMs = reply?.retryAfterMs;
        const isTooLong = askedMs !== undefined && askedMs > MAX_RETRY_AFTER_MS;
        const again = attempt < MAX_ATTEMPTS && !isTooLong && mayRetry(outcome, request.repeatable);
        if (!again && reply !== undefined) return reply;
        if (!again) throw unreachable(request, "failure" in outcome ? outcome.failure : undefined, timeoutMs);
        const pauseMs = backoffMs(attempt, options.random(), askedMs);
        if (pauseMs > NOTICEABLE_PAUSE_MS) options.onPause?.(new URL(request.url).host, pauseMs);
        await options.sleep(pauseMs, request.signal);
        if (request.signal?.aborted) throw request.signal.reason;
      }
    },
    async close(): Promise<void> {
      const opened = await pool?.catch(() => undefined);
      await opened?.destroy();
    },
  };
}

/** The body of a request with its secrets masked. */
export function maskedBody({
  json,
  multipart,
  form,
}: Pick<ZohoRequest, "json" | "multipart" | "form">): string | undefined {
  if (json !== undefined) return maskBody(Buffer.from(json), "application/json").toString("utf8");
  if (multipart !== undefined) return maskedParts(multipart);
  if (form === undefined) return undefined;
  // A grant code is as powerful as a token, as long as it is valid.
  const secret = (name: string): boolean => isSecretName(name) || name === "code";
  return Object.entries(form)
    .map(([name, value]) => `${name}=${secret(name) ? MASK : encodeURIComponent(value)}`)
    .join("&");
}

function requestHeaders(request: ZohoRequest, multipartType: string | undefined): Record<string, string> {
  return {
    accept: "application/json",
    "user-agent": "zoho-hooks",
    // Zoho's replies say Bearer, its documentation says this: https://www.zoho.com/crm/developer/docs/api/v8/refresh.html
    ...(request.accessToken === undefined ? {} : { authorization: `Zoho-oauthtoken ${request.accessToken}` }),
    ...(request.json === undefined ? {} : { "content-type": "application/json" }),
    ...(multipartType === undefined ? {} : { "content-type": multipartType }),
    ...(request.form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
    ...request.headers,
  };
}

/** `unreachable`: it certainly did not arrive. `no_answer`: it may have been carried out. */
function unreachable(request: ZohoRequest, failure: unknown, timeoutMs: number): UserError {
  const host = new URL(request.url).host;
  const timedOut = failure instanceof Error && /^(?:Timeout|Abort)/.test(failure.name);
  const isUnsent = neverSent(failure);
  const message = isUnsent
    ? `${host} could not be reached: ${errorText(failure)}`
    : timedOut
      ? `${host} did not answer within ${timeoutMs / 1000} s`
      : `the connection to ${host} was lost before it answered: ${errorText(failure)}`;
  const hint = "check the network connection, and HTTPS_PROXY and NO_PROXY if you are behind a proxy";
  return new UserError("zohoApi", message, hint, isUnsent ? "unreachable" : "no_answer");
}

/** `multipart/form-data` (RFC 7578). The names are constants that need no quoting. */
function multipartBody(fields: Readonly<Record<string, string>>): {
  readonly contentType: string;
  readonly body: string;
} {
  const boundary = `zoho-hooks-${randomBytes(12).toString("hex")}`;
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: `${parts.join("")}--${boundary}--\r\n` };
}

/** One field on each line. JSON in a field may hold secrets, too. */
function maskedParts(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${isSecretName(name) ? MASK : maskedValue(value)}`)
    .join("\n");
}

function maskedValue(value: string): string {
  return value.startsWith("{") ? maskBody(Buffer.from(value), "application/json").toString("utf8") : value;
}

const MAX_BODY_BYTES = 20 * 1024 * 1024;

export async function readText(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function readDate(header: string | string[] | undefined): Date | undefined {
  const ms = typeof header === "string" ? Date.parse(header) : Number.NaN;
  return Number.isNaN(ms) ? undefined : new Date(ms);
}

function readReply(request: ZohoRequest, status: number, text: string): Omit<ZohoReply, "date"> {
  if (text.trim() === "") {
    // An empty list is a 204 without a body; a 200 without one was lost on the way.
    const missing = isSuccess(status) && status !== 204 && request.method !== "DELETE";
    return { status, text, body: undefined, unreadable: missing };
  }
  const parsed = parseJson(text);
  return { status, text, body: parsed.ok ? parsed.value : undefined, unreadable: !parsed.ok };
}

const CONNECT_TIMEOUT_MS = 10_000;
const CONNECTIONS = 4;

/** A bounded pool with timeouts that follows no redirects and uses the proxies of the environment. */
export async function connectionPool(
  env: Readonly<Record<string, string | undefined>>,
  timeoutMs: number,
): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent, Pool } = await import("undici");
  const limits = {
    connections: CONNECTIONS,
    connect: { timeout: Math.min(CONNECT_TIMEOUT_MS, timeoutMs) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  };
  const direct = new Agent(limits);
  const proxies = proxySettings(env);
  if (proxies === undefined) return direct;
  const clientFactory = (origin: URL, options: object) => withoutProxyRetry(new Pool(origin, options));
  const proxied = explainProxyError(() => new EnvHttpProxyAgent({ ...limits, ...proxies, clientFactory }));
  // A proxy cannot reach this machine's loopback, and must not see what is sent to it unencrypted.
  return proxied.compose(
    (dispatch) => (options, handler) =>
      isLoopback(new URL(String(options.origin)).hostname)
        ? direct.dispatch(options, handler)
        : dispatch(options, handler),
  );
}
