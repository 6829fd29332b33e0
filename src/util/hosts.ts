import { errorCode, errorText, usageError } from "./errors.ts";

/** Both loopback addresses, whatever the hosts file knows of them (RFC 6761, section 6.3). */
export function isLocalhost(hostname: string): boolean {
  return /(^|\.)localhost\.?$/i.test(hostname);
}

/** The hostname of a URL, of which a program on another machine would be asked for in vain. */
export function isLoopback(hostname: string): boolean {
  return isLocalhost(hostname) || /^127(\.\d{1,3}){3}$/.test(hostname) || hostname === "[::1]";
}

/** Where what is sent without encryption surely stays on this machine: names below `localhost` are the resolver's to say. */
export function isSafeWithoutTls(hostname: string): boolean {
  return isLoopback(hostname) && !hostname.toLowerCase().includes(".localhost");
}

const EVERY_ADDRESS: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Whether a receiver that listens on this address listens on all that the machine has. */
export function isWildcardAddress(host: string): boolean {
  return Object.hasOwn(EVERY_ADDRESS, host);
}

/** The address to reach a receiver at: one that listens on every address is reached on loopback. */
export function reachableHost(host: string): string {
  return EVERY_ADDRESS[host] ?? host;
}

/** The address of a socket's other side. */
export function isLoopbackAddress(address: string | undefined): boolean {
  return /^(::ffff:)?127\.|^::1$/.test(address ?? "");
}

/** What the environment says of proxies, as undici takes it. */
interface ProxySettings {
  /** Empty for none. */
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

/** From `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case; undefined where none is named. */
export function proxySettings(env: Readonly<Record<string, string | undefined>>): ProxySettings | undefined {
  const named = (name: string): string => env[name] || env[name.toUpperCase()] || "";
  // One of SOCKS is for other programs.
  const all = /^https?:/i.test(named("all_proxy")) ? named("all_proxy") : "";
  const httpProxy = named("http_proxy") || all;
  const httpsProxy = named("https_proxy") || all;
  return httpProxy === "" && httpsProxy === "" ? undefined : { httpProxy, httpsProxy, noProxy: named("no_proxy") };
}

/** Makes what goes through the proxies that are named; a usage error where one of them is no address of a proxy. */
export function explainProxyError<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw usageError(
      `the proxy that HTTP_PROXY or HTTPS_PROXY names cannot be used: ${errorText(error)}`,
      "write it as http://host:port, or unset the variable",
    );
  }
}

/**
 * undici asks anew for a tunnel whose proxy has closed the connection, without a pause and without end
 * (https://github.com/nodejs/undici/issues/3897, mended in its version 8 alone): under another name it is a failure to it.
 * Changes the client that asks.
 */
export function withoutProxyRetry<Client extends object>(client: Client): Client {
  const connect = Reflect.get(client, "connect") as (options: unknown) => Promise<unknown>;
  const once = async (options: unknown): Promise<unknown> => {
    try {
      return await connect.call(client, options);
    } catch (error) {
      if (errorCode(error) !== "UND_ERR_SOCKET") throw error;
      throw new Error("the proxy closed the connection");
    }
  };
  return Object.assign(client, { connect: once });
}
