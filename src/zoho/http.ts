import type { Dispatcher } from "undici";
import { errorText, UserError } from "../core/errors.ts";
import { isSecretName, MASK, maskBody, maskUrl } from "../core/mask.ts";
import { withTimeLimit } from "../core/time-limit.ts";
import {
  backoffMs,
  LONGEST_RETRY_AFTER_MS,
  MAX_TRIES,
  mayRetry,
  neverSent,
  retryAfterMs,
  type Sleep,
  type TryOutcome,
} from "./backoff.ts";
import { connectionPool } from "./connection-pool.ts";
import { maskedParts, multipartBody } from "./multipart-body.ts";
import { readDate, readReply, readText } from "./read-reply.ts";

export interface ZohoRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly accessToken?: string;
  readonly form?: Readonly<Record<string, string>>;
  /** The JSON text of the body. */
  readonly json?: string;
  /** Fields of a multipart form. */
  readonly multipart?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** True when carrying it out twice does no harm: then it is tried again after a time-out or a 5xx. */
  readonly repeatable: boolean;
  readonly signal?: AbortSignal;
}

export interface ZohoReply {
  readonly status: number;
  readonly text: string;
  /** The parsed body, with numbers past 2^53 as strings; undefined for an empty body and for one that is not JSON. */
  readonly body: unknown;
  /** True when a body is there and is not JSON (an HTML page), or when one should be there and is not. */
  readonly unreadable: boolean;
  /** The time by the clock of whoever has answered, to the second; undefined where it does not say. */
  readonly date: Date | undefined;
  /** How long to wait before the next request, where the answer says so. */
  readonly retryAfterMs?: number | undefined;
}

/** One try at a request, fit to be shown: every secret is masked. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly tryNumber: number;
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
  /** What `Retry-After` is reckoned by where an answer does not say what time it is. */
  readonly now?: () => Date;
  /** Told before a pause that a person would wonder at. */
  readonly onPause?: (host: string, ms: number) => void;
  readonly onExchange?: ((exchange: Exchange) => void) | undefined;
}

export interface ZohoHttp {
  /** Resolves with any HTTP status; throws `UserError`: 7 when Zoho could not be reached at all, 2 for an unusable proxy. */
  send(request: ZohoRequest): Promise<ZohoReply>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 30_000;
const SILENT_PAUSE_MS = 3_000;

export function createHttp(options: HttpOptions): ZohoHttp {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  // The pool is loaded with the first request: a command that sends none should not pay for it.
  let pool: Promise<Dispatcher> | undefined;
  const connect = (): Promise<Dispatcher> => {
    pool ??= connectionPool(options.env, timeoutMs);
    return pool;
  };

  const once = async (request: ZohoRequest, tryNumber: number): Promise<ZohoReply> => {
    const started = performance.now();
    const parts = request.multipart && multipartBody(request.multipart);
    const headers = requestHeaders(request, parts?.contentType);
    const body = request.json ?? parts?.body ?? (request.form && new URLSearchParams(request.form).toString());
    let status: number | undefined;
    let failure: unknown;
    try {
      const url = new URL(request.url);
      const pool = await connect();
      return await withTimeLimit(timeoutMs, [request.signal], async (signal) => {
        const response = await pool.request({
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method: request.method,
          headers,
          body: body ?? null,
          signal,
        });
        status = response.statusCode;
        const text = await readText(response.body);
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
        tryNumber,
        status,
        error: failure === undefined ? undefined : errorText(failure),
        latencyMs: Math.round(performance.now() - started),
      });
    }
  };

  return {
    async send(request) {
      await connect();
      for (let tryNumber = 1; ; tryNumber++) {
        let outcome: TryOutcome;
        let reply: ZohoReply | undefined;
        try {
          reply = await once(request, tryNumber);
          outcome = { status: reply.status, unreadable: reply.unreadable };
        } catch (failure) {
          if (request.signal?.aborted) throw request.signal.reason;
          outcome = { failure };
        }
        const askedMs = reply?.retryAfterMs;
        const isTooLong = askedMs !== undefined && askedMs > LONGEST_RETRY_AFTER_MS;
        const again = tryNumber < MAX_TRIES && !isTooLong && mayRetry(outcome, request.repeatable);
        if (!again && reply !== undefined) return reply;
        if (!again) throw unreachable(request, "failure" in outcome ? outcome.failure : undefined, timeoutMs);
        const pauseMs = backoffMs(tryNumber, options.random(), askedMs);
        if (pauseMs > SILENT_PAUSE_MS) options.onPause?.(new URL(request.url).host, pauseMs);
        await options.sleep(pauseMs, request.signal);
        if (request.signal?.aborted) throw request.signal.reason;
      }
    },
    async close() {
      const opened = await pool?.catch(() => undefined);
      await opened?.destroy();
    },
  };
}

/** The body of a request as it may be shown. */
export function maskedBody({
  json,
  multipart,
  form,
}: Pick<ZohoRequest, "json" | "multipart" | "form">): string | undefined {
  if (json !== undefined) return maskBody(Buffer.from(json), "application/json").toString("utf8");
  if (multipart !== undefined) return maskedParts(multipart);
  if (form === undefined) return undefined;
  // A grant code opens as much as a token does, while it lives.
  const secret = (name: string): boolean => isSecretName(name) || name === "code" || name === "device_code";
  return Object.entries(form)
    .map(([name, value]) => `${name}=${secret(name) ? MASK : encodeURIComponent(value)}`)
    .join("&");
}

function requestHeaders(request: ZohoRequest, multipartType: string | undefined): Record<string, string> {
  return {
    accept: "application/json",
    "user-agent": "zoho-hooks",
    // Zoho's replies say Bearer, and its documentation this: https://www.zoho.com/crm/developer/docs/api/v8/refresh.html
    ...(request.accessToken === undefined ? {} : { authorization: `Zoho-oauthtoken ${request.accessToken}` }),
    ...(request.json === undefined ? {} : { "content-type": "application/json" }),
    ...(multipartType === undefined ? {} : { "content-type": multipartType }),
    ...(request.form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
    ...request.headers,
  };
}

/** `unreachable`: it surely did not arrive. `no_answer`: nobody knows whether it was carried out. */
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
