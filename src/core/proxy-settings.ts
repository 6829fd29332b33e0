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
