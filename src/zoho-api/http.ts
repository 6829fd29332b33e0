import { randomBytes } from "node:crypto";
import type { Dispatcher } from "undici";
import { isSuccess } from "../delivery/delivery.ts";
import { isSecretName, MASK, maskBody, maskUrl } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { errorCode, errorText, UserError } from "../util/errors.ts";
import { explainProxyError, isLoopback, proxySettings, withoutProxyRetry } from "../util/hosts.ts";
import { parseJson } from "../util/json.ts";
import { retryAfterMs, withTimeout } from "../util/timing.ts";
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

export type ZohoHttp = ReturnType<typeof zohoHttp>;

const TIMEOUT_MS = 30_000;
const MAX_ATTEMPTS = 4;
const FIRST_WAIT_MS = 500;
/** Longer ones are not waited for: failing with the time to wait says more than hanging. */
const MAX_RETRY_AFTER_MS = 60_000;
const NOTICEABLE_PAUSE_MS = 3_000;

/** A client for Zoho's servers, which the caller closes. With `--verbose` each request is shown, with its secrets masked. */
export function zohoHttp(
  { now, sleep, verbose, report }: Pick<Context, "now" | "sleep" | "verbose" | "report">,
  { env }: Pick<Config, "env">,
  timeoutMs = TIMEOUT_MS,
) {
  // Loaded with the first request, because many commands send none.
  let pool: Promise<Dispatcher> | undefined;
  const connect = (): Promise<Dispatcher> => {
    pool ??= connectionPool(env, timeoutMs);
    return pool;
  };

  const sendOnce = async (request: ZohoRequest): Promise<ZohoReply> => {
    const started = performance.now();
    const { headers, body } = encode(request);
    let status: number | undefined;
    let error: string | undefined;
    try {
      const { origin, pathname, search } = new URL(request.url);
      const { method } = request;
      const path = `${pathname}${search}`;
      const dispatcher = await connect();
      return await withTimeout(timeoutMs, [request.signal], async (signal) => {
        const response = await dispatcher.request({ origin, path, method, headers, body, signal });
        status = response.statusCode;
        const reply = readReply(method, status, await readText(response.body, MAX_BODY_BYTES));
        const { date: dateHeader, "retry-after": retryAfter } = response.headers;
        const date = readDate(dateHeader);
        const askedMs = retryAfterMs(String(retryAfter ?? "") || undefined, date ?? now());
        return { ...reply, date, retryAfterMs: askedMs };
      });
    } catch (failure) {
      error = errorText(failure);
      throw failure;
    } finally {
      if (verbose && !(request.isPoll && status !== undefined && isSuccess(status)))
        report({
          type: "api-request",
          sent: true,
          method: request.method,
          url: maskUrl(request.url),
          headers: "authorization" in headers ? { ...headers, authorization: `Zoho-oauthtoken ${MASK}` } : headers,
          body: maskedBody(request),
          status,
          error,
          latencyMs: Math.round(performance.now() - started),
        });
    }
  };

  return {
    /** Resolves with any HTTP status; throws `UserError`: 7 if Zoho cannot be reached, 2 for an unusable proxy. */
    async send(request: ZohoRequest): Promise<ZohoReply> {
      const { signal, repeatable } = request;
      const { host } = new URL(request.url);
      await connect();
      for (let attempt = 1; ; attempt++) {
        let reply: ZohoReply | undefined;
        let failure: unknown;
        try {
          reply = await sendOnce(request);
        } catch (error) {
          if (signal?.aborted) throw signal.reason;
          failure = error;
        }
        const askedMs = reply?.retryAfterMs;
        const mayRetry = reply === undefined ? repeatable || isUnsent(failure) : mayRetryAfter(reply, repeatable);
        if (!mayRetry || attempt === MAX_ATTEMPTS || (askedMs ?? 0) > MAX_RETRY_AFTER_MS) {
          if (reply !== undefined) return reply;
          throw unreachable(host, failure, timeoutMs);
        }
        // Exponential, with a jitter of one half.
        const pauseMs = askedMs ?? Math.round(FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
        if (pauseMs > NOTICEABLE_PAUSE_MS)
          report({ type: "notice", message: `${host} asked to wait: retrying in ${formatSpan(pauseMs)}` });
        await sleep(pauseMs, signal);
        if (signal?.aborted) throw signal.reason;
      }
    },
    async close(): Promise<void> {
      const opened = await pool?.catch(() => undefined);
      await opened?.destroy();
    },
  };
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
  return UNSENT.has(errorCode(failure) ?? "");
}

/** `unreachable`: it certainly did not arrive. `no_answer`: it may have been carried out. */
function unreachable(host: string, failure: unknown, timeoutMs: number): UserError {
  const timedOut = failure instanceof Error && /^(?:Timeout|Abort)/.test(failure.name);
  const message = isUnsent(failure)
    ? `${host} could not be reached: ${errorText(failure)}`
    : timedOut
      ? `${host} did not answer within ${timeoutMs / 1000} s`
      : `the connection to ${host} was lost before it answered: ${errorText(failure)}`;
  const hint = "check the network connection, and HTTPS_PROXY and NO_PROXY if you are behind a proxy";
  return new UserError("zohoApi", message, hint, isUnsent(failure) ? "unreachable" : "no_answer");
}

function encode({ accessToken, json, multipart, form, headers, isPoll }: ZohoRequest) {
  const boundary = `zoho-hooks-${randomBytes(12).toString("hex")}`;
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

/** The body of a request with its secrets masked. */
export function maskedBody({ json, multipart, form }: Omit<ZohoRequest, "url">): string | undefined {
  const maskJson = (text: string): string => maskBody(Buffer.from(text), "application/json").toString("utf8");
  if (json !== undefined) return maskJson(json);
  if (multipart !== undefined) {
    // JSON in a field may hold secrets, too.
    const maskValue = (value: string): string => (value.startsWith("{") ? maskJson(value) : value);
    return Object.entries(multipart)
      .map(([name, value]) => `${name}=${isSecretName(name) ? MASK : maskValue(value)}`)
      .join("\n");
  }
  // A grant code is as powerful as a token, as long as it is valid.
  const isSecret = (name: string): boolean => isSecretName(name) || name === "code";
  return (
    form &&
    Object.entries(form)
      .map(([name, value]) => `${name}=${isSecret(name) ? MASK : encodeURIComponent(value)}`)
      .join("&")
  );
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

function readReply(method: string, status: number, text: string) {
  if (text.trim() === "") {
    // An empty list is a 204 without a body; a 200 without one was lost on the way.
    const unreadable = isSuccess(status) && status !== 204 && method !== "DELETE";
    return { status, text, body: undefined, unreadable };
  }
  const parsed = parseJson(text);
  return { status, text, body: parsed.ok ? parsed.value : undefined, unreadable: !parsed.ok };
}

const CONNECT_TIMEOUT_MS = 10_000;
const CONNECTIONS = 4;

/** A bounded pool with timeouts that follows no redirects and uses the proxies of the environment. */
export async function connectionPool(env: Config["env"], timeoutMs: number): Promise<Dispatcher> {
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
