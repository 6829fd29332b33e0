import type { Dispatcher } from "undici";
import { proxySettings } from "../core/proxy-settings.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const CONNECTIONS = 4;

/** Hosts of this machine, which no proxy can reach for us. */
const NEVER_PROXIED = "localhost,127.0.0.1,[::1]";

/** A bounded pool with time-outs that follows no redirect and goes through the proxies that the environment names. */
export async function connectionPool(
  env: Readonly<Record<string, string | undefined>>,
  timeoutMs: number,
): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent } = await import("undici");
  const limits = {
    connections: CONNECTIONS,
    connect: { timeout: Math.min(CONNECT_TIMEOUT_MS, timeoutMs) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  };
  const proxies = proxySettings(env);
  if (proxies === undefined) return new Agent(limits);
  const noProxy = [proxies.noProxy, NEVER_PROXIED].filter((each) => each !== "").join(",");
  return new EnvHttpProxyAgent({ ...limits, ...proxies, noProxy });
}
