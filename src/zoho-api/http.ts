import type { Dispatcher } from "undici";
import { isSuccess } from "../delivery/delivery.ts";
import { isSecretName, MASK, maskBody, maskUrl } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { explainProxyError, isLoopback, proxySettings, withoutProxyRetry } from "../util/hosts.ts";
import type { ApiRequestLine } from "./lines.ts";
import { type Exchange, retryingHttp, type Transport, type ZohoHttp, type ZohoRequest } from "./retrying-http.ts";

const TIMEOUT_MS = 30_000;

/** A client for Zoho's servers, which the caller closes. With `--verbose` each request is shown, with its secrets masked. */
export function zohoHttp(
  { now, sleep, verbose, report }: Pick<Context<ApiRequestLine>, "now" | "sleep" | "verbose" | "report">,
  { env }: Pick<Config, "env">,
  timeoutMs = TIMEOUT_MS,
): ZohoHttp {
  return retryingHttp({
    transport: undiciTransport(env, timeoutMs),
    now,
    sleep,
    timeoutMs,
    onExchange(exchange) {
      const isQuiet = exchange.request.isPoll && exchange.status !== undefined && isSuccess(exchange.status);
      if (verbose && !isQuiet) report(exchangeLine(exchange));
    },
    onPause: (message) => report({ type: "notice", message }),
  });
}

function exchangeLine({ request, headers, status, error, latencyMs }: Exchange): ApiRequestLine {
  return {
    type: "api_request",
    sent: true,
    method: request.method,
    url: maskUrl(request.url),
    headers: "authorization" in headers ? { ...headers, authorization: `Zoho-oauthtoken ${MASK}` } : headers,
    body: maskedBody(request) ?? null,
    status: status ?? null,
    error: error ?? null,
    latency_ms: latencyMs,
  };
}

function undiciTransport(env: Config["env"], timeoutMs: number): Transport {
  // Loaded with the first request, because many commands send none.
  let pool: Promise<Dispatcher> | undefined;
  const connect = (): Promise<Dispatcher> => {
    pool ??= connectionPool(env, timeoutMs);
    return pool;
  };
  return {
    async open() {
      await connect();
    },
    async send({ method, url, headers, body, signal }) {
      const { origin, pathname, search } = new URL(url);
      const dispatcher = await connect();
      const path = `${pathname}${search}`;
      const response = await dispatcher.request({ origin, path, method, headers, body, signal });
      return {
        status: response.statusCode,
        header: (name) => String(response.headers[name] ?? ""),
        text: () => readText(response.body, MAX_BODY_BYTES),
      };
    },
    async close() {
      const opened = await pool?.catch(() => undefined);
      await opened?.destroy();
    },
  };
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
