import { errorCode, errorText, usageError } from "./errors.ts";

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
export function throughProxies<T>(make: () => T): T {
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
export function asksOnce<Client extends object>(client: Client): Client {
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
