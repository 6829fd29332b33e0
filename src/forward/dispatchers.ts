import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import type { Dispatcher } from "undici";
import { explainProxyError, isLocalhost, isLoopback, proxySettings, withoutProxyRetry } from "../util/hosts.ts";

export interface DispatcherOptions {
  /** The most connections that are open to one target at the same time. */
  readonly connections: number;
  /** Accept certificates of unknown authorities. */
  readonly insecure: boolean;
  /** For `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in either case. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Node's default of 250 ms per address is too short for a target across an ocean. */
const NEXT_ADDRESS_AFTER_MS = 1000;

/** Keep-alive connections. undici is slow to load, so that waits until something is about to be posted. */
export async function openDispatchers({ connections, insecure, env }: DispatcherOptions) {
  const undici = await import("undici");
  // The poster has one timeout for the whole exchange.
  const timeouts = { headersTimeout: 0, bodyTimeout: 0 };
  const tls = { rejectUnauthorized: !insecure };
  const connect = {
    ...tls,
    timeout: CONNECT_TIMEOUT_MS,
    lookup: lookupBothLoopbacks,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
  };
  const direct = new undici.Agent({ connections, connect, ...timeouts });
  const proxies = proxySettings(env);
  let proxied: Dispatcher | undefined;
  const dispatcherFor = (url: URL): Dispatcher => {
    // A proxy elsewhere could not reach this machine's loopback.
    if (proxies === undefined || isLoopback(url.hostname)) return direct;
    proxied ??= explainProxyError(
      () =>
        new undici.EnvHttpProxyAgent({
          connections,
          connect,
          requestTls: tls,
          ...timeouts,
          ...proxies,
          clientFactory: (origin, options) => withoutProxyRetry(new undici.Pool(origin, options)),
        }),
    );
    return proxied;
  };
  return {
    /** Connects to the server of the URL, directly or through the proxy that the environment sets for it. */
    for: dispatcherFor,
    /** Whether no proxy is used. */
    isDirect: (url: URL): boolean => dispatcherFor(url) === direct,
    /** Destroys all connections at once. */
    async close(): Promise<void> {
      await Promise.all([direct.destroy(), proxied?.destroy()]);
    },
  };
}

/** Finds a server on either address of `localhost`. */
const lookupBothLoopbacks: LookupFunction = (hostname, options, callback) => {
  if (!isLocalhost(hostname)) {
    lookup(hostname, options, callback);
  } else if (options.all) {
    callback(null, [
      { address: "127.0.0.1", family: 4 },
      { address: "::1", family: 6 },
    ]);
  } else {
    callback(null, "127.0.0.1", 4);
  }
};
