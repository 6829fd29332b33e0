import type { SecretOptions } from "../project/given-secrets.ts";
import { checkEach, checks, readers } from "../project/readers.ts";
import type { Settings } from "../project/settings.ts";

/** Flags for Zoho's API. */
export interface ZohoFlags {
  readonly channel?: readonly string[];
  readonly expand?: boolean;
  readonly profile?: string;
  readonly product?: string;
}

export interface ListenOptions extends SecretOptions, SettingFlags, ZohoFlags {
  readonly route?: readonly string[];
  readonly expect?: readonly string[];
  readonly timeout?: string;
  readonly exec?: string;
  readonly showSecrets?: boolean;
  readonly ui?: boolean;
  readonly serveJwks?: boolean;
  readonly keys?: boolean;
  readonly role?: string;
  readonly admin?: string;
}

/** The given flags as settings; `target` is one more `--forward-to`. */
export function flagSettings(options: ListenOptions, target: string | undefined): Partial<Settings> {
  const settings: Record<string, unknown> = {};
  for (const [key, read] of Object.entries(readers)) {
    const value = options[key as keyof Settings];
    // Commander sets a flag that has a `--no-` twin to true when neither is given.
    if (value === undefined || (key === "store" && value === true)) continue;
    settings[key] = typeof value === "string" ? read(value, `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`) : value;
  }
  const { route, forwardTo } = options;
  const flags = Array.isArray(forwardTo) ? checkEach(checks.forwardTo, forwardTo, "--forward-to") : [];
  if (target !== undefined) settings.forwardTo = [...checkEach(checks.forwardTo, [target], "listen"), ...flags];
  if (route !== undefined) settings.routes = checkEach(checks.routes, route, "--route");
  return settings;
}

/** Flags that are settings, too: the same names and rules as in the environment and the config file. */
type SettingFlags = { readonly [K in keyof Settings]?: string | readonly string[] | boolean };
