import { environmentName } from "./readers.ts";

/** Settings that a config file has below `tunnel`, by what they are called in the environment. */
export const BELOW_TUNNEL: Readonly<Record<string, string>> = {
  tunnel: "use",
  domain: "domain",
  publicUrl: "publicUrl",
  tunnelTimeout: "timeout",
  ngrokServerAddr: "serverAddr",
  ngrokRootCas: "rootCas",
};

/** Where a config file has a setting: `["tunnel", "domain"]`. */
export function fileKeys(key: string): readonly string[] {
  const inTunnel = Object.hasOwn(BELOW_TUNNEL, key) ? BELOW_TUNNEL[key] : undefined;
  return inTunnel === undefined ? [key] : ["tunnel", inTunnel];
}

/** A setting in the words of whoever set it: `--domain`, `ZOHO_HOOKS_DOMAIN (environment)`, `tunnel.domain in <file>`. */
export function namedAt(key: string, origin: string): string {
  if (origin === "flag") return `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`;
  return origin.startsWith(environmentName(key)) ? origin : `${fileKeys(key).join(".")} in ${origin}`;
}
