import { lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import type { Dispatcher } from "undici";
import { explainProxyError, isLocalhost, isLoopback, proxySettings, withoutProxyRetry } from "../util/hosts.ts";

export interface DispatcherOptions {
  /** How many connections to one target are open at the same time. */
  readonly connections: number;
  /** Accept certificates that no known authority has signed. */
  readonly insecure: boolean;
  /** Where `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are read from, in either case. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Dispatchers {
  /** Kept-alive connections to the URL's server, or through the proxy that the environment names for it. */
  for(url: URL): Dispatcher;
  /** Whether there is no proxy between. */
  isDirect(url: URL): boolean;
  /** Closes them all at once, whatever is under way. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Node's own 250 ms per address is too short for a target across an ocean. */
const NEXT_ADDRESS_AFTER_MS = 1000;

/** Loads undici, which takes a moment, only when something is about to be posted. */
export async function openDispatchers({ connections, insecure, env }: DispatcherOptions): Promise<Dispatchers> {
  const undici = await import("undici");
  // The time-outs of an exchange are the poster's: it has one for the whole of it.
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
  const throughProxy = (): Dispatcher =>
    explainProxyError(
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
  const choose = (url: URL): Dispatcher => {
    // A proxy could not reach this machine's own loopback, and must not be asked to.
    if (proxies === undefined || isLoopback(url.hostname)) return direct;
    proxied ??= throughProxy();
    return proxied;
  };
  return {
    for: choose,
    isDirect: (url) => choose(url) === direct,
    async close() {
      await Promise.all([direct.destroy(), proxied?.destroy()]);
    },
  };
}

/** A server on one of the two addresses of `localhost` is found without the user having to know which. */
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
