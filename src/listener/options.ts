import type { SecretOptions } from "../project/given-secrets.ts";
import type { SettingOptions } from "../project/settings.ts";

/** Flags for Zoho's API. */
export interface ZohoFlags {
  readonly channel?: readonly string[];
  readonly expand?: boolean;
  readonly profile?: string;
  readonly product?: string;
}

export interface ListenOptions extends SecretOptions, SettingOptions, ZohoFlags {
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
