import type { Dispatcher } from "undici";
import { isLoopback } from "../core/loopback.ts";
import { asksOnce, proxySettings, throughProxies } from "../core/proxy-settings.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const CONNECTIONS = 4;

/**
 * A bounded pool with time-outs that follows no redirect and goes through the proxies that the environment names. Rejects
 * with a usage error for one that is none.
 */
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
  const clientFactory = (origin: URL, options: object) => asksOnce(new Pool(origin, options));
  const proxied = throughProxies(() => new EnvHttpProxyAgent({ ...limits, ...proxies, clientFactory }));
  // No proxy could reach this machine for us, and none is to see what goes to it in plain.
  return proxied.compose(
    (dispatch) => (options, handler) =>
      isLoopback(new URL(String(options.origin)).hostname)
        ? direct.dispatch(options, handler)
        : dispatch(options, handler),
  );
}
