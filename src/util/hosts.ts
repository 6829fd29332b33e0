import { errorCode, errorText, usageError } from "./errors.ts";

/**
 * Names that resolve to loopback, whatever the hosts file says (RFC 6761, section 6.3). Not `localhost.` with a dot at its end,
 * which some resolvers ask DNS for.
 */
export function isLocalhost(hostname: string): boolean {
  return /(^|\.)localhost$/i.test(hostname);
}

/** Whether the hostname of a URL is this machine. */
export function isLoopback(hostname: string): boolean {
  return isLocalhost(hostname) || /^127(\.\d{1,3}){3}$/.test(hostname) || hostname === "[::1]";
}

/** Whether unencrypted traffic is certain to stay on this machine: names below `localhost` depend on the resolver. */
export function isSafeWithoutTls(hostname: string): boolean {
  return isLoopback(hostname) && !hostname.toLowerCase().includes(".localhost");
}

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** Whether it is certain that a request to a URL stays on this machine, by the text of its host. */
export function isLocalUrl(url: string): boolean {
  return isHttpUrl(url) && isSafeWithoutTls(new URL(url).hostname);
}

/** The loopback address at which a listener on all addresses is reached. */
const WILDCARDS: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

export function isWildcardAddress(host: string): boolean {
  return Object.hasOwn(WILDCARDS, host);
}

/** The address at which a listener on this host is reached. */
export function reachableHost(host: string): string {
  return WILDCARDS[host] ?? host;
}

/** The URL of that address, without a slash at its end. */
export function reachableOrigin(host: string, port: number): string {
  const address = reachableHost(host);
  return `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** The URL at which a listener is reached whose own may name all addresses. */
export function reachableUrl(url: string): string {
  return url.replace("//0.0.0.0", "//127.0.0.1").replace("//[::]", "//[::1]");
}

/** Whether the remote address of a socket is loopback. */
export function isLoopbackAddress(address: string | undefined): boolean {
  return /^(::ffff:)?127\.|^::1$/.test(address ?? "");
}

/** Options of undici's `EnvHttpProxyAgent`; an empty string for no proxy. */
interface ProxySettings {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

/** From `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case; undefined where no proxy is set. */
export function proxySettings(env: Readonly<Record<string, string | undefined>>): ProxySettings | undefined {
  const read = (name: string): string => env[name] || env[name.toUpperCase()] || "";
  // SOCKS proxies are not supported.
  const all = /^https?:/i.test(read("all_proxy")) ? read("all_proxy") : "";
  const httpProxy = read("http_proxy") || all;
  const httpsProxy = read("https_proxy") || all;
  return httpProxy === "" && httpsProxy === "" ? undefined : { httpProxy, httpsProxy, noProxy: read("no_proxy") };
}

/** Turns the error that undici throws for a malformed proxy URL into a usage error. */
export function explainProxyError<T>(createDispatcher: () => T): T {
  try {
    return createDispatcher();
  } catch (error) {
    throw usageError(
      `the proxy in HTTP_PROXY or HTTPS_PROXY cannot be used: ${errorText(error)}`,
      "write it as http://host:port, or unset the variable",
    );
  }
}

/**
 * undici before version 8 retries a CONNECT whose proxy closed the connection without a pause and without end
 * (https://github.com/nodejs/undici/issues/3897). It does so for UND_ERR_SOCKET only, so `connect` of the client is replaced
 * by one that throws another error.
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
